"""How sure the judge wants to be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chaoskit.judge.cusum import LOWEST_BUDGET


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """How the judge decides. The defaults suit windows of seconds at tens of requests per second.

    Attributes:
        window: seconds of the short window in which the worst share is shown.
        stability: seconds for which a journey must be inside its SLO to count as recovered;
            longer where a journey's rate is too low to show anything in that time.
        confidence: how sure the judge must be, 0 to 1: that no promise of a whole experiment is
            called broken that was kept; that a share which the table of ``docs/statistics.md`` names
            is not called kept; that the interval of a recovery holds the truth.
        period: seconds of an SLO's own period. A burst that spends less than the budget of a period
            is not an excursion.
        excludes: a journey is watched after a fault until so many times its budget is excluded,
        patience: but no longer than so many seconds where nothing is bad,
        doubt: and no longer than so many where something is.
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
    period: float = 10.0
    excludes: float = 4.0
    patience: float = 15.0
    doubt: float = 60.0
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

    def brief(self, seconds: float) -> JudgeSettings:
        """For a look before anything is injected: calm for no longer than so many seconds is enough."""
        return replace(self, stability=min(self.stability, seconds), patience=0.0)

    def excluded_share(self, budget: float) -> float:
        """The bad share that is to be excluded of a promise with that budget."""
        budget = max(budget, LOWEST_BUDGET)
        return min(max(self.excludes, 1.1) * budget, (1.0 + budget) / 2.0)

    def risk(self, promises: int) -> float:
        """The probability with which each of so many promises may be called broken though it is kept,
        where all together must not be more often than ``1 - confidence`` (C. E. Bonferroni, 1936).
        """
        return (1.0 - self.confidence) / max(1, promises)


Settings = JudgeSettings
"""The name under which it was first known."""
