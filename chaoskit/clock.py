"""Time: the machine's monotonic clock, and one that tests turn by hand.

All times in chaoskit are seconds of one monotonic clock. On Linux and macOS that clock is
shared by all processes of the machine (CLOCK_MONOTONIC, mach_absolute_time), so that the
load process and the harness write into one history without converting.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """What needs the time gets it from here, never from the ``time`` module."""

    def now(self) -> float:
        """Seconds since an arbitrary origin; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait. Used between two looks at a condition, never in place of one."""
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
    """A clock for tests: sleeping advances it at once.

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
        """The reading that the test has set."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Advance by ``seconds`` without waiting."""
        before, self._now = self._now, self._now + max(0.0, seconds)
        if self._now > before:
            for listener in self._listeners:
                listener(before, self._now)
