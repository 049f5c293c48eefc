"""The object that a test gets as ``chaos``: experiments on one environment, and their parts."""

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
    """The result of an experiment, and the assertions that a test can make on it."""

    result: Result

    @property
    def verdict(self) -> Verdict:
        """HELD, BROKEN or UNKNOWN."""
        return self.result.verdict

    @property
    def journal(self) -> Path:
        """The file of the journal."""
        return self.result.journal

    def broken(self) -> tuple[tuple[str, str], ...]:
        """The promises that broke, as (journey, promise) pairs in the order of the journeys. The
        obligations of the fault itself (``drain``) come first, with an empty journey.
        """
        findings = self.result.judgement.all_findings
        return tuple((each.journey, each.promise) for each in findings if each.verdict is Verdict.BROKEN)

    def assert_held(self) -> Conclusion:
        """Assert that every journey kept its promises.

        Raises:
            PromiseBroken: a journey did not; the message is the verdict table.
            VerdictUnknown: the evidence does not tell; the message gives the reason.
        """
        __tracebackhide__ = True
        if self.verdict is not Verdict.HELD:
            raise self._unexpected(explain(self.result))
        return self

    def assert_broken(self, journey: str = "", promise: str | None = None) -> Conclusion:
        """Assert that ``journey`` broke a promise (the named one, if any). This is for mutants, which
        must be caught for the right reason. Without a journey, an obligation of the fault itself must
        have been broken.

        Raises:
            UnexpectedVerdict: nothing broke.
            PromiseBroken: only something else broke.
            VerdictUnknown: the evidence does not tell.
        """
        __tracebackhide__ = True
        wanted = [(name, kept) for name, kept in self.broken() if name == journey]
        if not any(promise in (None, kept) for _, kept in wanted):
            subject = repr(journey) if journey else "the system"
            expected = repr(promise) if promise else "a promise"
            what = f"expected {subject} to break {expected}, but it did not"
            raise self._unexpected(f"{what}\n{explain(self.result)}")
        return self

    def _unexpected(self, says: str) -> UnexpectedVerdict:
        if self.verdict is Verdict.UNKNOWN:
            return VerdictUnknown(says, instrument=self.result.instrument_failed)
        return PromiseBroken(says) if self.verdict is Verdict.BROKEN else UnexpectedVerdict(says)


class Chaos:
    """Experiments on one environment.

    ``chaos.experiment(fault)`` runs a whole experiment. Its parts can also be used alone::

        with chaos.traffic():
            with chaos.inject(faults.Pause("search")):
                ...
        chaos.judge().assert_held()

    Args:
        environment: the environment of the experiments.
        name: the name of the next experiment: the test's name.
        folder: the folder for journals.
        timing, settings: the defaults for each experiment.
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
        """The declaration of the system."""
        return self.environment.system

    def experiment(
        self, fault: Fault, *, name: str | None = None, **timing: Unpack[PhaseLengths]
    ) -> Conclusion:
        """Inject ``fault`` under traffic and judge what became of every journey.

        Args:
            fault: see :mod:`chaoskit.faults`.
            name: the experiment's name; the test's name by default.
            timing: the lengths of phases in seconds, such as ``active=8.0``; see :class:`Timing`.

        Raises:
            UsageError: ``timing`` names something that :class:`Timing` does not have.
            FaultMisfit: the fault does not fit this system.
            EnvironmentFailure: the system cannot be started, or the journal cannot be written.
        """
        experiment = self._new(name, timing)
        return self._conclude(experiment.run(fault))

    @contextlib.contextmanager
    def traffic(self, *, name: str | None = None, **timing: Unpack[PhaseLengths]) -> Iterator[Experiment]:
        """Drive all journeys while the block runs. The control window ends before the block begins;
        recovery follows the block.

        Raises:
            UsageError: the journeys reach no steady state; ``timing`` as for :meth:`experiment`.
        """
        self._open = experiment = self._new(name, timing)
        with experiment.traffic():
            if not experiment.warm_up():
                raise UsageError(
                    "the system reached no steady state, so there is nothing to compare with",
                    limit=f"{experiment.timing.steady_within:g} s",
                    remedy="make sure that every journey keeps its SLO without any fault",
                )
            experiment.control()
            yield experiment
            experiment.recover()

    @contextlib.contextmanager
    def inject(self, fault: Fault) -> Iterator[Evidence]:
        """Keep ``fault`` active while the block runs; only inside a :meth:`traffic` block."""
        with self._current().inject(fault) as evidence:
            yield evidence

    def judge(self) -> Conclusion:
        """The verdict over the last :meth:`traffic` block."""
        experiment, self._open = self._current(), None
        return self._conclude(experiment.judge())

    def _current(self) -> Experiment:
        if self._open is None:
            raise UsageError(
                "there is no traffic",
                remedy="call chaos.inject inside a `with chaos.traffic():` block, chaos.judge after it",
            )
        return self._open

    def _new(self, name: str | None, timing: PhaseLengths) -> Experiment:
        known = set(Timing.__dataclass_fields__)
        if unknown := sorted(set(timing) - known):
            raise UsageError(
                f"unknown timing: {', '.join(unknown)}", remedy=f"use one of {', '.join(sorted(known))}"
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
