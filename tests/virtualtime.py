"""Time that passes only when nothing is left to do, so that a busy machine changes no test's result."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable

from chaoskit.clock import ManualClock

_TICK = 1e-9
"""Seconds that pass at least between two looks: a timer that rounding has put just ahead comes due."""

_LOST_AFTER = 30.0
"""Real seconds after which an event that a test says must come has not come."""


class VirtualSelector(selectors.DefaultSelector):
    """Waits for real sockets, but lets a clock of its own pass instead of the machine's.

    Args:
        clock: advanced by the time-out of a wait in which nothing happens.
        owed: whether an event must still come, for which time stands still until it is here.
        answer_takes: seconds of the clock that pass with each event that was owed.
    """

    def __init__(
        self, clock: ManualClock, owed: Callable[[], bool] = lambda: False, answer_takes: float = 0.0
    ) -> None:
        super().__init__()
        self._clock, self._owed, self._answer_takes = clock, owed, answer_takes

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As :meth:`selectors.BaseSelector.select`; an event that is owed is waited for in real time."""
        self._clock.sleep(_TICK)
        due = timeout is not None and timeout <= 0
        owed = not due and self._owed()
        ready = super().select(_LOST_AFTER if owed else 0)
        assert ready or not owed, f"an event that must come did not come within {_LOST_AFTER:g} s"
        if owed:
            self._clock.sleep(self._answer_takes)
        elif not ready and not due:
            assert timeout is not None, "everything waits for something that never comes"
            self._clock.sleep(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers come due as soon as nothing else is left to do."""

    def __init__(self) -> None:
        self._clock = ManualClock(1000.0)
        super().__init__(VirtualSelector(self._clock))

    def time(self) -> float:
        """Seconds of the loop's own clock."""
        return self._clock.now()
