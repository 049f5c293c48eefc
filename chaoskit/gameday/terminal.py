"""A game day on a terminal or in plain lines: its threads, its screen, and the signals that end it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from rich.console import Console
from rich.live import Live

from chaoskit.errors import ChaoskitError
from chaoskit.gameday.day import Day
from chaoskit.gameday.keys import Keyboard, TerminalGone
from chaoskit.gameday.pressing import Pressing, fitting
from chaoskit.gameday.record import DayEvent
from chaoskit.gameday.screen import render
from chaoskit.gameday.snapshot import SystemLook, look, take
from chaoskit.gameday.worker import DayWorker

GUARD_EVERY = 0.25
"""Seconds between two looks at the stop conditions."""

FIGURES_EVERY = 5.0
"""Seconds between two updates of the journeys' figures in the record."""

LOOK_EVERY = 1.0
"""Seconds between two looks at the components."""

FRAME_EVERY = 0.25
"""Seconds between two frames if no key is pressed."""

_SIGNAL_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "the terminal was closed"}


def can_show() -> bool:
    """Whether there is a terminal for a live screen and keys."""
    try:
        both = sys.stdin.isatty() and sys.stdout.isatty()
    except ValueError:  # closed
        return False
    return both and os.environ.get("TERM", "dumb") not in ("", "dumb")


@contextlib.contextmanager
def signals(day: Day) -> Iterator[None]:
    """Ctrl-C, SIGTERM and the loss of the terminal end the day, which lifts everything first."""

    def end(number: int, frame: FrameType | None) -> None:
        day.interrupted = True
        day.leave(_SIGNAL_NAMES[signal.Signals(number)])

    before = {number: signal.signal(number, end) for number in _SIGNAL_NAMES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Threads:
    """The threads of a game day: worker, guard and watch. They end with the day.

    Args:
        day: the game day.
        watch_system: whether to watch the components for the screen, which costs the Docker engine work.

    Attributes:
        system: the watch's last look.
        fitting: the lines of faults that fit the system.
    """

    def __init__(self, day: Day, *, watch_system: bool) -> None:
        self.day = day
        self.system = SystemLook()
        self.fitting: tuple[str, ...] = ()
        self._ended = threading.Event()
        targets = {
            "worker": DayWorker(day).work,
            "guard": self._guard,
            **({"watch": self._watch} if watch_system else {}),
        }
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True) for name, target in targets.items()
        ]

    def start(self) -> None:
        """Start all of them."""
        for each in self._threads:
            each.start()

    def end(self) -> None:
        """End guard and watch."""
        self._ended.set()
        for each in self._threads[1:]:
            each.join(timeout=10.0)

    def _guard(self) -> None:
        figures = self.day.now()
        while not self._ended.wait(GUARD_EVERY):
            try:
                self.day.tick()
                if self.day.now() - figures >= FIGURES_EVERY:
                    figures = self.day.now()
                    self.day.record.refresh()
            except Exception as error:  # noqa: BLE001 - without a guard no fault may stay injected
                self.day.record.event("error", f"the guard failed: {type(error).__name__}: {error}")
                self.day.stop("guard", "the guard failed")
                self.day.leave("the guard failed", trouble=True)

    def _watch(self) -> None:
        runtime = self.day.environment.runtime
        self.system = look(runtime, [])
        found: list[str] = []
        with contextlib.suppress(ChaoskitError):
            for each in fitting(runtime):
                if self._ended.is_set():
                    return
                found.append(each)
        self.fitting = tuple(found)
        while not self._ended.wait(LOOK_EVERY):
            self.system = look(runtime, self.day.active)


def show(day: Day, threads: Threads) -> None:
    """Show the live screen until the day ends, and restore the terminal."""
    console = Console(file=sys.stdout)
    pressing = Pressing(day, lambda: threads.fitting)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_unless_gone(day))
        keyboard = stack.enter_context(Keyboard(sys.stdin.fileno()))
        live = stack.enter_context(
            Live(
                console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            )
        )
        while not (day.over.is_set() or day.leaving):
            line = pressing.line
            shot = take(
                day,
                threads.system,
                prompt=line.asks if line else None,
                typed=line.text if line else "",
                hints=line.hints if line else (),
                message=pressing.message,
            )
            live.update(render(shot, *console.size), refresh=True)
            key = keyboard.read(FRAME_EVERY)
            while key is not None:
                pressing.press(key)
                key = keyboard.read(0.0)


@contextlib.contextmanager
def _unless_gone(day: Day) -> Iterator[None]:
    try:
        yield
    except (TerminalGone, OSError) as error:
        day.interrupted = True
        day.leave(f"the terminal is gone ({error})" if str(error) else "the terminal is gone")


def tell(day: Day, say: Callable[[str], None]) -> int:
    """Print events as plain lines until the day ends; returns how many."""
    told = 0
    while not (day.over.wait(FRAME_EVERY) or day.leaving):
        told = _tell_new(day, told, say)
    return _tell_new(day, told, say)


def _tell_new(day: Day, told: int, say: Callable[[str], None]) -> int:
    events = day.record.events
    for each in events[told:]:
        say(line(each))
    return len(events)


def line(event: DayEvent) -> str:
    """An event as one plain line."""
    return f"{event.at:8.1f} s  {event.kind:<10} {event.text}"
