"""A flood that is worked out, not sent: for runtimes in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from chaoskit.clock import ManualClock
from chaoskit.flood import Plan, Report
from chaoskit.flood.accounts import COUNTED

Script = Callable[[Plan, int], Report]
"""(plan, second from 0) → what the source tells of that second."""


def served(plan: Plan, second: int) -> Report:
    """Everything is sent, and answered by 200."""
    count = round(plan.rate_per_s)
    return Report(seconds=1.0, sent=count, answered={200: count}, connections=plan.clients)


class ScriptedFlood:
    """A :class:`chaoskit.flood.Flood` whose seconds a script gives, as the manual clock advances."""

    target = "127.0.0.1:1"

    def __init__(self, plan: Plan, script: Script, clock: ManualClock) -> None:
        self._plan, self._script, self._clock = plan, script, clock
        self._began = clock.now()
        self._stopped: float | None = None

    def _lasted(self) -> float:
        lasted = self._clock.now() - self._began if self._stopped is None else self._stopped
        return min(lasted, self._plan.seconds)

    def reports(self) -> Sequence[Report]:
        """Each whole second so far."""
        return [self._script(self._plan, second) for second in range(int(self._lasted()))]

    def total(self) -> Report | None:
        """The sum of all whole seconds, once it has ended."""
        if not self.ended():
            return None
        answered: Counter[int] = Counter()
        for each in self.reports():
            answered.update(each.answered)
        counted: dict[str, Any] = {
            name: sum(getattr(each, name) for each in self.reports()) for name in COUNTED
        }
        return Report(seconds=self._lasted(), answered=answered, **counted)

    def silent_for(self) -> float:
        """Seconds since the last whole second."""
        return self._clock.now() - self._began - int(self._lasted())

    def ended(self) -> str:
        """Why, as soon as it has."""
        if self._stopped is not None:
            return "it was told to"
        return "its time is over" if self._lasted() >= self._plan.seconds else ""

    def stop(self) -> None:
        """It has ended."""
        self._stopped = self._lasted()

    def left(self) -> str:
        """It is there until it was stopped."""
        return "the flood runs" if self._stopped is None else ""
