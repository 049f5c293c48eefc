"""What the project's README says about it, for those who did not write it."""

from __future__ import annotations

import re

from chaoskit.starter.model import Objective, Starter, Visit

BEGIN, END = "<!-- chaoskit: begin -->", "<!-- chaoskit: end -->"


def section(starter: Starter, tests_file: str) -> str:
    """The section, between its markers.

    Args:
        starter: what it is about.
        tests_file: the experiments' file, as people type it.
    """
    rows = [_row(visit, visit.objective) for visit in starter.visits if visit.objective is not None]
    return "\n".join(
        [
            BEGIN,
            f"<!-- Written by `chaoskit init` on {starter.date}. Edit it freely: only",
            "`chaoskit init --force` writes what is between the markers again. -->",
            "",
            "## Resilience",
            "",
            "What our users are promised while a part of the system fails is declared in `resilience.py`,",
            f"and tried by `{tests_file}` on the system as it is in `{starter.compose}`, in containers",
            "of its own.",
            "",
            "```console",
            "$ pip install chaoskit",
            f"$ pytest {tests_file} -v  # needs Docker",
            '$ pytest -m "not chaos"  # everything else',
            "```",
            "",
            "<!-- The figures were measured once, on one machine, with a margin. Put in what is really",
            "promised, here and in `resilience.py`. -->",
            "",
            "| journey | what a user does | promise | back within | needs | uses |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "HELD: nobody but those who need the failed part noticed, and all recovered. BROKEN: a promise",
            "was not kept; `chaoskit-report/report.html` shows which, when, and by how much. UNKNOWN: it",
            "could not be told, and why.",
            "",
            "<!-- chaoskit-report/ is made anew by each run: it belongs into .gitignore. -->",
            END,
            "",
        ]
    )


def with_section(readme: str, text: str) -> str:
    """A README with the section in it: at its end, or where an earlier one was."""
    earlier = re.search(rf"{re.escape(BEGIN)}.*?{re.escape(END)}\n?", readme, re.DOTALL)
    if earlier:
        return readme[: earlier.start()] + text + readme[earlier.end() :]
    return f"{readme.rstrip()}\n\n{text}" if readme.strip() else text


def _row(visit: Visit, promise: Objective) -> str:
    cells = (
        f"`{visit.name}`",
        f"{visit.door.path} at {visit.door.service}",
        f"{promise.availability:.0%} answered, p95 {promise.p95:g} s",
        f"{promise.recovery} s",
        ", ".join(visit.needs) or "-",
        ", ".join(visit.uses) or "-",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
