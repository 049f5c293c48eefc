"""The computed floods and exchanges of a runtime in memory, which sends no real traffic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chaoskit.clock import ManualClock
from chaoskit.flood import FloodPlan, Report
from chaoskit.flood.accounts import COUNTER_NAMES
from chaoskit.runtime import Exchange, Toxic, Until

Script = Callable[[FloodPlan, int], Report]
"""(plan, second from 0) → the report of that second."""


def served(plan: FloodPlan, second: int) -> Report:
    """The script of a flood whose every request is sent and answered with 200."""
    count = round(plan.rate_per_s)
    return Report(seconds=1.0, sent=count, answered={200: count}, connections=plan.clients)


class ScriptedFlood:
    """A :class:`chaoskit.flood.Flood` whose seconds come from a script as the manual clock advances."""

    target = "127.0.0.1:1"

    def __init__(self, plan: FloodPlan, script: Script, clock: ManualClock) -> None:
        self._plan, self._script, self._clock = plan, script, clock
        self._began = clock.now()
        self._stopped: float | None = None

    def _lasted(self) -> float:
        lasted = self._clock.now() - self._began if self._stopped is None else self._stopped
        return min(lasted, self._plan.seconds)

    def reports(self) -> Sequence[Report]:
        """The report of each whole second so far."""
        return [self._script(self._plan, second) for second in range(int(self._lasted()))]

    def total(self) -> Report | None:
        """The sum of all whole seconds, once the flood has ended."""
        if not self.ended():
            return None
        answered: Counter[int] = Counter()
        for each in self.reports():
            answered.update(each.answered)
        counted: dict[str, Any] = {
            name: sum(getattr(each, name) for each in self.reports()) for name in COUNTER_NAMES
        }
        return Report(seconds=self._lasted(), answered=answered, **counted)

    def silent_for(self) -> float:
        """Seconds since the last whole second of the flood."""
        return self._clock.now() - self._began - int(self._lasted())

    def ended(self) -> str:
        """Why the flood ended; empty while it runs."""
        if self._stopped is not None:
            return "it was told to stop"
        return "its time is over" if self._lasted() >= self._plan.seconds else ""

    def stop(self) -> None:
        """End the flood now."""
        self._stopped = self._lasted()

    def left(self) -> str:
        """What is left of the flood: it counts as running until it is stopped."""
        return "the flood runs" if self._stopped is None else ""


def passed(
    said: bytes, answer: bytes, toxics: Iterable[Toxic], until: Until, *, patience: float, alone: float
) -> Exchange:
    """The result of an exchange with a provider that serves.

    Args:
        said: the bytes that the consumer sends.
        answer: the bytes that the provider answers; empty for a provider that only listens.
        toxics: the toxics on the link.
        until, patience: see :meth:`chaoskit.runtime.Runtime.exchange`.
        alone: seconds that the exchange takes without any toxic.
    """
    met, seconds = "closed" if until == "end" else "answered" if answer else "quiet", alone
    for toxic in toxics:
        if toxic.kind == "reset_peer":
            met, answer = "reset", b""
        seconds += _added(toxic, said if toxic.stream == "upstream" else answer, until)
    if met == "quiet" or seconds > patience:
        return Exchange("quiet", patience)
    return Exchange(met, seconds, len(answer))


def _added(toxic: Toxic, passes: bytes, until: Until) -> float:
    """Seconds that a toxic without jitter adds to an exchange in which these bytes pass it."""
    if toxic.kind == "reset_peer":
        return toxic.attributes.get("timeout", 0.0)
    if not passes or (until == "end" and toxic.stream == "downstream"):
        return 0.0
    # More bytes pass in pieces of a tenth of a second.
    if toxic.kind == "bandwidth":
        return min(0.1, len(passes) / toxic.attributes["rate_bytes_per_s"])
    return toxic.attributes.get("latency", 0.0)
