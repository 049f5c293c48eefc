"""One fault, from its undo on disk to the evidence that it is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaoskit.errors import ChaoskitError, NotLanded, NotLifted
from chaoskit.experiment.environment import Environment
from chaoskit.experiment.timing import Timing
from chaoskit.faults.base import Evidence, Fault, Injection, check, permit
from chaoskit.record.history import History, Mark
from chaoskit.runtime import Undo

LOOK_AGAIN = 0.05
"""Seconds between two looks at a condition."""

Wait = Callable[[float], None]
"""Lets seconds go by; may raise what puts an end to waiting."""


class Injector:
    """Injects a fault and takes it back, and marks both in a history.

    Args:
        fault: what is injected.
        environment: where.
        history: takes the marks ``inject``, ``landed``, ``holding`` or ``lapsed``, ``lift``, ``gone``.
        timing: how long evidence is waited for.
        wait: lets time go by between two looks.

    Attributes:
        injection: what was set going; ``None`` before, and where setting it going failed.
        steps: its undo, as it is on disk.
        lifting: whether lifting has begun.
        gone: whether it was proven to be gone.
    """

    def __init__(
        self, fault: Fault, environment: Environment, history: History, timing: Timing, wait: Wait
    ) -> None:
        self.fault = fault
        self.injection: Injection | None = None
        self.steps: tuple[Undo, ...] = ()
        self.lifting = self.gone = False
        self._environment, self._history, self._timing, self._wait = environment, history, timing, wait
        self._numbers: tuple[int, ...] = ()

    def prepare(self, *, fits: bool = False) -> None:
        """Put its undo on disk; nothing is injected yet.

        Args:
            fits: whether the fault is known to fit: looking for that may open connections.

        Raises:
            FaultMisfit: it does not fit.
            JournalUnwritable: the undo is not safely on disk.
        """
        runtime = self._environment.runtime
        if not fits:
            check(self.fault, runtime)
        self.steps = permit(self.fault, runtime)
        self._numbers = self._environment.undo.ahead(self.steps)

    def forgo(self) -> None:
        """It is not injected after all, so there is nothing to undo."""
        self._environment.undo.done(self._numbers)

    def inject(self) -> Evidence:
        """inject, prove it landed; what was injected has to be lifted, whatever comes of it.

        Raises:
            NotLanded: there is no evidence within the limit.
        """
        self._tell(f"inject {self.fault.name}")
        self._mark("inject", fault=self.fault.name)
        self.injection = self.fault.inject(self._environment.runtime)
        evidence = self._prove(self.injection.landed, self._timing.landing, self._wait)
        if not evidence.holds:
            raise NotLanded(
                f"{self.fault.name} never landed",
                limit=f"{self._timing.landing:g} s",
                evidence=evidence.says,
            )
        self._mark("landed", says=evidence.says, **evidence.figures)
        self._tell(f"landed: {evidence.says}")
        return evidence

    def look(self) -> Evidence | None:
        """Is it still there at the end of the fault window?"""
        if self.injection is None:
            return None
        still = self.injection.holding()
        self._mark("holding" if still.holds else "lapsed", says=still.says, **still.figures)
        return still

    def take_back(self) -> None:
        """lift: the act alone. May be called again.

        Raises:
            ChaoskitError: it failed.
        """
        if not self.lifting:
            self.lifting = True
            self._mark("lift", fault=self.fault.name)
            self._tell("lift")
        if self.injection is not None:
            self.injection.lift()

    def confirm(self, wait: Wait | None = None) -> Evidence:
        """Prove that it is gone; what was proven is marked, and written as done into the undo log.

        Args:
            wait: lets time go by, in place of the usual.

        Raises:
            ChaoskitError: looking failed.
        """
        if self.injection is None:
            return Evidence(False, "it failed while it was injected, so nobody can tell")
        evidence = self._prove(self.injection.gone, self._timing.lifting, wait or self._wait)
        if evidence.holds and not self.gone:
            self.gone = True
            self._mark("gone", says=evidence.says, **evidence.figures)
            self._tell(f"gone: {evidence.says}")
            self._environment.undo.done(self._numbers)
        return evidence

    def lift(self) -> None:
        """lift, prove it is gone.

        Raises:
            NotLifted: there is no evidence that it is gone; the environment is poisoned.
        """
        try:
            self.take_back()
            if self.injection is None:
                self._environment.poison(f"{self.fault.name} failed while it was injected")
                return
            evidence = self.confirm()
        except ChaoskitError as error:
            evidence = Evidence(False, str(error))
        if not evidence.holds:
            self._environment.poison(f"{self.fault.name} was not seen to be gone")
            raise NotLifted(
                f"{self.fault.name} was lifted, but is not seen to be gone",
                limit=f"{self._timing.lifting:g} s",
                evidence=evidence.says,
                remedy="the environment is rebuilt before its next use",
            )

    def _prove(self, look: Callable[[], Evidence], limit: float, wait: Wait) -> Evidence:
        until = self._now() + limit
        evidence = look()
        while not evidence.holds and self._now() < until:
            wait(LOOK_AGAIN)
            evidence = look()
        return evidence

    def _now(self) -> float:
        return self._environment.runtime.clock.now()

    def _mark(self, name: str, **detail: Any) -> None:
        self._history.add(Mark(name, self._now(), detail))

    def _tell(self, line: str) -> None:
        self._environment.tell(line)
