"""One fault, from the undo on disk to the evidence that the fault is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaoskit.errors import ChaoskitError, NotLanded, NotLifted
from chaoskit.experiment.environment import Environment
from chaoskit.experiment.timing import Timing
from chaoskit.faults.base import Evidence, Fault, Injection, check, permit
from chaoskit.record.history import History, Mark
from chaoskit.runtime import Undo

LOOK_AGAIN_AFTER = 0.05
"""Seconds between two looks at a condition."""

Wait = Callable[[float], None]
"""Lets seconds pass; it may raise an error that ends the waiting."""


class Injector:
    """Injects a fault and lifts it, and marks both in a history.

    Args:
        fault: the fault to inject.
        environment: the environment into which it is injected.
        history: gets the marks ``inject``, ``landed``, ``holding`` or ``lapsed``, ``lift``, ``gone``.
        timing: how long the injector waits for evidence.
        wait: lets time pass between two looks.

    Attributes:
        injection: the fault under way; ``None`` before the injection, and where the injection failed.
        steps: the undo of the fault, as it is on disk.
        lifting: whether the lift has begun.
        gone: whether the fault was proven to be gone.
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
        """Put the undo on disk; nothing is injected yet.

        Args:
            fits: whether the fault is known to fit; finding that out may open connections.

        Raises:
            FaultMisfit: the fault does not fit.
            JournalUnwritable: the undo is not safely on disk.
        """
        runtime = self._environment.runtime
        if not fits:
            check(self.fault, runtime)
        self.steps = permit(self.fault, runtime)
        self._numbers = self._environment.undo.ahead(self.steps)

    def cancel(self) -> None:
        """Write into the undo log that nothing has to be undone: the fault is not injected after all."""
        self._environment.undo.done(self._numbers)

    def inject(self) -> Evidence:
        """inject, prove it landed. The caller has to lift the fault, whether this succeeds or not.

        Raises:
            NotLanded: no evidence of the fault within the limit.
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
                remedy="if the fault only needs longer here, give it more time with landing=… (seconds)",
            )
        self._mark("landed", says=evidence.says, **evidence.figures)
        self._tell(f"landed: {evidence.says}")
        return evidence

    def look(self) -> Evidence | None:
        """Mark whether the fault is still there at the end of the fault window; return the evidence."""
        if self.injection is None:
            return None
        still = self.injection.holding()
        self._mark("holding" if still.holds else "lapsed", says=still.says, **still.figures)
        return still

    def begin_lift(self) -> None:
        """lift: only the act, without proof. May be called again.

        Raises:
            ChaoskitError: the act failed.
        """
        if not self.lifting:
            self.lifting = True
            self._mark("lift", fault=self.fault.name)
            self._tell("lift")
        if self.injection is not None:
            self.injection.lift()

    def prove_gone(self, wait: Wait | None = None) -> Evidence:
        """Prove that the fault is gone; mark the proof, and write the undo as done into the undo log.

        Args:
            wait: lets time pass, in place of the injector's own.

        Raises:
            ChaoskitError: the look failed.
        """
        if self.injection is None:
            return Evidence(False, "the injection failed, so its effect is not known")
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
            NotLifted: no evidence that the fault is gone; the environment is poisoned.
        """
        try:
            self.begin_lift()
            if self.injection is None:
                self._environment.poison(f"the injection of {self.fault.name} failed")
                return
            evidence = self.prove_gone()
        except ChaoskitError as error:
            evidence = Evidence(False, str(error))
        if not evidence.holds:
            self._environment.poison(f"no evidence shows that {self.fault.name} is gone")
            raise NotLifted(
                f"{self.fault.name} was lifted, but no evidence shows that it is gone",
                limit=f"{self._timing.lifting:g} s",
                evidence=evidence.says,
                remedy="none needed: the environment is rebuilt before its next use",
            )

    def _prove(self, look: Callable[[], Evidence], limit: float, wait: Wait) -> Evidence:
        until = self._now() + limit
        evidence = look()
        while not evidence.holds and self._now() < until:
            wait(LOOK_AGAIN_AFTER)
            evidence = look()
        return evidence

    def _now(self) -> float:
        return self._environment.runtime.clock.now()

    def _mark(self, name: str, **detail: Any) -> None:
        self._history.add(Mark(name, self._now(), detail))

    def _tell(self, line: str) -> None:
        self._environment.tell(line)
