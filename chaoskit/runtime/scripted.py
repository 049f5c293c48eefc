"""What a runtime in memory works out and does not do: floods, and exchanges over links with toxics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chaoskit.clock import ManualClock
from chaoskit.flood import FloodPlan, Report
from chaoskit.flood.accounts import COUNTER_NAMES
from chaoskit.runtime import Exchange, Toxic, Until

Script = Callable[[FloodPlan, int], Report]
"""(plan, second from 0) → what the source tells of that second."""


def served(plan: FloodPlan, second: int) -> Report:
    """Everything is sent, and answered by 200."""
    count = round(plan.rate_per_s)
    return Report(seconds=1.0, sent=count, answered={200: count}, connections=plan.clients)


class ScriptedFlood:
    """A :class:`chaoskit.flood.Flood` whose seconds a script gives, as the manual clock advances."""

    target = "127.0.0.1:1"

    def __init__(self, plan: FloodPlan, script: Script, clock: ManualClock) -> None:
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
            name: sum(getattr(each, name) for each in self.reports()) for name in COUNTER_NAMES
        }
        return Report(seconds=self._lasted(), answered=answered, **counted)

    def silent_for(self) -> float:
        """Seconds since the last whole second."""
        return self._clock.now() - self._began - int(self._lasted())

    def ended(self) -> str:
        """Why, as soon as it has."""
        if self._stopped is not None:
            return "it was told to stop"
        return "its time is over" if self._lasted() >= self._plan.seconds else ""

    def stop(self) -> None:
        """It has ended."""
        self._stopped = self._lasted()

    def left(self) -> str:
        """It is there until it was stopped."""
        return "the flood runs" if self._stopped is None else ""


def passed(
    said: bytes, answer: bytes, toxics: Iterable[Toxic], until: Until, *, patience: float, alone: float
) -> Exchange:
    """What comes of an exchange with a provider that serves.

    Args:
        said: what the consumer says.
        answer: what the provider answers; empty for one that only listens.
        toxics: what is on the link.
        until, patience: see :meth:`chaoskit.runtime.Runtime.exchange`.
        alone: seconds that it takes without any toxic.
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
    """Seconds that a toxic adds to an exchange in which so much passes it; no jitter."""
    if toxic.kind == "reset_peer":
        return toxic.attributes.get("timeout", 0.0)
    if not passes or (until == "end" and toxic.stream == "downstream"):
        return 0.0
    if toxic.kind == "bandwidth":  # whatever would take longer passes in pieces of a tenth of a second
        return min(0.1, len(passes) / toxic.attributes["rate_bytes_per_s"])
    return toxic.attributes.get("latency", 0.0)
