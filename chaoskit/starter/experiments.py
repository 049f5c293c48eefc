"""The module of experiments: one per component."""

from __future__ import annotations

from chaoskit.starter.code import WIDTH, comment, commented, docstring, quoted
from chaoskit.starter.model import Starter, Trial


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


def _test(trial: Trial, width: int) -> list[str]:
    mark = f"@pytest.mark.chaos(stage={quoted(trial.stage)})" if trial.stage else "@pytest.mark.chaos"
    return [
        mark,
        f"def {trial.name}(chaos: Chaos) -> None:",
        *docstring(trial.about, "    ", width),
        *_experiment(trial, width),
    ]


def _experiment(trial: Trial, width: int) -> list[str]:
    line = f"    chaos.experiment({trial.fault}).assert_held()"
    if len(line) <= width:
        return [line]
    made = f"    fault = {trial.fault}"
    lines = [made]
    if len(made) > width:  # the comma at the end keeps them apart at any width
        arguments = [f"        {each}," for each in trial.arguments]
        lines = [f"    fault = faults.{trial.kind}(", *arguments, "    )"]
    return [*lines, "    chaos.experiment(fault).assert_held()"]
