"""Recovery: back inside the SLO within the deadline, for good."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chaoskit.judge.excursions import Excursions, find_excursions
from chaoskit.judge.phases import load_begin
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.trace import Trace, traces
from chaoskit.judge.verdict import Figure, Finding, Recovery, Verdict
from chaoskit.record.history import History
from chaoskit.record.samples import NEVER
from chaoskit.system import Terms


@dataclass(frozen=True, slots=True)
class Recovered:
    """The outcome of judging a recovery.

    Attributes:
        findings: on ``recovery``, and on ``stays recovered`` where the journey left its SLO again.
        recovery: the figure.
        disturbed: whether it was outside its SLO at all.
    """

    findings: tuple[Finding, ...]
    recovery: Recovery
    disturbed: bool


def judge_recovery(
    terms: Terms, after: Trace, start: float, end: float, settings: JudgeSettings, *, lifted: bool
) -> Recovered:
    """Judge the requests after lifting.

    Until its deadline a journey may be outside its SLO, also more than once: one that is back, is
    out again and is back for good within the deadline is no worse than one that was out all the
    time. What counts is since when it is inside for good.

    Args:
        terms: the journey.
        after: its requests from ``start`` on.
        start: when lifting began.
        end: when the observation ended.
        settings: how the judge decides.
        lifted: whether the fault was seen to be gone. If it was not, nothing is broken by not
            recovering from it.
    """
    name, deadline = terms.name, terms.slo.recovery
    settling = find_excursions(after, start, end, terms.rate, terms.slo, settings)
    took = None if settling.since is None else settling.since - start
    recovery = Recovery(took if settling.stable else None, settling.resolution, deadline)
    figures: dict[str, Figure] = {
        "seconds": recovery.seconds,
        "resolution": recovery.resolution,
        "deadline": deadline,
        "excursions": len(settling.excursions),
        "observed": max(0.0, end - start),
    }

    def done(*found: tuple[str, Verdict, str, float | None]) -> Recovered:
        findings = tuple(Finding(name, promise, v, reason, figures, at) for promise, v, reason, at in found)
        return Recovered(findings, recovery, bool(settling.excursions))

    if not len(after):
        return done(("recovery", Verdict.UNKNOWN, "no request after lifting began", None))
    stability = settings.stable_for(terms.rate)
    first = settling.first_stable(stability)
    in_time = took is not None and took <= deadline
    again = _again(settling, stability)
    if in_time and settling.stable:
        within = _within(took or 0.0, settling.resolution, deadline)
        if not again:
            return done(("recovery", Verdict.HELD, within, None))
        left = f"out of its SLO again {again[0]}, within its deadline of {deadline:g} s"
        return done(("recovery", Verdict.HELD, within, None), ("stays recovered", Verdict.HELD, left, None))
    if in_time or end + 1.0 / terms.rate < start + deadline:
        return done(("recovery", Verdict.UNKNOWN, _too_early(settling, end, stability, deadline), None))
    broken = Verdict.BROKEN if lifted else Verdict.UNKNOWN
    doubt = "" if lifted else "; the fault was not seen to be gone"
    if first is not None and first - start <= deadline and again:
        back = _within(first - start, settling.resolution, deadline)
        left = f"inside its SLO {first - start:.1f} s after lifting, out of it again {again[-1]}{doubt}"
        at = settling.excursions[-1].start - start
        return done(("recovery", Verdict.HELD, back, None), ("stays recovered", broken, left, at))
    late = f"after {took:.1f} s" if took is not None else f"not within the {end - start:.1f} s observed"
    return done(("recovery", broken, f"back inside its SLO {late}, {deadline:g} s allowed{doubt}", deadline))


def recovered(
    terms: Sequence[Terms],
    history: History,
    lift_at: float,
    now: float,
    settings: JudgeSettings | None = None,
) -> bool:
    """Whether every journey has been inside its SLO for a whole stability window by ``now``.

    The same search as the judge's, on what is known so far. Requests in flight are not in the
    record yet; so each journey is looked at up to a moment by which its requests should have ended,
    and arrivals that are missing until then are taken to hang.
    """
    settings = settings or JudgeSettings()
    found = traces(terms, history.columns(lift_at), now)
    begin = load_begin(history.marks)
    return bool(terms) and all(
        _settled(each, found[each.name], begin, lift_at, now, settings) for each in terms
    )


def observation_limit(terms: Iterable[Terms], settings: JudgeSettings | None = None) -> float:
    """Seconds after lifting beyond which no verdict on recovery can change any more: the latest
    deadline, a stability window after it, and time for the last requests to end.
    """
    settings = settings or JudgeSettings()
    return max(
        (each.slo.recovery + settings.stable_for(each.slowest(0.0)) + each.timeout for each in terms),
        default=0.0,
    )


def _settled(
    terms: Terms, trace: Trace, begin: float, start: float, now: float, settings: JudgeSettings
) -> bool:
    bounds = [bound for _, bound in terms.slo.quantiles]
    served = [
        each for each, fail in zip(trace.latency, trace.failed, strict=True) if not fail and each < NEVER
    ]
    # As long as they take now, and half as long again; who takes longer is missing below.
    usual = min(1.5 * max(served, default=0.0), 2 * bounds[-1] if bounds else terms.timeout)
    until = now - max(settings.window, min(usual, terms.timeout))
    known = trace.between(start, until)
    slowest = terms.slowest(start - begin, now - begin)
    settling = find_excursions(known, start, until - 1.0 / slowest, slowest, terms.slo, settings)
    if not settling.stable or settling.since is None:
        return False
    expected = terms.due(settling.since - begin, until - begin)
    missing = expected - len(known.between(settling.since, until))
    even = settings.even_arrivals and terms.pattern == "constant"
    return missing < (2.0 if even else 2.0 + 4 * math.sqrt(expected))


def _again(settling: Excursions, stability: float) -> list[str]:
    """The later excursions in words."""
    found = settling.excursions
    later = found[1:] if found and found[0].start - settling.start < stability else found
    return [
        f"from +{each.start - settling.start:.1f} s "
        + ("to the end" if each.end is None else f"to +{each.end - settling.start:.1f} s")
        for each in later
    ]


def _within(took: float, resolution: float, deadline: float) -> str:
    if took <= 0:
        return "never left its SLO"
    return f"back inside its SLO after {took:.1f} s (± {resolution:.2g} s), {deadline:g} s allowed"


def _too_early(settling: Excursions, end: float, stability: float, deadline: float) -> str:
    seen = end - settling.start
    if settling.since is None:
        return (
            f"observation ended too early: still outside its SLO after {seen:.1f} s of {deadline:g} s allowed"
        )
    inside = max(0.0, end - settling.since)
    return f"observation ended too early: inside its SLO for {inside:.1f} s, {stability:g} s needed"
