"""Python as ``ruff format`` would leave it, at any line length from 88.

The system's module: the journeys, and beside each figure where it comes from.

The module of experiments: one per component.

What the project's README says about it, for those who did not write it.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence

from chaoskit.starter.model import Calm, Objective, Starter, StarterTrial, Visit
from chaoskit.starter.objective import FACTOR, TIGHTEST

WIDTH = 88
"""Columns: the narrowest that the usual formatters ask for."""


def quoted(text: str) -> str:
    """A string literal, in the quotes that spare it most backslashes."""
    literal = json.dumps(text, ensure_ascii=False)
    return repr(text) if '"' in text and "'" not in text else literal


def comment(text: str, indent: str = "") -> list[str]:
    """A sentence or more as comment lines."""
    flat = " ".join(text.split())
    return textwrap.wrap(
        flat,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def docstring(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """One paragraph as a docstring, on one line where it fits."""
    flat = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    if len(indent) + len(flat) + 6 <= width:
        return [f'{indent}"""{flat}"""']
    room = min(width - len(indent) - 3, len(flat) - 1)  # two lines at least: quotes alone on one look lost
    first, *rest = textwrap.wrap(flat, room, break_on_hyphens=False)
    return [f'{indent}"""{first}', *(f"{indent}{line}" for line in rest), f'{indent}"""']


def listed(head: str, items: Sequence[str], tail: str, indent: str) -> list[str]:
    """``head[items]tail`` on one line where it fits, else an item a line with a comma at the end."""
    line = f"{indent}{head}[{', '.join(items)}]{tail}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}{head}[", *(f"{indent}    {item}," for item in items), f"{indent}]{tail}"]


def commented(lines: Iterable[str]) -> list[str]:
    """Code as comments."""
    return [f"# {line}" if line else "#" for line in lines]


_UNMEASURED = Objective(availability=0.99, p95=TIGHTEST, degraded_p95=1.0, recovery=30)

_PROMISES = f"""The promises are looser than what was measured, so that everyday noise does not break
them: p95 is {FACTOR} times the measured one, rounded up, and never below {TIGHTEST:g} s; `degraded` allows
{FACTOR} times that again, and at least 1 s. Put in what your users really expect."""

_NEEDS = """`needs`: without these it may fail, and then recovers in time. `uses`: without these it
keeps `degraded`. This is a first guess, from the links that carried something: caches
and standbys are used, whatever else was reached is needed. The first run tells which of
it is true: what "survived" belongs into `uses`, and what is "coupled" is missing here."""


def declaration(starter: Starter) -> str:
    """The text of the module."""
    lines = [
        '"""What the users of this system do, and what they are promised.',
        "",
        f"Written by `chaoskit init` on {starter.date}, from one calm look with nothing at fault.",
        "It is yours now: every figure and every name is a first guess.",
        '"""',
        "",
        "from chaoskit import Slo, System, User, journey",
        "",
        *comment(_PROMISES),
        "#",
        *comment(_NEEDS),
    ]
    for visit in starter.visits:
        lines += ["", "", *_journey(visit)]
    lines += ["", ""]
    for each in starter.shut:
        lines += comment(f"No journey enters by {each.entry}: it {each.says}.")
    lines += _system(starter.compose, [visit.name for visit in starter.visits])
    return "\n".join(lines) + "\n"


def measured(calm: Calm, rate: float) -> str:
    """What was measured, in one sentence."""
    failed = "none failed" if not calm.failed else f"{calm.failed} failed ({calm.error})"
    return (
        f"Measured for {calm.seconds:g} s at {rate:g} a second: {calm.samples} requests, {failed}, "
        f"p50 {calm.p50 * 1000:.0f} ms, p95 {calm.p95 * 1000:.0f} ms."
    )


def _journey(visit: Visit) -> list[str]:
    door, promise = visit.door, visit.objective or _UNMEASURED
    lines = comment(f"{door.entry}: {door.says}. {measured(visit.calm, door.rate) if visit.calm else ''}")
    if visit.calm and visit.calm.failed:
        lines += comment("Requests failed with nothing at fault: look there first, and raise the promise.")
    lines += [
        "@journey(",
        f"    rate={door.rate},  # arrivals a second, few on purpose",
        f"    entry={quoted(door.entry)},",
        *listed("needs=", [quoted(each) for each in visit.needs], ",", "    "),
    ]
    if visit.uses:
        lines += listed("uses=", [quoted(each) for each in visit.uses], ",", "    ")
    return [
        *lines,
        f"    slo={_slo(promise.availability, promise.p95, promise.recovery)},",
        f"    degraded={_slo(promise.availability, promise.degraded_p95, promise.recovery)},",
        ")",
        f"async def {visit.name}(user: User) -> None:",
        *docstring(f"Somebody opens {door.path} at {door.service}.", "    "),
        *_get(door.path),
    ]


def _system(compose: str, journeys: list[str]) -> list[str]:
    line = f"system = System.from_compose({quoted(compose)}, journeys=[{', '.join(journeys)}])"
    if len(line) <= WIDTH:
        return [line]
    return [
        "system = System.from_compose(",
        f"    {quoted(compose)},",
        *listed("journeys=", journeys, ",", "    "),
        ")",
    ]


def _get(path: str) -> list[str]:
    line = f"    (await user.get({quoted(path)})).raise_for_status()"
    if len(line) <= WIDTH:
        return [line]
    return [
        "    answer = await user.get(",
        f"        {quoted(path)},",
        "    )",
        "    answer.raise_for_status()",
    ]


def _slo(availability: float, p95: float, recovery: int) -> str:
    return f"Slo(availability={availability:g}, p95={p95:g}, recovery={recovery})"


def experiments(starter: Starter) -> str:
    """The text of the module."""
    lines = [
        '"""What becomes of the promises when a part of the system fails: one experiment each.',
        "",
        "HELD passes; BROKEN is a finding, with its figures. `pytest -m 'not chaos'` leaves",
        "these out.",
        '"""',
        "",
        "import pytest",
        "",
        "from chaoskit import Chaos, faults",
    ]
    for trial in starter.trials:
        notes = [line for note in trial.notes for line in comment(note)]
        code = _test(trial, WIDTH) if trial.active else commented(_test(trial, WIDTH - 2))
        lines += ["", "", *notes, *code]
    for service, reason in starter.idle:
        lines += ["", "", *comment(f"{service} has no experiment: {reason}.")]
    return "\n".join(lines) + "\n"


def _test(trial: StarterTrial, width: int) -> list[str]:
    mark = f"@pytest.mark.chaos(stage={quoted(trial.stage)})" if trial.stage else "@pytest.mark.chaos"
    return [
        mark,
        f"def {trial.name}(chaos: Chaos) -> None:",
        *docstring(trial.about, "    ", width),
        *_experiment(trial, width),
    ]


def _experiment(trial: StarterTrial, width: int) -> list[str]:
    line = f"    chaos.experiment({trial.fault}).assert_held()"
    if len(line) <= width:
        return [line]
    made = f"    fault = {trial.fault}"
    lines = [made]
    if len(made) > width:  # the comma at the end keeps them apart at any width
        arguments = [f"        {each}," for each in trial.arguments]
        lines = [f"    fault = faults.{trial.kind}(", *arguments, "    )"]
    return [*lines, "    chaos.experiment(fault).assert_held()"]


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
