"""Every promise is a share of good requests, and one test judges all of them.

``availability=0.995``: at most 0.5% of the requests fail. ``p95=0.3``: at most 5% take longer than
0.3 s. (Service level indicators as ratios of good events: The Site Reliability Workbook, chapter 2,
"Implementing SLOs".) For latency two kinds of requests count: those that succeeded, and those that
failed after the bound had passed, since their users waited too long in any case. A request that failed
*fast* says nothing about latency; it is left out, so that failures do not make a system look quick.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaoskit.judge.binomial import at_least_share, breaks_at
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.trace import CLOCK_RESOLUTION, Trace, either, negated
from chaoskit.judge.verdict import Figure, Verdict
from chaoskit.system import Slo


@dataclass(frozen=True, slots=True)
class Indicator:
    """One promise of an SLO.

    Attributes:
        name: ``availability``, ``p95``, …
        budget: the share of requests that may be bad.
        bound: seconds that a request may take; ``None`` for availability.
    """

    name: str
    budget: float
    bound: float | None = None

    @property
    def says(self) -> str:
        """What bad requests did, as the subject and verb of a clause."""
        return "requests failed" if self.bound is None else f"requests took longer than {self.bound:g} s"

    def flags(self, trace: Trace) -> tuple[bytes, bytes]:
        """Two columns with 1 or 0 for each request: whether it is bad, and whether it counts at all."""
        if self.bound is None:
            return trace.failed, b"\1" * len(trace)
        limit = self.bound + CLOCK_RESOLUTION
        slow = bytes([latency > limit for latency in trace.latency])
        if 1 not in trace.failed:
            return slow, b"\1" * len(trace)
        return slow, either(slow, negated(trace.failed))


@dataclass(frozen=True, slots=True)
class Share:
    """How a promise fared in a window.

    Attributes:
        indicator: the promise.
        samples: requests that count.
        bad: how many of them were bad.
        breaks_at: the fewest bad requests that would have broken the promise.
        verdict: the verdict on the promise in this window.
        window: the window in words.
        first: when the first bad request was intended, on the shared clock.
        error: the error of that request.
        bursts: unbroken runs of bad requests; counted only where the promise is broken.
        suspect: whether more are bad than a single test explains, yet too few to be certain.
        surely: the true bad share is at least this; computed only where the promise is broken.
    """

    indicator: Indicator
    samples: int
    bad: int
    breaks_at: int
    verdict: Verdict
    window: str = ""
    first: float | None = None
    error: str = ""
    bursts: int = 0
    suspect: bool = False
    surely: float = 0.0

    @property
    def share(self) -> float:
        """The bad share that was observed, 0 to 1."""
        return self.bad / self.samples if self.samples else 0.0

    def says(self) -> str:
        """One clause: how many requests were bad, which share that is, and which share is allowed."""
        budget = self.indicator.budget
        text = (
            f"{self.bad} of {self.samples} {self.indicator.says} ({percent(self.share)}), "
            f"{percent(budget)} allowed"
        )
        if self.bursts == 1:
            return f"{text}, all in one burst"
        # Chance explains the excess; without this the reader would wonder why the promise holds.
        unsure = self.verdict is not Verdict.BROKEN and self.share > budget
        return f"{text}, {self.breaks_at} would break it" if unsure else text

    def figures(self) -> dict[str, Figure]:
        """The same as figures; each name begins with the indicator's.

        ``…_surely`` is the lower limit of the true share, at the judge's confidence.
        """
        name = self.indicator.name
        sure: dict[str, Figure] = {}
        if self.verdict is Verdict.BROKEN:
            sure = {f"{name}_bad_share_surely": self.surely, f"{name}_bursts": self.bursts}
        return {
            f"{name}_samples": self.samples,
            f"{name}_bad": self.bad,
            f"{name}_bad_share": self.share,
            f"{name}_budget": self.indicator.budget,
            f"{name}_breaks_at": self.breaks_at,
            **sure,
        }


def indicators(slo: Slo) -> tuple[Indicator, ...]:
    """The promises of an SLO, availability first."""
    latencies = (Indicator(f"p{q * 100:g}", round(1 - q, 12), bound) for q, bound in slo.quantiles)
    return (Indicator("availability", round(1 - slo.availability, 12)), *latencies)


def shares(
    trace: Trace, slo: Slo, settings: JudgeSettings, window: str = "", risk: float | None = None
) -> tuple[Share, ...]:
    """Judge each promise of an SLO on a window; see :func:`measure`."""
    return tuple(measure(trace, each, settings, window, risk) for each in indicators(slo))


def measure(
    trace: Trace, indicator: Indicator, settings: JudgeSettings, window: str = "", risk: float | None = None
) -> Share:
    """Judge one promise on a window.

    Args:
        trace: the requests of the window.
        indicator: the promise.
        settings: how the judge decides.
        window: the window in words.
        risk: see :func:`decide`.
    """
    bad_flags, counted = indicator.flags(trace)
    samples, bad = counted.count(1), bad_flags.count(1)
    verdict = decide(samples, bad, indicator.budget, settings, risk)
    broken = verdict is Verdict.BROKEN
    first = bad_flags.index(1) if bad else None
    return Share(
        indicator,
        samples,
        bad,
        breaks_at(samples, indicator.budget, _certainty(settings, risk)),
        verdict,
        window,
        None if first is None else trace.at[first],
        "" if first is None else trace.errors[trace.error[first]],
        bad_flags.count(b"\0\1") + bad_flags.startswith(b"\1") if broken else 0,
        not broken and bad >= breaks_at(samples, indicator.budget, settings.confidence),
        at_least_share(bad, samples, settings.confidence) if broken else 0.0,
    )


def decide(
    samples: int, bad: int, budget: float, settings: JudgeSettings, risk: float | None = None
) -> Verdict:
    """The verdict on ``bad`` of ``samples`` requests where ``budget`` is the share allowed.

    BROKEN needs certainty and at least two bad requests: it is wrong with at most the probability ``risk``.
    HELD needs fewer bad requests than break a single test with the confidence of the settings, and enough
    good ones that the judge would have called it, had they failed. Only good requests count towards that
    number, so more failures never turn a verdict into HELD. Anything between is UNKNOWN: too many bad
    requests to be fine, too few to be certain. One bad request where none is allowed contradicts the
    promise, yet a single request decides nothing: UNKNOWN.

    Args:
        samples: requests that count.
        bad: how many of them were bad.
        budget: the share allowed.
        settings: how the judge decides.
        risk: ``1 - confidence`` by default; less where many promises are judged together.
    """
    certainty = _certainty(settings, risk)
    if bad >= breaks_at(samples, budget, certainty):
        return Verdict.BROKEN
    good = samples - bad
    if good < settings.min_samples or breaks_at(good, budget, certainty) > good:
        return Verdict.UNKNOWN
    if bad >= breaks_at(samples, budget, settings.confidence):
        return Verdict.UNKNOWN
    return Verdict.UNKNOWN if budget <= 0 < bad else Verdict.HELD


def sentence(clauses: Iterable[tuple[Share, str]]) -> str:
    """Clauses on shares as one sentence, each window named once."""
    parts, window = [], ""
    for share, clause in clauses:
        parts.append(f"{share.window} {clause}" if share.window != window else clause)
        window = share.window
    return "; ".join(parts)


def broken_clauses(seen: Sequence[Share]) -> str:
    """The broken shares in words."""
    return sentence((each, each.says()) for each in seen if each.verdict is Verdict.BROKEN)


def clauses_of(seen: Sequence[Share], verdict: Verdict, settings: JudgeSettings) -> str:
    """The shares in words: all of them if they held, else the UNKNOWN ones, each with the cause."""
    if verdict is Verdict.HELD:
        return sentence((each, each.says()) for each in seen)
    clauses = []
    for each in seen:
        if each.verdict is not Verdict.UNKNOWN:
            continue
        good = each.samples - each.bad
        if good < settings.min_samples:
            few = f"{good} good requests count for {each.indicator.name}, {settings.min_samples} needed"
            clauses.append((each, few))
        elif each.indicator.budget <= 0:
            clauses.append((each, f"{each.says()}; a single bad request decides nothing"))
        elif each.breaks_at > good:
            clauses.append((each, f"{each.samples} requests are too few to judge {each.indicator.name}"))
        else:
            clauses.append((each, f"{each.says()}: too many to be chance, too few to be sure"))
    return sentence(clauses)


def figures_of(seen: Sequence[Share]) -> dict[str, Figure]:
    """The figures of all shares by name."""
    return {name: figure for each in seen for name, figure in each.figures().items()}


def _certainty(settings: JudgeSettings, risk: float | None) -> float:
    return settings.confidence if risk is None else 1.0 - min(risk, 1.0 - settings.confidence)


def percent(share: float) -> str:
    """A share as a percentage with at most three significant digits."""
    return f"{share * 100:.3g}%"
