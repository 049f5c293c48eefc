"""How certain the judge must be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chaoskit.judge.cusum import LOWEST_BUDGET


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """How the judge decides. The defaults suit windows of seconds at tens of requests per second.

    Attributes:
        window: length in seconds of the short window for which the worst share is shown.
        stability: seconds for which a journey must be inside its SLO to count as recovered;
            longer where a journey's rate is too low to show anything in that time.
        confidence: how certain the judge must be, 0 to 1: that it calls no kept promise of a whole
            experiment broken; that it does not call a share kept which the table of
            ``docs/statistics.md`` names; that the interval of a recovery holds the truth.
        period: seconds of an SLO's own period. A burst that spends less than the budget of a period
            is not an excursion.
        excludes: after a fault, a journey is watched until this multiple of its budget is excluded.
        patience: the most seconds of that watch where no request is bad.
        doubt: the most seconds of that watch where some request is bad.
        min_samples: the fewest good requests with which a window can count as held.
        max_lag_share: the share of a journey's tightest latency promise by which the load generator
            may be late; beyond it the journey is UNKNOWN.
        lag_reference: seconds that stand in for the latency promise of a journey without one.
        min_coverage: the share of the scheduled arrivals that must be in the record of a window;
            0 where journeys are driven at other rates than they declare.
        even_arrivals: whether arrivals are evenly spaced for journeys with a constant pattern. Then an
            arrival that is missing from the record must be in flight; with Poisson arrivals a gap
            proves nothing.
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
        """Settings for a look before anything is injected: a calm of ``seconds`` at most is enough."""
        return replace(self, stability=min(self.stability, seconds), patience=0.0)

    def excluded_share(self, budget: float) -> float:
        """The share of bad requests that must be excluded for a promise with that budget."""
        budget = max(budget, LOWEST_BUDGET)
        return min(max(self.excludes, 1.1) * budget, (1.0 + budget) / 2.0)

    def risk(self, promises: int) -> float:
        """The probability with which the judge may call one of ``promises`` promises broken although it is
        kept, so that it errs on any of them with at most ``1 - confidence`` (C. E. Bonferroni, 1936).
        """
        return (1.0 - self.confidence) / max(1, promises)


Settings = JudgeSettings
"""The first public name of :class:`JudgeSettings`, kept as an alias."""
