"""What a test gets as ``chaos``: experiments on one environment, and their parts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from chaoskit.errors import PromiseBroken, UnexpectedVerdict, UsageError, VerdictUnknown
from chaoskit.experiment.environment import Environment
from chaoskit.experiment.experiment import Experiment
from chaoskit.experiment.result import Result
from chaoskit.experiment.timing import PhaseLengths, Timing
from chaoskit.faults.base import Evidence, Fault
from chaoskit.judge import JudgeSettings, Verdict
from chaoskit.report.terminal import explain
from chaoskit.runtime import Runtime
from chaoskit.system import System


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The result of an experiment, and what a test may assert of it."""

    result: Result

    @property
    def verdict(self) -> Verdict:
        """HELD, BROKEN or UNKNOWN."""
        return self.result.verdict

    @property
    def journal(self) -> Path:
        """Where the record is."""
        return self.result.journal

    def broken(self) -> tuple[tuple[str, str], ...]:
        """The promises that broke, as (journey, promise) pairs in the order of the journeys. What was
        owed under the fault itself (``drain``) comes first, with an empty journey.
        """
        findings = self.result.judgement.all_findings
        return tuple((each.journey, each.promise) for each in findings if each.verdict is Verdict.BROKEN)

    def assert_held(self) -> Conclusion:
        """Every journey kept its promises.

        Raises:
            PromiseBroken: one did not; with the verdict table.
            VerdictUnknown: it cannot be told; with the reason.
        """
        __tracebackhide__ = True
        if self.verdict is not Verdict.HELD:
            raise self._unexpected(explain(self.result))
        return self

    def assert_broken(self, journey: str = "", promise: str | None = None) -> Conclusion:
        """``journey`` broke a promise (that one, if named): for mutants, which must be caught for
        the right reason. Without a journey: what was owed under the fault itself.

        Raises:
            UnexpectedVerdict: it did not: nothing broke, or (PromiseBroken) something else, or
                (VerdictUnknown) that cannot be told.
        """
        __tracebackhide__ = True
        wanted = [(name, kept) for name, kept in self.broken() if name == journey]
        if not any(promise in (None, kept) for _, kept in wanted):
            who = repr(journey) if journey else "the system"
            what = f"{who} did not break {promise or 'any promise'!r}, as was expected"
            raise self._unexpected(f"{what}\n{explain(self.result)}")
        return self

    def _unexpected(self, says: str) -> UnexpectedVerdict:
        if self.verdict is Verdict.UNKNOWN:
            return VerdictUnknown(says, instrument=self.result.instrument_failed)
        return PromiseBroken(says) if self.verdict is Verdict.BROKEN else UnexpectedVerdict(says)


class Chaos:
    """Experiments on one environment.

    ``chaos.experiment(fault)`` is the whole of it. Its parts can be used alone::

        with chaos.traffic():
            with chaos.inject(faults.Pause("search")):
                ...
        chaos.judge().assert_held()

    Args:
        environment: where the experiments happen.
        name: the name of the next experiment; a test's name.
        folder: where journals go.
        timing, settings: defaults for each experiment.
        about: further facts for the journals.
    """

    def __init__(
        self,
        environment: Environment,
        name: str,
        folder: Path,
        *,
        timing: Timing | None = None,
        settings: JudgeSettings | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.environment = environment
        self.conclusions: list[Conclusion] = []
        self._name, self._folder, self._about = name, folder, about
        self._timing, self._settings = timing or Timing(), settings or JudgeSettings()
        self._open: Experiment | None = None

    @property
    def runtime(self) -> Runtime:
        """The running system."""
        return self.environment.runtime

    @property
    def system(self) -> System:
        """Its declaration."""
        return self.environment.system

    def experiment(
        self, fault: Fault, *, name: str | None = None, **timing: Unpack[PhaseLengths]
    ) -> Conclusion:
        """Inject ``fault`` under traffic and judge what became of every journey.

        Args:
            fault: see :mod:`chaoskit.faults`.
            name: the experiment's name; the test's name by default.
            timing: lengths of phases in seconds, as ``active=8.0``; see :class:`Timing`.

        Raises:
            FaultMisfit: the fault does not fit this system.
            EnvironmentFailure: the system cannot be started, or the journal not be written.
        """
        experiment = self._new(name, timing)
        return self._conclude(experiment.run(fault))

    @contextlib.contextmanager
    def traffic(self, *, name: str | None = None, **timing: Unpack[PhaseLengths]) -> Iterator[Experiment]:
        """Drive all journeys; a control window is over when the block begins, recovery when it ends."""
        self._open = experiment = self._new(name, timing)
        with experiment.traffic():
            if not experiment.warm_up():
                raise UsageError(
                    "the system has no steady state to compare with",
                    limit=f"{experiment.timing.steady_within:g} s",
                    remedy="see that every journey keeps its SLO before anything is injected",
                )
            experiment.control()
            yield experiment
            experiment.recover()

    @contextlib.contextmanager
    def inject(self, fault: Fault) -> Iterator[Evidence]:
        """Keep ``fault`` active while the block runs; within :meth:`traffic`."""
        with self._current().inject(fault) as evidence:
            yield evidence

    def judge(self) -> Conclusion:
        """The verdict over the last :meth:`traffic` block."""
        experiment, self._open = self._current(), None
        return self._conclude(experiment.judge())

    def _current(self) -> Experiment:
        if self._open is None:
            raise UsageError("there is no traffic", remedy="use it after or within `with chaos.traffic():`")
        return self._open

    def _new(self, name: str | None, timing: PhaseLengths) -> Experiment:
        known = set(Timing.__dataclass_fields__)
        if unknown := sorted(set(timing) - known):
            raise UsageError(
                f"no such phase: {', '.join(unknown)}", remedy=f"there are {', '.join(sorted(known))}"
            )
        number = len(self.conclusions)
        default = self._name if number == 0 else f"{self._name}-{number + 1}"
        return Experiment(
            self.environment,
            name or default,
            self._folder,
            settings=self._settings,
            timing=replace(self._timing, **timing),
            about=self._about,
        )

    def _conclude(self, result: Result) -> Conclusion:
        conclusion = Conclusion(result)
        self.conclusions.append(conclusion)
        return conclusion
