"""The texts that ``chaoskit init`` writes: the system's module, the experiments, the README's section.

The Python is as ``ruff format`` would leave it at any line length from 88. Beside each figure stands
where it comes from.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence

from chaoskit.starter.model import Calm, Objective, Starter, StarterTrial, Visit
from chaoskit.starter.objective import LEAST_DEGRADED_P95, LEAST_P95, LEAST_RECOVERY, P95_FACTOR

LINE_WIDTH = 88
"""Columns of a line: the fewest that the usual formatters ask for."""


BEGIN, END = "<!-- chaoskit: begin -->", "<!-- chaoskit: end -->"


_UNMEASURED = Objective(
    availability=0.99, p95=LEAST_P95, degraded_p95=LEAST_DEGRADED_P95, recovery=LEAST_RECOVERY
)

_OBJECTIVES = f"""The objectives are looser than what was measured, so that everyday noise does not
break them. The p95 is {P95_FACTOR} times the measured one, rounded up, and at least {LEAST_P95:g} s.
`degraded` allows {P95_FACTOR} times that again, and at least {LEAST_DEGRADED_P95:g} s. Replace these
figures with what your users really expect."""

_NEEDS = """`needs`: a journey may fail while one of these is at fault, and must recover in time.
`uses`: it must keep its `degraded` objective while one of these is at fault. Both are a
first guess from the links that carried traffic: caches and standbys are used, and
everything else that was reached is needed. The report of the first run corrects the guess:
move what "survived" to `uses`, and add what is "coupled"."""


def quoted(text: str) -> str:
    """A string literal, in the quotes that need the fewest backslashes."""
    literal = json.dumps(text, ensure_ascii=False)
    return repr(text) if '"' in text and "'" not in text else literal


def comment(text: str, indent: str = "") -> list[str]:
    """A sentence or more as comment lines."""
    flat = " ".join(text.split())
    return textwrap.wrap(
        flat,
        LINE_WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def docstring(text: str, indent: str = "", width: int = LINE_WIDTH) -> list[str]:
    """One paragraph as a docstring, on one line where it fits."""
    flat = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    if len(indent) + len(flat) + 6 <= width:
        return [f'{indent}"""{flat}"""']
    room = min(
        width - len(indent) - 3, len(flat) - 1
    )  # at least two lines, so that the closing quotes follow one
    first, *rest = textwrap.wrap(flat, room, break_on_hyphens=False)
    return [f'{indent}"""{first}', *(f"{indent}{line}" for line in rest), f'{indent}"""']


def listed(head: str, items: Sequence[str], tail: str, indent: str) -> list[str]:
    """``head[items]tail`` on one line where it fits, otherwise one item per line, with a comma at the end."""
    line = f"{indent}{head}[{', '.join(items)}]{tail}"
    if len(line) <= LINE_WIDTH:
        return [line]
    return [f"{indent}{head}[", *(f"{indent}    {item}," for item in items), f"{indent}]{tail}"]


def commented(lines: Iterable[str]) -> list[str]:
    """Lines of code as comments."""
    return [f"# {line}" if line else "#" for line in lines]


def declaration(starter: Starter) -> str:
    """The text of the module."""
    lines = [
        '"""What the users of this system do, and what they are promised.',
        "",
        f"Written by `chaoskit init` on {starter.date}, from one measurement with nothing at fault.",
        "The file is yours now: every figure and every name in it is a first guess.",
        '"""',
        "",
        "from chaoskit import Slo, System, User, journey",
        "",
        *comment(_OBJECTIVES),
        "#",
        *comment(_NEEDS),
    ]
    for visit in starter.visits:
        lines += ["", "", *_journey(visit)]
    lines += ["", ""]
    for each in starter.unused:
        lines += comment(f"No journey uses {each.name}: it {each.says}.")
    lines += _system(starter.compose, [visit.name for visit in starter.visits])
    return "\n".join(lines) + "\n"


def measured(calm: Calm, rate: float) -> str:
    """What was measured, in one sentence."""
    failed = "none failed" if not calm.failed else f"{calm.failed} failed ({calm.error})"
    return (
        f"Measured for {calm.seconds:g} s at {rate:g} per second: {calm.samples} requests, {failed}, "
        f"p50 {calm.p50 * 1000:.0f} ms, p95 {calm.p95 * 1000:.0f} ms."
    )


def _journey(visit: Visit) -> list[str]:
    entry, promise = visit.entry, visit.objective or _UNMEASURED
    lines = comment(f"{entry.name}: {entry.says}. {measured(visit.calm, entry.rate) if visit.calm else ''}")
    if visit.calm and visit.calm.failed:
        lines += comment("Requests failed with nothing at fault: first find out why, then raise the promise.")
    lines += [
        "@journey(",
        f"    rate={entry.rate},  # arrivals per second, few on purpose",
        f"    entry={quoted(entry.name)},",
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
        *docstring(f"Open {entry.path} at {entry.service}.", "    "),
        *_get(entry.path),
    ]


def _system(compose: str, journeys: list[str]) -> list[str]:
    line = f"system = System.from_compose({quoted(compose)}, journeys=[{', '.join(journeys)}])"
    if len(line) <= LINE_WIDTH:
        return [line]
    return [
        "system = System.from_compose(",
        f"    {quoted(compose)},",
        *listed("journeys=", journeys, ",", "    "),
        ")",
    ]


def _get(path: str) -> list[str]:
    line = f"    (await user.get({quoted(path)})).raise_for_status()"
    if len(line) <= LINE_WIDTH:
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
        '"""Does the system keep its promises while one component fails? One experiment each.',
        "",
        "HELD passes. BROKEN is a finding, with its figures. `pytest -m 'not chaos'` leaves",
        "these tests out.",
        '"""',
        "",
        "import pytest",
        "",
        "from chaoskit import Chaos, faults",
    ]
    for trial in starter.trials:
        notes = [line for note in trial.notes for line in comment(note)]
        code = _test(trial, LINE_WIDTH) if trial.active else commented(_test(trial, LINE_WIDTH - 2))
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
    if len(made) > width:  # the comma at the end keeps them on lines of their own at any width
        arguments = [f"        {each}," for each in trial.arguments]
        lines = [f"    fault = faults.{trial.kind}(", *arguments, "    )"]
    return [*lines, "    chaos.experiment(fault).assert_held()"]


def section(starter: Starter, tests_file: str) -> str:
    """The section, between its markers.

    Args:
        starter: what it is about.
        tests_file: the file of the experiments, as it is typed on the command line.
    """
    rows = [_row(visit, visit.objective) for visit in starter.visits if visit.objective is not None]
    return "\n".join(
        [
            BEGIN,
            f"<!-- Written by `chaoskit init` on {starter.date}. Edit it freely: only",
            "`chaoskit init --force` replaces the text between the markers. -->",
            "",
            "## Resilience",
            "",
            "`resilience.py` declares what our users are promised while a part of the system fails.",
            f"`{tests_file}` tests it on the system of `{starter.compose}`, in containers of its own.",
            "",
            "```console",
            "$ pip install chaoskit",
            f"$ pytest {tests_file} -v  # needs Docker",
            '$ pytest -m "not chaos"  # everything else',
            "```",
            "",
            "<!-- The figures come from one measurement on one machine, with a margin. Replace them with",
            "what you really promise, here and in `resilience.py`. -->",
            "",
            "| journey | what a user does | promise | recovers within | needs | uses |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            "HELD: only journeys that need the failed part were affected, and all recovered in time.",
            "BROKEN: a promise was not kept. UNKNOWN: the experiment could not tell.",
            "`chaoskit-report/report.html` shows which promise, when and by how much, or what was missing.",
            "",
            "<!-- Each run writes chaoskit-report/ anew: add it to .gitignore. -->",
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
        f"opens {visit.entry.path} at {visit.entry.service}",
        f"{promise.availability:.0%} answered, p95 {promise.p95:g} s",
        f"{promise.recovery} s",
        ", ".join(visit.needs) or "-",
        ", ".join(visit.uses) or "-",
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
