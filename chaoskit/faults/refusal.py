"""A flood that is refused cheaply: how its requests ended."""

from __future__ import annotations

from chaoskit.faults.base import Promise
from chaoskit.flood import Report

REFUSALS = (403, 429)
"""Forbidden, and too many requests. nginx's 444 is a connection that is closed without an answer."""

FAILING = 0.01
"""The share of requests that may fail where refusing is said to be cheap."""

CHEAPLY = "refused cheaply"


def refused_cheaply(total: Report | None, least: float) -> Promise:
    """At least the share ``least`` of what came to an end was refused, and no more than 1% of it was
    answered by 500 or more, or not in time.

    Args:
        total: what the source told at its end.
        least: 0 to 1.
    """
    if total is None:
        return Promise(CHEAPLY, None, "the flood's source ended without telling its total")
    over = total.answers + total.closed + total.reset + total.unreadable + total.given_up
    if not over:
        return Promise(CHEAPLY, None, f"none of {total.sent:,} requests came to an end")
    refused = sum(total.answered.get(status, 0) for status in REFUSALS) + total.closed
    broken = sum(count for status, count in total.answered.items() if status >= 500)
    failed = broken + total.given_up
    says = (
        f"{refused / over:.1%} of {over:,} requests were refused (403, 429 or closed; at least {least:.0%}), "
        f"{failed / over:.1%} were answered by 500 or more ({broken:,}) or not in time "
        f"({total.given_up:,}; at most {FAILING:.0%} together); {answers(total)}"
    )
    kept = refused >= least * over and failed <= FAILING * over
    return Promise(CHEAPLY, kept, says, {"ended": over, "refused": refused, "failed": failed})


def answers(report: Report) -> str:
    """How requests ended, in words: ``429: 1,998, closed: 2``."""
    counted = {str(status): count for status, count in report.answered.items()}
    counted |= {"closed": report.closed, "reset": report.reset, "no HTTP": report.unreadable}
    counted |= {"given up": report.given_up, "no connection": report.failed_to_connect}
    return ", ".join(f"{name}: {count:,}" for name, count in counted.items() if count) or "no answers"
