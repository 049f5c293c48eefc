"""Trying mutants: each experiment on the system as it is, and on the mutants that it must catch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaoskit.chaos import Chaos, Conclusion
from chaoskit.environment import Environment, Tell
from chaoskit.errors import UnexpectedVerdict, UsageError
from chaoskit.judge import Finding, Verdict
from chaoskit.mutants.declaration import Catch, Mutant
from chaoskit.system import System

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
