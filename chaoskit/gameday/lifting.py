"""Lifts everything that is injected, whatever fails on the way, and reports what is still there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chaoskit.errors import ChaoskitError
from chaoskit.experiment.injector import LOOK_AGAIN_AFTER, Injector, Wait
from chaoskit.faults.base import Evidence
from chaoskit.runtime import Runtime, Undo

Phase = Literal["injecting", "active", "lifting", "gone", "still there"]

OTHER_LIFT_WITHIN = 15.0
"""Seconds to wait for another thread that lifts the same fault."""

INJECTION_RETURNS_WITHIN = 30.0
"""Seconds to wait for an injection to return. After that, only its undo log can take it back."""


@dataclass(slots=True, eq=False)
class Active:
    """A fault of the game day.

    Attributes:
        injector: injects and lifts the fault.
        step: the number of its step.
        since: when its injection began, in seconds of the runtime's clock.
        phase: what is known of it.
        evidence: what was seen when it landed, or what is still there.
        returned: set once the call that injects it has returned or failed.
        lifted: whether lifting it succeeded.
        lock: held by the thread that lifts it.
    """

    injector: Injector
    step: int
    since: float
    phase: Phase = "injecting"
    evidence: str = ""
    returned: threading.Event = field(default_factory=threading.Event)
    lifted: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def name(self) -> str:
        """The fault's name."""
        return self.injector.fault.name

    @property
    def under_way(self) -> bool:
        """Whether the call that injects it has not returned yet."""
        return self.injector.injection is None and not self.returned.is_set()

    def lift(self) -> None:
        """Lift the fault, unless another thread has done so.

        Raises:
            ChaoskitError: lifting failed.
            TimeoutError: another thread is lifting it, and does not return in time.
        """
        if not self.lock.acquire(timeout=OTHER_LIFT_WITHIN):
            raise TimeoutError(f"another thread has been lifting it for {OTHER_LIFT_WITHIN:g} s")
        try:
            if not self.lifted:
                self.injector.begin_lift()
                self.lifted = True
        finally:
            self.lock.release()


Say = Callable[[Literal["lift", "gone", "not gone", "error"], str, Active], None]


def lift_all(actives: Sequence[Active], runtime: Runtime, wait: Wait, say: Say) -> tuple[Active, ...]:
    """Lift all faults, the last one first. Prove that each is gone only after all were lifted.

    An error with one fault keeps no other from being lifted, and is never raised. If a lift fails, or
    the fault is not seen to be gone, the fault's steps of the undo log are replayed.

    Args:
        actives: the faults, in the order of their injection.
        runtime: the runtime of the system.
        wait: lets time pass.
        say: takes what happens.

    Returns:
        The faults that are not seen to be gone.
    """
    todo = [each for each in reversed(actives) if each.phase != "gone"]
    for each in todo:
        each.phase = "lifting"
        say("lift", f"lift {each.name}", each)
        _try_lift(each, runtime, say)
    for each in todo:
        evidence = _prove_gone(each, runtime, wait, say)
        each.phase = "gone" if evidence.holds else "still there"
        each.evidence = evidence.says
        if evidence.holds:
            say("gone", f"{each.name}: {evidence.says}", each)
        else:
            say("not gone", f"{each.name} is not seen to be gone: {evidence.says}", each)
    return tuple(each for each in todo if each.phase == "still there")


def _try_lift(active: Active, runtime: Runtime, say: Say) -> None:
    if active.under_way:
        # The injection is still under way. Undo what may be there already; once the call returns,
        # the fault is lifted as usual.
        _undo(active, runtime, say)
        return
    try:
        active.lift()
    except Exception as error:  # noqa: BLE001 - the other faults must be lifted all the same
        say("error", f"lifting {active.name} failed: {_line(error)}", active)


def _prove_gone(active: Active, runtime: Runtime, wait: Wait, say: Say) -> Evidence:
    left = INJECTION_RETURNS_WITHIN
    while active.under_way and left > 0:
        wait(LOOK_AGAIN_AFTER)
        left -= LOOK_AGAIN_AFTER
    evidence = _confirm(active, wait)
    if evidence.holds:
        return evidence
    say("error", f"{active.name}: {evidence.says}; replaying its undo log", active)
    failed = _undo(active, runtime, say)
    again = _confirm(active, wait, lift=False)
    if active.injector.injection is None and not failed:
        return Evidence(False, "its injection failed; its undo log was replayed without an error")
    return again


def _confirm(active: Active, wait: Wait, *, lift: bool = True) -> Evidence:
    try:
        if lift and not active.under_way:
            active.lift()  # again, if the first time failed or came too early
        return active.injector.prove_gone(wait)
    except Exception as error:  # noqa: BLE001 - a fault that cannot be looked at does not count as gone
        return Evidence(False, _line(error))


def _undo(active: Active, runtime: Runtime, say: Say) -> list[Undo]:
    """Replay its steps of the undo log, the last one first; returns those that failed."""
    failed = []
    for step in reversed(active.injector.steps):
        try:
            runtime.undo(step)
        except Exception as error:  # noqa: BLE001 - the other steps must be replayed all the same
            failed.append(step)
            say("error", f"{step.action} {step.target} failed: {_line(error)}", active)
    return failed


def _line(error: Exception) -> str:
    if isinstance(error, ChaoskitError):
        seen = f": {error.evidence.splitlines()[0]}" if error.evidence else ""
        return error.what + seen
    return f"{type(error).__name__}: {error}"


def remains(actives: Sequence[Active], *, undo_log: str, attached: bool) -> str:
    """What is still there and how to remove it, in words; empty if nothing is there."""
    if not actives:
        return ""
    what = "; ".join(f"{each.name} ({each.evidence})" for each in actives)
    steps = ", ".join(f"{step.action} {step.target}" for each in actives for step in each.injector.steps)
    how = (
        "run `chaoskit clean`"
        if attached
        else "it is removed with the system when the game day ends, or by `chaoskit clean`"
    )
    by_hand = f"; by hand: {steps}" if steps else ""
    return f"NOT LIFTED: {what}. To remove it: {how} (undo log: {undo_log}){by_hand}"
