"""Time: the machine's monotonic clock, and a clock that tests advance by hand.

All times in chaoskit are seconds of one monotonic clock. On Linux and macOS all processes of a machine
share that clock (CLOCK_MONOTONIC, mach_absolute_time), so the load process and the harness write into
one history without converting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """The source of time for every part of chaoskit; no part reads the ``time`` module itself."""

    def now(self) -> float:
        """Seconds since an arbitrary origin; the reading never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait. Callers wait between two looks at a condition, never instead of looking."""
        ...


class MonotonicClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds of ``time.monotonic``."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)


class ManualClock:
    """A clock for tests: sleeping advances it at once, without waiting.

    Args:
        start: the first reading, in seconds.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._listeners: list[Callable[[float, float], None]] = []

    def listen(self, listener: Callable[[float, float], None]) -> None:
        """Call ``listener(before, after)`` whenever time has passed."""
        self._listeners.append(listener)

    def now(self) -> float:
        """The current reading, in seconds."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Advance by ``seconds`` without waiting."""
        before, self._now = self._now, self._now + max(0.0, seconds)
        if self._now > before:
            for listener in self._listeners:
                listener(before, self._now)
