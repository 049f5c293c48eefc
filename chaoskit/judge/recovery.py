"""Recovery: back inside the SLO within the deadline, for good."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.judge.excursions import Excursions, find_excursions
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import Share, sentence, shares
from chaoskit.judge.trace import Trace
from chaoskit.judge.verdict import Figure, Finding, Recovery, Verdict
from chaoskit.system import Terms


@dataclass(frozen=True, slots=True)
class Recovered:
    """The outcome of judging a recovery.

    Attributes:
        findings: on ``recovery``, and on ``stays recovered`` where the journey left its SLO again.
        recovery: the figure.
        disturbed: whether the journey was outside its SLO beyond doubt.
        found: the stretches outside the SLO.
    """

    findings: tuple[Finding, ...]
    recovery: Recovery
    disturbed: bool
    found: Excursions


@dataclass(frozen=True, slots=True)
class _Case:
    """What is known of one journey after the start of the lift; ``observed`` is in seconds since then."""

    terms: Terms
    found: Excursions
    observed: float
    settings: JudgeSettings
    lifted: bool
    late: tuple[Share, ...]

    @property
    def deadline(self) -> float:
        return self.terms.slo.recovery

    @property
    def stability(self) -> float:
        return self.settings.stable_for(self.terms.rate)

    def since(self, moment: float | None) -> float | None:
        return None if moment is None else moment - self.found.start


def judge_recovery(
    terms: Terms,
    after: Trace,
    start: float,
    end: float,
    settings: JudgeSettings,
    risk: float,
    *,
    lifted: bool,
    before: Trace | None = None,
) -> Recovered:
    """Judge the requests after the lift.

    Until its deadline a journey may be outside its SLO, even more than once: a journey that is back, is
    out again and is back for good within the deadline is no worse than one that was out all the time.
    The judge estimates since when the journey is inside for good, as an interval. An interval that ends
    before the deadline is HELD, and one that begins after it is BROKEN.

    Args:
        terms: the journey.
        after: the journey's requests from ``start`` on.
        start: when the lift began.
        end: when the observation ended.
        settings: how the judge decides.
        risk: the probability, for each promise, of calling it broken although it is kept.
        lifted: whether there is evidence that the fault is gone. Without it, a journey that does not recover
            breaks no promise.
        before: the journey's requests under the fault.
    """
    found = find_excursions(after, start, end, terms.rate, terms.slo, settings, risk / 2, before)
    late = _late(terms, after, found, end, settings, risk / 2)
    case = _Case(terms, found, end - start, settings, lifted, late)
    recovery = _figure(case)
    figures: dict[str, Figure] = {
        "seconds": recovery.seconds,
        "earliest": recovery.earliest,
        "latest": recovery.latest,
        "deadline": recovery.deadline,
        "excursions": len(found.excursions),
        "observed": max(0.0, end - start),
    }
    told: list[_Told] = [("recovery", Verdict.UNKNOWN, "no request was due after the lift began", None)]
    if len(after):
        told = _outside(case, recovery) if found.excursions else [_inside(case, recovery)]
    findings = tuple(Finding(terms.name, promise, v, reason, figures, at) for promise, v, reason, at in told)
    return Recovered(findings, recovery, bool(found.excursions), found)


_Told = tuple[str, Verdict, str, float | None]


def _figure(case: _Case) -> Recovery:
    found = case.found
    sure = bool(found.excursions) or bool(found.doubt)
    return Recovery(
        seconds=case.since(found.since) if found.stable else None,
        earliest=found.earliest - found.start,
        latest=case.since(found.latest if sure else found.unseen),
        deadline=case.deadline,
        disturbed=bool(found.excursions),
        gap=1.0 / case.terms.rate,
    )


def _late(
    terms: Terms, after: Trace, found: Excursions, end: float, settings: JudgeSettings, risk: float
) -> tuple[Share, ...]:
    """The promises that were broken, or may have been, after the deadline and after the last excursion; none
    if that time is shorter than a period of the SLO.
    """
    since = max(found.start + terms.slo.recovery, found.since or found.start)
    if end - since < settings.period:
        return ()
    window = f"later than {since - found.start:.3g} s after the lift"
    found_late = shares(after.between(since, end + 1.0 / terms.rate), terms.slo, settings, window, risk)
    return tuple(each for each in found_late if each.suspect or each.verdict is Verdict.BROKEN)


def _inside(case: _Case, recovery: Recovery) -> _Told:
    """The finding on a journey that was not outside beyond doubt."""
    found, deadline = case.found, case.deadline
    if case.late:
        return _not_held_late(case)
    if not found.stable:
        return "recovery", Verdict.UNKNOWN, _too_early(case), None
    latest = case.since(found.latest)
    if found.doubt and (latest is None or latest > deadline):
        until = "to the end" if latest is None else f"until {latest:.1f} s after the lift"
        reason = f"{found.doubt}: it may have been outside its SLO {until}, {deadline:g} s allowed"
        return "recovery", Verdict.UNKNOWN, reason, None
    if found.unproven:
        return "recovery", Verdict.UNKNOWN, f"{found.unproven}: too close to tell", None
    if found.clean:
        reason = f"{recovery.says()}, and until the end of the observation {case.observed:.1f} s after it"
    else:
        reason = f"inside its SLO from the lift to the end of the observation {case.observed:.1f} s after it"
    return "recovery", Verdict.HELD, reason, None


def _outside(case: _Case, recovery: Recovery) -> list[_Told]:
    """The findings on a journey that was outside beyond doubt."""
    found, deadline, observed = case.found, case.deadline, case.observed
    earliest, latest = recovery.earliest, case.since(found.latest)
    too_late = earliest >= deadline
    if not too_late and latest is not None and latest <= deadline:
        if not found.stable:
            return [("recovery", Verdict.UNKNOWN, _too_early(case), None)]
        if case.late:
            return [_not_held_late(case)]
        if found.unproven:
            return [("recovery", Verdict.UNKNOWN, f"{found.unproven}: too close to tell", None)]
        held: _Told = ("recovery", Verdict.HELD, f"{recovery.says()}, {deadline:g} s allowed", None)
        again = _again(case)
        if not again:
            return [held]
        left = f"outside its SLO again {again[0]}, within its deadline of {deadline:g} s"
        return [held, ("stays recovered", Verdict.HELD, left, None)]
    broken = Verdict.BROKEN if case.lifted else Verdict.UNKNOWN
    doubt = "" if case.lifted else "; the fault was not seen to be gone"
    if too_late:
        first, again = found.first_stable(case.stability), _again(case)
        back = case.since(first)
        if back is not None and back <= deadline and again:
            was = "inside its SLO from the lift on"
            if back > 0:
                was = f"back inside its SLO {back:.1f} s after the lift"
            left = f"{was}, outside it again {again[-1]} after the lift{doubt}"
            at = found.excursions[-1].start - found.start
            return [("recovery", Verdict.HELD, was, None), ("stays recovered", broken, left, at)]
        known = (
            f"not back inside its SLO {earliest:.1f} s after the lift, {observed:.1f} s observed"
            if recovery.seconds is None
            else recovery.says()
        )
        return [("recovery", broken, f"{known}, {deadline:g} s allowed{doubt}", deadline)]
    if observed + recovery.gap < deadline or (latest is not None and not found.stable):
        return [("recovery", Verdict.UNKNOWN, _too_early(case), None)]
    until = "the end of the observation" if latest is None else f"{latest:.2f} s"
    reason = (
        f"back inside its SLO between {earliest:.2f} s after the lift and {until}, {deadline:g} s allowed: "
        f"too close to tell at {case.terms.rate:g} requests per second"
    )
    return [("recovery", Verdict.UNKNOWN, reason, None)]


def _not_held_late(case: _Case) -> _Told:
    broken = [each for each in case.late if each.verdict is Verdict.BROKEN]
    says = sentence((each, each.says()) for each in broken or case.late)
    if broken and case.lifted:
        return "recovery", Verdict.BROKEN, f"not inside its SLO: {says}", case.deadline
    doubt = "; the fault was not seen to be gone" if broken else ""
    return "recovery", Verdict.UNKNOWN, f"{says}: too close to tell{doubt}", None


def _again(case: _Case) -> list[str]:
    """The later excursions in words."""
    start, found = case.found.start, case.found.excursions
    later = found[1:] if found and found[0].start - start < case.stability else found
    return [
        f"from +{each.start - start:.1f} s "
        + ("to the end" if each.end is None else f"to +{each.end - start:.1f} s")
        for each in later
    ]


def _too_early(case: _Case) -> str:
    found = case.found
    if found.since is None:
        return (
            "the observation ended too early: still outside its SLO after "
            f"{case.observed:.1f} s of {case.deadline:g} s allowed"
        )
    inside = max(0.0, case.observed - (found.since - found.start))
    return f"the observation ended too early: inside its SLO for {inside:.1f} s, {case.stability:g} s needed"
