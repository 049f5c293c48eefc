"""How sure the judge wants to be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """How the judge decides. The defaults suit windows of seconds at tens of requests per second.

    Attributes:
        window: seconds of the short window, in which bursts are looked for.
        stability: seconds for which a journey must be inside its SLO to count as recovered;
            longer where a journey's rate is too low to show anything in that time.
        confidence: how sure the exact test must be before it calls a promise broken, 0 to 1.
        min_samples: good requests without which a window never counts as held.
        max_lag_share: the share of a journey's tightest latency promise by which the load engine
            may be late; beyond it the journey is UNKNOWN.
        lag_reference: seconds that stand in for the latency promise of a journey without one.
        min_coverage: the share of the scheduled arrivals that must be in the record of a window;
            0 where journeys are driven at other rates than they declare.
        even_arrivals: whether arrivals are evenly spaced where journeys say so. Then an arrival that
            is missing from the record is known to be in flight; of Poisson arrivals a gap proves
            nothing.
    """

    window: float = 1.0
    stability: float = 5.0
    confidence: float = 0.99
    min_samples: int = 10
    max_lag_share: float = 0.1
    lag_reference: float = 1.0
    min_coverage: float = 0.5
    even_arrivals: bool = True

    def stable_for(self, rate: float) -> float:
        """Seconds of the stability window of a journey with ``rate`` arrivals per second: long
        enough that ``min_samples`` arrivals fall into it.
        """
        return max(self.stability, (self.min_samples + 1) / rate) if rate > 0 else self.stability


Settings = JudgeSettings
"""The name under which it was first known."""
