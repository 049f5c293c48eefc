"""Resilience mutants: the system with one mitigation switched off must be caught, for the right reason.

A suite that never fails may be blind. So every experiment has to hold on the system as it is and to
break on each mutant that it is there for. Which promise of which journey breaks, and what else may, is
written down before the run; whatever breaks beyond that is a wrong reason. The idea is mutation
testing's (R. DeMillo, R. Lipton, F. Sayward, "Hints on test data selection", IEEE Computer 11(4), 1978),
applied to mitigations instead of statements.

What a mutant is, and how it must be caught: written down before anything runs.

Trying mutants: each experiment on the system as it is, and on the mutants that it must catch.

The detection matrix: experiment by mutant, and whether each was caught for the right reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chaoskit.chaos import Chaos, Conclusion
from chaoskit.errors import UnexpectedVerdict, UsageError
from chaoskit.experiment.environment import Environment, Tell
from chaoskit.judge import Finding, Verdict
from chaoskit.report.terminal import aligned
from chaoskit.system import System

__all__ = ["Catch", "Collateral", "Experiment", "Mutant", "Trial", "detect", "text", "to_record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collateral:
    """What else may break where a mutant is caught, and need not. Anything beyond is a wrong reason.

    Attributes:
        journey: whose promises; empty for what is owed under the fault itself.
        promises: which ones: see :class:`chaoskit.judge.Finding`.
        because: how the lack of the mitigation reaches this journey, too; one sentence.
    """

    journey: str = ""
    promises: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """How a mutant is caught.

    Attributes:
        experiment: by which experiment.
        journey: whose promise breaks; empty for what is owed under the fault itself (``drain``).
        promise: which one: see :class:`chaoskit.judge.Finding`.
        because: why just that breaks without the mitigation; one sentence.
        may_break: what else may break; by default nothing. A mutant that breaks everything shows
            nothing about the one mitigation that it lacks.
    """

    experiment: str
    journey: str = ""
    promise: str
    because: str
    may_break: tuple[Collateral, ...] = ()

    def foresees(self, journey: str, promise: str) -> bool:
        """Whether a promise that broke is the one that had to, or one of those that may."""
        if (journey, promise) == (self.journey, self.promise):
            return True
        return any(each.journey == journey and promise in each.promises for each in self.may_break)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """The system without one mitigation.

    Attributes:
        name: ``no pooler``.
        environment: the variables for Compose's interpolation that switch it off.
        caught: each way in which it must be caught; at least one.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    caught: tuple[Catch, ...]


Experiment = Callable[[Chaos], object]
"""A test function that takes nothing but ``chaos``."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One experiment on one form of the system.

    Attributes:
        experiment: its name.
        mutant: the mutant's name; empty for the system as it is.
        verdict: HELD, BROKEN or UNKNOWN.
        broken: the findings of the promises that broke.
        wanted: how the mutant must be caught; ``None`` for the system as it is.
        conclusion: the whole of it.
    """

    experiment: str
    mutant: str
    verdict: Verdict
    broken: tuple[Finding, ...]
    wanted: Catch | None
    conclusion: Conclusion

    @property
    def reason(self) -> Finding | None:
        """The finding that is the right reason; ``None`` if it is not among those that broke."""
        if self.wanted is None:
            return None
        key = (self.wanted.journey, self.wanted.promise)
        return next((each for each in self.broken if (each.journey, each.promise) == key), None)

    @property
    def unforeseen(self) -> tuple[Finding, ...]:
        """What broke, and was not written down as what must or may break: wrong reasons."""
        wanted = self.wanted
        return tuple(
            each for each in self.broken if not (wanted and wanted.foresees(each.journey, each.promise))
        )

    @property
    def right(self) -> bool:
        """Whether it came out as it must: held as it is; as a mutant broken for the right reason, and for
        no other.
        """
        if self.wanted is None:
            return self.verdict is Verdict.HELD
        return self.verdict is Verdict.BROKEN and self.reason is not None and not self.unforeseen


def detect(
    system: System,
    experiments: Mapping[str, Experiment],
    mutants: Iterable[Mutant],
    make_environment: Callable[[System], Environment],
    folder: Path,
    *,
    hardened: bool = True,
    tell: Tell = lambda line: None,
    seen: Callable[[Trial], None] = lambda trial: None,
) -> list[Trial]:
    """Run every experiment on the system as it is, and on each mutant those that must catch it.

    Args:
        system: the system as it is.
        experiments: name → test function.
        mutants: see :class:`Mutant`.
        make_environment: makes an environment that has not started.
        folder: where journals go.
        hardened: whether the system as it is takes its turn.
        tell: takes progress, a line at a time.
        seen: told of each trial as it ends.

    Raises:
        UsageError: a mutant is to be caught by an experiment that is not there; nothing was started.
        ChaoskitError: an environment cannot be started.
    """
    mutants = tuple(mutants)
    _check(experiments, mutants)
    trials: list[Trial] = []

    def run(title: str, form: System, turns: Sequence[tuple[str, Catch | None]]) -> None:
        tell(f"the system, {title or 'as it is'}")
        with contextlib.closing(make_environment(form)) as environment:
            for name, wanted in turns:
                chaos = Chaos(environment, f"{title or 'hardened'}.{name}".replace(" ", "-"), folder)
                trials.append(_try(chaos, experiments[name], name, title, wanted))
                seen(trials[-1])

    if hardened:
        run("", system, [(name, None) for name in experiments])
    for mutant in mutants:
        turns = [(catch.experiment, catch) for catch in mutant.caught]
        run(mutant.name, system.with_environment(**mutant.environment), turns)
    return trials


def _check(experiments: Mapping[str, Experiment], mutants: Sequence[Mutant]) -> None:
    for mutant in mutants:
        missing = [each.experiment for each in mutant.caught if each.experiment not in experiments]
        if missing or not mutant.caught:
            raise UsageError(
                f"mutant {mutant.name!r} is to be caught by {', '.join(missing) or 'no experiment'}",
                evidence=f"there are {', '.join(experiments)}",
                remedy="name an experiment that is there",
            )


def _try(chaos: Chaos, experiment: Experiment, name: str, mutant: str, wanted: Catch | None) -> Trial:
    with contextlib.suppress(UnexpectedVerdict):
        experiment(chaos)
    if not chaos.conclusions:
        raise UsageError(f"experiment {name!r} came to no conclusion", remedy="call chaos.experiment in it")
    conclusion = chaos.conclusions[-1]
    findings = conclusion.result.judgement.all_findings
    broken = tuple(each for each in findings if each.verdict is Verdict.BROKEN)
    return Trial(name, mutant, conclusion.verdict, broken, wanted, conclusion)


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
