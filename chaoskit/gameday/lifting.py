"""Lifting everything that is injected, whatever fails on the way, and saying what is still there."""

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

OTHERS_TAKE = 15.0
"""Seconds to wait for somebody else who is lifting the same fault."""

COMES_BACK_WITHIN = 30.0
"""Seconds that an injection may take to return before its undo log alone has to do."""


@dataclass(slots=True, eq=False)
class Active:
    """A fault of the game day.

    Attributes:
        injector: the fault, and what can be done with it.
        step: the number of the step it belongs to.
        since: when its injection began, seconds of the runtime's clock.
        phase: what is known of it.
        evidence: of the landing; and of what is still there.
        returned: set once the injection is over, also where it failed.
        taken_back: whether lifting it went through.
        lock: held by whoever takes it back.
    """

    injector: Injector
    step: int
    since: float
    phase: Phase = "injecting"
    evidence: str = ""
    returned: threading.Event = field(default_factory=threading.Event)
    taken_back: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def name(self) -> str:
        """The fault's."""
        return self.injector.fault.name

    @property
    def under_way(self) -> bool:
        """Whether the call that injects it has not come back yet."""
        return self.injector.injection is None and not self.returned.is_set()

    def take_back(self) -> None:
        """Lift it, unless somebody has done so.

        Raises:
            ChaoskitError: it failed.
            TimeoutError: somebody else is at it, and does not come to an end.
        """
        if not self.lock.acquire(timeout=OTHERS_TAKE):
            raise TimeoutError(f"somebody has been at it for {OTHERS_TAKE:g} s")
        try:
            if not self.taken_back:
                self.injector.begin_lift()
                self.taken_back = True
        finally:
            self.lock.release()


Say = Callable[[Literal["lift", "gone", "not gone", "error"], str, Active], None]


def lift_all(actives: Sequence[Active], runtime: Runtime, wait: Wait, say: Say) -> tuple[Active, ...]:
    """Lift all of them, the last one first: first every act, then every proof. Never raises for
    anything that fails on the way.

    A lift that fails, or is not seen to have worked, is followed by the fault's steps of the undo log.

    Args:
        actives: what is injected, in the order in which it was.
        runtime: where.
        wait: lets time go by.
        say: takes what happens.

    Returns:
        Those that are not seen to be gone.
    """
    todo = [each for each in reversed(actives) if each.phase != "gone"]
    for each in todo:
        each.phase = "lifting"
        say("lift", f"lift {each.name}", each)
        _act(each, runtime, say)
    for each in todo:
        evidence = _proof(each, runtime, wait, say)
        each.phase = "gone" if evidence.holds else "still there"
        each.evidence = evidence.says
        if evidence.holds:
            say("gone", f"{each.name}: {evidence.says}", each)
        else:
            say("not gone", f"{each.name} is not seen to be gone: {evidence.says}", each)
    return tuple(each for each in todo if each.phase == "still there")


def _act(active: Active, runtime: Runtime, say: Say) -> None:
    if active.under_way:
        # Whoever injects it is still at it. Take back what may be there already; once the call
        # is over it is lifted properly.
        _undo(active, runtime, say)
        return
    try:
        active.take_back()
    except Exception as error:  # noqa: BLE001 - the others have to be lifted all the same
        say("error", f"lifting {active.name} failed: {_line(error)}", active)


def _proof(active: Active, runtime: Runtime, wait: Wait, say: Say) -> Evidence:
    left = COMES_BACK_WITHIN
    while active.under_way and left > 0:
        wait(LOOK_AGAIN_AFTER)
        left -= LOOK_AGAIN_AFTER
    evidence = _confirm(active, wait)
    if evidence.holds:
        return evidence
    say("error", f"{active.name}: {evidence.says}; its undo log is replayed", active)
    failed = _undo(active, runtime, say)
    again = _confirm(active, wait, lift=False)
    if active.injector.injection is None and not failed:
        return Evidence(False, "it failed while it was injected; its undo log was replayed without an error")
    return again


def _confirm(active: Active, wait: Wait, *, lift: bool = True) -> Evidence:
    try:
        if lift and not active.under_way:
            active.take_back()  # where the first time failed, or came too early
        return active.injector.prove_gone(wait)
    except Exception as error:  # noqa: BLE001 - what cannot be looked at is not gone
        return Evidence(False, _line(error))


def _undo(active: Active, runtime: Runtime, say: Say) -> list[Undo]:
    """Take the steps of its undo log, the last one first; those that failed."""
    failed = []
    for step in reversed(active.injector.steps):
        try:
            runtime.undo(step)
        except Exception as error:  # noqa: BLE001 - the other steps have to be taken all the same
            failed.append(step)
            say("error", f"{step.action} {step.target} failed: {_line(error)}", active)
    return failed


def _line(error: Exception) -> str:
    if isinstance(error, ChaoskitError):
        seen = f": {error.evidence.splitlines()[0]}" if error.evidence else ""
        return error.what + seen
    return f"{type(error).__name__}: {error}"


def remains(actives: Sequence[Active], *, undo_log: str, attached: bool) -> str:
    """In plain words what is still there, and how to remove it; empty if nothing is."""
    if not actives:
        return ""
    what = "; ".join(f"{each.name} ({each.evidence})" for each in actives)
    steps = ", ".join(f"{step.action} {step.target}" for each in actives for step in each.injector.steps)
    how = (
        "run `chaoskit clean`"
        if attached
        else "it goes with the system when the game day ends, or by `chaoskit clean`"
    )
    by_hand = f"; by hand: {steps}" if steps else ""
    return f"NOT LIFTED: {what}. To remove it: {how} (undo log: {undo_log}){by_hand}"
