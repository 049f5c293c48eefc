"""A flood that is refused cheaply: how its requests ended.

How much of a flood gets behind the entry, told by what the entry asks over its links.
"""

from __future__ import annotations

from chaoskit.errors import ChaoskitError
from chaoskit.faults.base import Obligation
from chaoskit.flood import Report
from chaoskit.runtime import Meter, Runtime

REFUSALS = (403, 429)
"""Forbidden, and too many requests. nginx's 444 is a connection that is closed without an answer."""

FAILING = 0.01
"""The share of requests that may fail where refusing is said to be cheap."""

CHEAPLY = "refused cheaply"


def refused_cheaply(total: Report | None, least: float) -> Obligation:
    """At least the share ``least`` of what came to an end was refused, and no more than 1% of it was
    answered by 500 or more, or not in time.

    Args:
        total: what the source told at its end.
        least: 0 to 1.
    """
    if total is None:
        return Obligation(CHEAPLY, None, "the flood's source ended without telling its total")
    over = total.answers + total.closed + total.reset + total.unreadable + total.given_up
    if not over:
        return Obligation(CHEAPLY, None, f"none of {total.sent:,} requests came to an end")
    refused = sum(total.answered.get(status, 0) for status in REFUSALS) + total.closed
    broken = sum(count for status, count in total.answered.items() if status >= 500)
    failed = broken + total.given_up
    says = (
        f"{refused / over:.1%} of {over:,} requests were refused (403, 429 or closed; at least {least:.0%}), "
        f"{failed / over:.1%} were answered by 500 or more ({broken:,}) or not in time "
        f"({total.given_up:,}; at most {FAILING:.0%} together); {answers(total)}"
    )
    kept = refused >= least * over and failed <= FAILING * over
    return Obligation(CHEAPLY, kept, says, {"ended": over, "refused": refused, "failed": failed})


def answers(report: Report) -> str:
    """How requests ended, in words: ``429: 1,998, closed: 2``."""
    counted = {str(status): count for status, count in report.answered.items()}
    counted |= {"closed": report.closed, "reset": report.reset, "no HTTP": report.unreadable}
    counted |= {"given up": report.given_up, "no connection": report.failed_to_connect}
    return ", ".join(f"{name}: {count:,}" for name, count in counted.items() if count) or "no answers"


BEFORE = 1.0
"""Seconds for which the entry is watched before the flood: what it asks for its users alone."""

STOPPED = "stopped at the entry"


class RequestsBehind:
    """What a component asks over its links, before and under a flood; nobody has to cooperate.

    The estimate is high rather than low: an entry that asks three things for each request that it
    lets through shows three times the share of the flood, one that asks in several writes likewise.

    Args:
        runtime: where the system runs.
        component: the entry.
    """

    def __init__(self, runtime: Runtime, component: str) -> None:
        self._runtime, self._component = runtime, component
        self._links = [link for link in runtime.links if link.consumer == component]
        self._meter: Meter | None = None
        self._counted: tuple[int, float] | None = None
        self._before_per_s = self._began = 0.0
        self._first = 0
        self._failed = ""
        if not runtime.knows_all_links:
            self._failed = "not all of it goes over links that are known; behind=None does not ask for it"

    def begin(self) -> None:
        """Watch the entry for a second, before the flood."""
        if not self._links or self._failed:
            return
        clock = self._runtime.clock
        try:
            self._meter = self._runtime.meter(self._links)
            asked, began = self._meter.read(), clock.now()
            clock.sleep(BEFORE)
            self._first, self._began = self._meter.read(), clock.now()
        except ChaoskitError as error:
            self._failed = error.what
        else:
            self._before_per_s = (self._first - asked) / (self._began - began)

    def end(self) -> None:
        """Read the meter for the last time, and take it off. May be called again."""
        meter, self._meter = self._meter, None
        if meter is None:
            return
        try:
            asked = meter.read() - self._first
            self._counted = asked, self._runtime.clock.now() - self._began
            meter.close()
        except ChaoskitError as error:  # it only counts: nothing has to be taken back
            self._failed = self._failed or error.what

    def promise(self, total: Report | None, most: float) -> Obligation:
        """The entry asked no more than the share ``most`` of the flood beyond what it asks anyhow.

        Args:
            total: what the flood's source told at its end.
            most: 0 to 1.
        """
        if not self._links and not self._failed:
            return Obligation(STOPPED, True, f"{self._component} has no links: nothing is behind it")
        if self._failed or self._counted is None:
            why = self._failed or "it was not counted"
            return Obligation(
                STOPPED, None, f"what {self._component} asks over its links is not known: {why}"
            )
        if total is None or not total.sent:
            return Obligation(STOPPED, None, "the flood's source did not tell how much it sent")
        asked, seconds = self._counted
        share = max(0.0, asked - self._before_per_s * seconds) / total.sent
        says = (
            f"{share:.1%} of {total.sent:,} requests got behind {self._component} (at most {most:.0%}): it "
            f"asked {asked / seconds:,.0f}/s over its links, {self._before_per_s:,.0f}/s before the flood"
        )
        figures = {
            "sent": total.sent,
            "asked": asked,
            "asked_before_per_s": self._before_per_s,
            "seconds": seconds,
            "share": share,
        }
        return Obligation(STOPPED, share <= most, says, figures)
