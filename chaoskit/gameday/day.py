"""The game day: its state, the commands that any thread may give, and the stop at any moment.

Three threads take part in it. The *screen* gives commands and never waits. The *worker* runs one step
after the other (``steps.py``). The *guard* watches the stop conditions and the load, and lifts
everything by itself. Lifting everything never waits for the worker: it also lifts an injection that is
still under way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from chaoskit.errors import ChaoskitError
from chaoskit.experiment.environment import Environment, Traffic
from chaoskit.experiment.timing import Timing
from chaoskit.gameday.commands import Command, CommandQueue, Inject, Lift, Next
from chaoskit.gameday.conditions import Reading, lookback, read
from chaoskit.gameday.history import DayHistory, DaySeries
from chaoskit.gameday.lifting import Active, lift_all, remains
from chaoskit.gameday.record import Kind, Record
from chaoskit.gameday.runbook import RunBook, Step
from chaoskit.gameday.trial import LOOK_UP_EVERY, Interrupted, StepTrial
from chaoskit.judge import JudgeSettings

Phase = Literal["coming up", "idle", "before", "inject", "active", "lift", "recover", "judge", "over"]


STEP_ENDS_WITHIN = 5.0
"""Seconds that the worker has to end a step when the day ends."""

CHECKS_END_WITHIN = 60.0
"""Seconds that it has once the load is closed."""


class Day:
    """A game day on an environment that has started.

    Args:
        environment: the environment.
        book: the run book.
        folder: where the record and the journals go.
        system: ``compose``, ``attached``, ``project`` and ``touch``, for the record.
        unattended: whether steps follow each other without a key.
        afterwards: what happens to the system at the end, in words.
        timing, settings: as for an experiment.

    Attributes:
        paused: whether the run book waits for a key.
        actives: every fault of the day, in the order of their injection.
        trial: the step that is under way.
        gate: held while a fault is added to ``actives``, so that a stop misses no fault.
        said: why the day ended; empty while it lasts.
    """

    def __init__(
        self,
        environment: Environment,
        book: RunBook,
        folder: Path,
        *,
        system: Mapping[str, Any],
        unattended: bool = False,
        afterwards: str = "removing the system",
        timing: Timing | None = None,
        settings: JudgeSettings | None = None,
    ) -> None:
        self.environment, self.book, self.folder = environment, book, folder
        self.unattended, self.attached = unattended, bool(system.get("attached"))
        self.afterwards = afterwards
        self.timing, self.settings = timing or Timing(), settings or JudgeSettings()
        self.terms = tuple(each.terms for each in environment.system.journeys)
        self.clock = environment.runtime.clock
        self.origin = self.clock.now()
        self.history = DayHistory()
        self.series = DaySeries(self.terms, self.origin)
        self.traffic: Traffic = environment.traffic(self.history)
        self.begun = self.calm_since = self.origin
        self.commands = CommandQueue()
        self.actives: list[Active] = []
        self.trial: StepTrial | None = None
        self.number = 0
        self.phase: Phase = "coming up"
        self.phase_until: float | None = None
        self.position = 0
        self.paused = self.leaving = self.interrupted = False
        self.said, self.trouble = "", False
        self.over = threading.Event()
        self.readings: tuple[Reading, ...] = ()
        self.on_slice: Callable[[], None] = lambda: None
        self._stopping = threading.Lock()
        self.gate = threading.RLock()
        self.stopped_by: str | None = None
        self.record = Record(
            folder,
            {
                "title": book.title,
                "system": dict(system),
                "runbook": str(book.path) if book.path else None,
                "seed": environment.seed,
                "stop_conditions": [{"name": each.title, "text": each.text} for each in book.stop],
            },
            now=self.now,
            origin=time.time(),
            series=self._figures,
        )

    def now(self) -> float:
        """Seconds since the day began."""
        return self.clock.now() - self.origin

    def begin(self) -> None:
        """Start the load.

        Raises:
            LoadFailure: it does not start.
        """
        self.traffic.start()
        self.begun = self.traffic.begin()
        self.record.event("started", f"{self.book.title}: traffic on {len(self.terms)} journeys")

    # Commands of people. They return at once.

    def ask(self, command: Command) -> None:
        """Give the worker a command, which it carries out in its turn."""
        self.commands.put(command)

    def note(self, text: str) -> None:
        """Record a note."""
        self.record.event("note", text, self.step)

    def question(self, text: str) -> None:
        """Record an open question."""
        self.record.event("question", text, self.step)

    def decide(self, number: int, outcome: Literal["confirmed", "refuted", "open"]) -> None:
        """Record what a person says about a step's hypothesis."""
        entry = self.record.change(number, outcome=outcome, outcome_by="person")
        self.record.event("hypothesis", f"{outcome} by a person: {entry.hypothesis or entry.name}", number)

    def pause(self) -> None:
        """Pause the run book, or let it continue."""
        self.paused = not self.paused
        self.record.event("note", "the run book is paused" if self.paused else "the run book continues")

    @property
    def step(self) -> int | None:
        """The number of the step that is under way."""
        return self.number if self.trial is not None else None

    @property
    def active(self) -> list[Active]:
        """The faults that are injected, or not seen to be gone."""
        return [each for each in self.actives if each.phase != "gone"]

    @property
    def next_step(self) -> Step | None:
        """The next step of the run book; ``None`` at its end."""
        return self.book.steps[self.position] if self.position < len(self.book.steps) else None

    # Stopping; may be called from any thread.

    def stop(self, by: str, why: str = "") -> bool:
        """Lift everything at once, and verify it. The run book pauses.

        Args:
            by: who or what stops: a stop condition's name, ``key``, ``end``, ``load`` or ``guard``.
            why: the same in words, with figures.

        Returns:
            Whether everything is gone; ``False`` also if another thread is stopping already.
        """
        if not self._stopping.acquire(blocking=False):
            return False
        try:
            with self.gate:
                self.stopped_by, self.paused = by, True
                trial, todo = self.trial, self.active
            self.commands.forget(Next, Inject, Lift)
            self.record.event("stop", why or f"stopped by {by}", self.step)
            if trial is not None:
                self.record.change(self.number, stopped_by=by)
            self.record.event(
                "lift all",
                f"lifting {', '.join(each.name for each in todo)}" if todo else "nothing is injected",
                self.step,
            )
            left = lift_all(todo, self.environment.runtime, self.clock.sleep, self.say)
            if left:
                self.environment.poison(f"{left[0].name} was not seen to be gone")
            self.report_lifted(left)
            return not left
        finally:
            self._stopping.release()

    def report_lifted(self, left: tuple[Active, ...]) -> None:
        """Record that everything is gone, or what is still there and how to remove it."""
        if left:
            text = remains(left, undo_log=str(self.environment.undo.path), attached=self.attached)
            self.record.event("error", text, self.step)
        else:
            self.record.event("verified", "nothing is injected any more", self.step)

    def await_stop(self) -> None:
        """Return when no thread is stopping any more."""
        with self._stopping:
            self.stopped_by = None

    def leave(self, why: str, *, trouble: bool = False) -> None:
        """End the day soon, whatever is under way. :meth:`close` lifts what is injected."""
        self.said = self.said or why
        self.trouble = self.trouble or trouble
        self.leaving = True

    def enter(self, phase: Phase, seconds: float | None = None) -> None:
        """Let the worker enter a phase, which lasts so many seconds if that is known.

        A key that was pressed once too often in the phase before must not start or lift anything.
        """
        if phase != self.phase:
            self.commands.forget(Next)
        self.phase = phase
        self.phase_until = None if seconds is None else self.clock.now() + seconds

    def nap(self) -> None:
        """Let the worker wait a moment."""
        self.clock.sleep(LOOK_UP_EVERY)
        self.on_slice()

    def look_up(self) -> None:
        """Find out whether a wait in a step must end; every wait calls this now and then.

        Raises:
            Interrupted: everything is being lifted, or the day ends.
        """
        self.on_slice()
        if self.leaving:
            raise Interrupted
        if self.stopped_by is not None and self.phase in ("before", "inject", "active"):
            raise Interrupted

    # The guard.

    def tick(self) -> None:
        """Read the stop conditions. Lift everything if one fires, or if the load died."""
        now = self.clock.now()
        columns = self.history.columns(now - lookback(self.book.stop, self.terms))
        active = self.active
        self.readings = tuple(
            read(each, self.terms, columns, begin=self.begun, now=now, active_since=[a.since for a in active])
            for each in self.book.stop
        )
        if self.leaving:  # the screen may hang on a terminal that is not read
            if any(each.phase in ("injecting", "active") for each in active):
                self.stop("end", self.said or "the game day ends")
            return
        if self.traffic.error is not None:
            self.record.event("error", f"the load failed: {self.traffic.error.what}", self.step)
            if active:
                self.stop("load", "the load failed")
            self.leave("the load failed", trouble=True)
            return
        fired = next((each for each in self.readings if each.fires), None)
        if fired is not None and any(each.phase in ("injecting", "active") for each in active):
            self.stop(fired.condition.title, f"{fired.condition.title}: {fired.says}")

    def say(self, kind: Kind, text: str, active: Active) -> None:
        """Record what happens to a fault."""
        self.record.event(kind, text, active.step)
        if kind in ("lift", "gone"):
            mine = [each for each in self.actives if each.step == active.step]
            if kind == "lift" and self.record.entry(active.step).lift is None:
                self.record.change(active.step, lift=self.now())
            if kind == "gone" and all(each.phase == "gone" for each in mine):
                self.record.change(active.step, gone=self.now())

    def close(self) -> bool:
        """Lift what is injected, end the load, and write the record; returns whether every fault is gone.

        The worker gets some time to write the journal of the step that is under way.
        """
        self.leaving = True
        lifted = True
        if self.active:
            with self._stopping:
                pass  # another thread is stopping
        if self.active:
            lifted = self.stop("end", self.said or "the game day ends")
        worked = self.over.wait(timeout=STEP_ENDS_WITHIN)
        try:
            self.traffic.close()  # a check of acknowledgements under way ends with it
        except ChaoskitError as error:
            self.record.event("error", f"the load did not end: {error.what}")
        if not worked:
            self.over.wait(timeout=CHECKS_END_WITHIN)
        if self.active:
            lifted = self.stop("end", "lifting again at the end")
        self.phase = "over"
        self.record.end(self.said or "the game day is over")
        return lifted and not self.active

    def _figures(self) -> Mapping[str, Any]:
        self.series.update(self.history, self.clock.now())
        return self.series.to_record()
