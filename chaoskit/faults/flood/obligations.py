"""What a system owes under a flood: to refuse it cheaply, and to stop it at the entry.

How the requests of the flood ended shows whether it was refused cheaply. What the entry sends over its links
shows how much of the flood got past the entry.
"""

from __future__ import annotations

from chaoskit.errors import ChaoskitError
from chaoskit.faults.base import Obligation
from chaoskit.flood import Report
from chaoskit.runtime import Meter, Runtime

REFUSAL_STATUSES = (403, 429)
"""Forbidden and Too Many Requests. A connection that is closed without an answer (nginx's 444) counts too."""

MOST_FAILING_SHARE = 0.01
"""The share of requests that may fail if the flood is refused cheaply."""

BASELINE_SECONDS = 1.0
"""How long the entry is measured before the flood: what it sends over its links for users alone."""

REFUSED_CHEAPLY = "refused cheaply"
STOPPED_AT_THE_ENTRY = "stopped at the entry"
"""The names of the two obligations."""


def refused_cheaply(total: Report | None, least: float) -> Obligation:
    """Whether enough requests of the flood were refused, and few of them failed.

    Of the requests that came to an end, at least the share ``least`` must be refused, and at most 1% may be
    answered by status 500 or more, or not in time.

    Args:
        total: the report of the source at its end.
        least: a share from 0 to 1.
    """
    if total is None:
        return Obligation(REFUSED_CHEAPLY, None, "the flood's source ended without reporting its total")
    over = total.answers + total.closed + total.reset + total.unreadable + total.given_up
    if not over:
        return Obligation(REFUSED_CHEAPLY, None, f"none of {total.sent:,} requests came to an end")
    refused = sum(total.answered.get(status, 0) for status in REFUSAL_STATUSES) + total.closed
    broken = sum(count for status, count in total.answered.items() if status >= 500)
    failed = broken + total.given_up
    says = (
        f"{refused / over:.1%} of {over:,} requests were refused (403, 429 or closed; at least {least:.0%}), "
        f"{failed / over:.1%} were answered by 500 or more ({broken:,}) or not in time "
        f"({total.given_up:,}; at most {MOST_FAILING_SHARE:.0%} together); {answers(total)}"
    )
    kept = refused >= least * over and failed <= MOST_FAILING_SHARE * over
    return Obligation(REFUSED_CHEAPLY, kept, says, {"ended": over, "refused": refused, "failed": failed})


def answers(report: Report) -> str:
    """How many requests ended in which way, as text: ``429: 1,998, closed: 2``."""
    counted = {str(status): count for status, count in report.answered.items()}
    counted |= {"closed": report.closed, "reset": report.reset, "not HTTP": report.unreadable}
    counted |= {"given up": report.given_up, "no connection": report.failed_to_connect}
    return ", ".join(f"{name}: {count:,}" for name, count in counted.items() if count) or "no answers"


class RequestsBehind:
    """What a component sends over its links before and under a flood; no component has to cooperate.

    The estimate errs on the high side. An entry that sends three requests for each one that it lets through
    shows three times the share of the flood; so does an entry that sends one request in three writes.

    Args:
        runtime: the runtime of the system.
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
            self._failed = "not all of its links are known; behind=None does without the count"

    def start(self) -> None:
        """Count what the entry sends in a second before the flood, and go on counting."""
        if not self._links or self._failed:
            return
        clock = self._runtime.clock
        try:
            self._meter = self._runtime.meter(self._links)
            asked, began = self._meter.read(), clock.now()
            clock.sleep(BASELINE_SECONDS)
            self._first, self._began = self._meter.read(), clock.now()
        except ChaoskitError as error:
            self._failed = error.what
        else:
            self._before_per_s = (self._first - asked) / (self._began - began)

    def stop(self) -> None:
        """Read the meter for the last time and remove it. May be called again."""
        meter, self._meter = self._meter, None
        if meter is None:
            return
        try:
            asked = meter.read() - self._first
            self._counted = asked, self._runtime.clock.now() - self._began
            meter.close()
        except ChaoskitError as error:
            # A meter only counts: one that cannot be removed does no harm.
            self._failed = self._failed or error.what

    def obligation(self, total: Report | None, most: float) -> Obligation:
        """Whether little of the flood got past the entry.

        Beyond what it sends without a flood, the entry may send at most the share ``most`` of the flood.

        Args:
            total: the report of the flood's source at its end.
            most: a share from 0 to 1.
        """
        if not self._links and not self._failed:
            says = f"{self._component} has no links, so nothing is behind it"
            return Obligation(STOPPED_AT_THE_ENTRY, True, says)
        if self._failed or self._counted is None:
            why = self._failed or "it was not counted"
            says = f"how much {self._component} sends over its links is not known: {why}"
            return Obligation(STOPPED_AT_THE_ENTRY, None, says)
        if total is None or not total.sent:
            says = "the flood's source did not report how much it sent"
            return Obligation(STOPPED_AT_THE_ENTRY, None, says)
        asked, seconds = self._counted
        share = max(0.0, asked - self._before_per_s * seconds) / total.sent
        says = (
            f"{share:.1%} of {total.sent:,} requests got past {self._component} (at most {most:.0%}); it "
            f"sent {asked / seconds:,.0f}/s over its links, {self._before_per_s:,.0f}/s before the flood"
        )
        figures = {
            "sent": total.sent,
            "asked": asked,
            "asked_before_per_s": self._before_per_s,
            "seconds": seconds,
            "share": share,
        }
        return Obligation(STOPPED_AT_THE_ENTRY, share <= most, says, figures)
