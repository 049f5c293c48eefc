"""Whether the measurements can be trusted: a late load generator is reported, never hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chaoskit.judge.binomial import breaks_at
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.trace import Trace
from chaoskit.judge.verdict import Figure, Finding, Verdict
from chaoskit.record.samples import NEVER
from chaoskit.system import Terms

_LATE_SHARE_BUDGET = 0.01
"""The share of requests that the load generator may send late: it owes its own p99."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """The load generator was late.

    Attributes:
        finding: the lateness in words and figures.
        most: the largest lag in seconds.
    """

    finding: Finding
    most: float


def lateness(terms: Terms, windows: Mapping[str, Trace], settings: JudgeSettings) -> Lateness | None:
    """Find out whether the load generator was late for this journey.

    The lag is tested like any other promise: its p99 must be within a share of the journey's tightest
    latency promise. A single late request decides nothing.

    Args:
        terms: the journey.
        windows: the requests of each phase, by its name.
        settings: how the judge decides.

    Returns:
        The lateness in the first phase that shows it; ``None`` where no phase does.
    """
    bounds = [bound for _, bound in terms.slo.quantiles]
    limit = settings.max_lag_share * min(bounds, default=settings.lag_reference)
    if all(max(trace.lag, default=0.0) <= limit for trace in windows.values()):
        return None
    lags = {phase: [lag for lag in trace.lag if lag < NEVER] for phase, trace in windows.items()}
    most = max((max(seen) for seen in lags.values() if seen), default=0.0)
    for phase, seen in lags.items():
        late = sum(lag > limit for lag in seen)
        if late >= breaks_at(len(seen), _LATE_SHARE_BUDGET, settings.confidence):
            figures: dict[str, Figure] = {
                "late": late,
                "sent": len(seen),
                "lag_limit": limit,
                "lag_most": most,
            }
            reason = (
                f"the load generator was late in the {phase} window: {late} of {len(seen)} requests "
                f"were sent more than {limit:.2g} s after they were due, by {max(seen):.2g} s at most; "
                "only a promise that is broken even so counts"
            )
            return Lateness(Finding(terms.name, "measurement", Verdict.UNKNOWN, reason, figures), most)
    return None


def shown_after(terms: Iterable[Terms], settings: JudgeSettings) -> tuple[float, str]:
    """The shortest window, in seconds, in which every journey shows as many requests as the judge needs,
    and the name of the journey that needs so long. In a shorter window every verdict would be UNKNOWN.
    A request in flight at the end of the window counts for the next one.
    """
    return max(
        (
            (
                (settings.min_samples + 1) / each.slowest(0.0)
                + min((bound for _, bound in each.slo.quantiles), default=0.0),
                each.name,
            )
            for each in terms
        ),
        default=(0.0, ""),
    )


def gaps(
    terms: Terms, windows: Mapping[str, tuple[Trace, float, float]], settings: JudgeSettings
) -> Finding | None:
    """The finding that arrivals are missing from the record; ``None`` if they are not.

    Args:
        terms: the journey.
        windows: for each phase: its requests, its length in seconds, and how many requests were due.
        settings: how the judge decides.
    """
    for phase, (trace, length, expected) in windows.items():
        if len(trace) + 1 < settings.min_coverage * expected:
            reason = (
                f"{len(trace)} requests are on record for the {phase} window of {length:.1f} s, "
                f"about {expected:.0f} were due"
            )
            figures: dict[str, Figure] = {"recorded": len(trace), "due": expected}
            return Finding(terms.name, "measurement", Verdict.UNKNOWN, reason, figures)
    return None
