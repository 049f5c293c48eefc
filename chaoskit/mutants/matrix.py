"""The detection matrix: experiment by mutant, and whether each was caught for the right reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from chaoskit.judge import Finding, Verdict
from chaoskit.mutants.trials import Trial
from chaoskit.report.terminal import aligned

_SIGNS = {Verdict.HELD: "held", Verdict.BROKEN: "broken", Verdict.UNKNOWN: "unknown"}


def text(trials: Sequence[Trial]) -> str:
    """The matrix for a terminal: one line a mutant, one column an experiment, and the reasons below.

    A cell is ``caught`` where a mutant broke the promise that it must; ``held``, ``broken`` and
    ``unknown`` are verdicts; a ``!`` marks what is not as it must be.
    """
    experiments = list(dict.fromkeys(each.experiment for each in trials))
    forms = list(dict.fromkeys(each.mutant for each in trials))
    cells = {(each.mutant, each.experiment): _cell(each) for each in trials}
    numbers = {name: str(number) for number, name in enumerate(experiments, 1)}
    lines: list[tuple[str, ...]] = [("", *numbers.values())]
    lines += [(form or "as it is", *(cells.get((form, name), "·") for name in experiments)) for form in forms]
    legend = [f"  {number:>2}  {name}" for name, number in numbers.items()]
    reasons = [f"  {_reason(each)}" for each in trials if each.wanted is not None or not each.right]
    return "\n".join([aligned(lines), "", *legend, "", *reasons])


def to_record(trials: Sequence[Trial]) -> dict[str, Any]:
    """The matrix as JSON-able data."""
    return {
        "version": 1,
        "right": all(each.right for each in trials),
        "trials": [
            {
                "experiment": each.experiment,
                "mutant": each.mutant or None,
                "fault": each.conclusion.result.fault,
                "verdict": each.verdict.value,
                "right": each.right,
                "wanted": None
                if each.wanted is None
                else {
                    "journey": each.wanted.journey,
                    "promise": each.wanted.promise,
                    "because": each.wanted.because,
                    "may_break": [asdict(may) for may in each.wanted.may_break],
                },
                "broken": [
                    {
                        "journey": found.journey,
                        "promise": found.promise,
                        "reason": found.reason,
                        "foreseen": found not in each.unforeseen,
                    }
                    for found in each.broken
                ],
                "journal": str(each.conclusion.journal),
            }
            for each in trials
        ],
    }


def _cell(trial: Trial) -> str:
    word = "caught" if trial.wanted is not None and trial.right else _SIGNS[trial.verdict]
    return word if trial.right else f"{word}!"


def _reason(trial: Trial) -> str:
    head = f"{trial.mutant or 'as it is'}, {trial.experiment}: {trial.verdict.name}"
    if trial.reason is not None:
        beyond = "; ".join(map(_found, trial.unforeseen))
        return f"{head}: {_found(trial.reason)}{f'; and unforeseen: {beyond}' if beyond else ''}"
    others = "; ".join(map(_found, trial.broken))
    wanted = f"wanted {trial.wanted.journey or 'fault'} {trial.wanted.promise}; " if trial.wanted else ""
    return f"{head}: {wanted}{others or 'nothing broke'}"


def _found(found: Finding) -> str:
    return f"{found.journey or 'fault'} {found.promise}: {found.reason}"
