"""What each journey owes while the fault is active: its full SLO, its degraded SLO, or to fail fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chaoskit.judge.excursions import Excursions
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import (
    Indicator,
    Share,
    broken_clauses,
    clauses_of,
    figures_of,
    measure,
    percent,
    shares,
)
from chaoskit.judge.standing import Standing
from chaoskit.judge.trace import Trace
from chaoskit.judge.verdict import Figure, Finding, Verdict, combined
from chaoskit.record.samples import NEVER
from chaoskit.system import Slo, Terms


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """The requests that met the fault, and its moments in seconds of the shared clock.

    A fault disturbs from its injection on, and a long landing must not dilute the core. So a promise
    breaks if it breaks in either window.

    Attributes:
        core: the requests intended between the landing and the start of the lift.
        whole: the core, and before it the requests that were intended after the injection began or were in
            flight at that moment.
        inject: when the injection began.
        landed: when the fault had landed.
        lift: when the lift began.
    """

    core: Trace
    whole: Trace
    inject: float
    landed: float
    lift: float

    def shares(self, slo: Slo, settings: JudgeSettings, risk: float | None = None) -> tuple[Share, ...]:
        """Each promise of an SLO in the window where it fared worse; in the core, if both are equal."""
        half = None if risk is None else risk / 2
        core = shares(self.core, slo, settings, "from the landing to the lift", half)
        whole = shares(self.whole, slo, settings, "from the injection to the lift", half)
        order = (Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN)
        pairs = zip(core, whole, strict=True)
        return tuple(max(pair, key=lambda each: order.index(each.verdict)) for pair in pairs)


def while_active(
    terms: Terms,
    stands: Standing,
    window: FaultWindow,
    full: Sequence[Share],
    settings: JudgeSettings,
    risk: float,
) -> list[Finding]:
    """The findings on the fault window, except for how fast a journey fails over.

    Args:
        terms: the journey.
        stands: how the journey stands to the fault.
        window: the requests that met the fault.
        full: how the journey's full SLO fared in that window.
        settings: how the judge decides.
        risk: the probability, for each promise, of calling it broken although it is kept.
    """
    if stands is Standing.MAY_FAIL:
        return _may_fail(terms, window, full, settings, risk)
    if stands is Standing.UNAFFECTED or terms.degraded is None:
        seen = full
    else:
        seen = window.shares(terms.degraded, settings, risk)
    promise = "independence" if stands is Standing.UNAFFECTED else "degraded"
    return [judged(terms.name, promise, seen, window.landed, settings)]


def independent_to_the_end(findings: Sequence[Finding], after: Excursions, landed: float) -> list[Finding]:
    """Add to the finding on independence what happened after the lift.

    A journey that the fault does not concern has nothing to recover from, so it gets no deadline.
    """
    (found,) = findings
    says = "; ".join(
        f"outside its SLO from {each.start - after.start:.1f} s after the lift "
        + ("to the end" if each.end is None else f"to {each.end - after.start:.1f} s")
        for each in after.excursions
    )
    if says:
        reason = says if found.verdict is Verdict.HELD else f"{found.reason}; {says}"
        at = after.excursions[0].start - landed if found.at is None else found.at
        return [replace(found, verdict=Verdict.BROKEN, reason=reason, at=at)]
    if after.doubt and found.verdict is Verdict.HELD:
        reason = f"after the lift {after.doubt}: too many to be chance, too few to be sure"
        return [replace(found, verdict=Verdict.UNKNOWN, reason=reason)]
    return [found]


def _may_fail(
    terms: Terms, window: FaultWindow, full: Sequence[Share], settings: JudgeSettings, risk: float
) -> list[Finding]:
    findings = []
    if terms.slo.fails_within is not None:
        findings.append(_fails_fast(terms.name, terms.slo.fails_within, window, settings, risk))
    if combined(each.verdict for each in full) is Verdict.HELD:
        reason = (
            "the journey needs a component that is lost, yet it kept its full SLO: "
            f"{clauses_of(full, Verdict.HELD, settings)}"
        )
        findings.append(Finding(terms.name, "survival", Verdict.HELD, reason, figures_of(full)))
    return findings


def _fails_fast(
    journey: str, within: float, window: FaultWindow, settings: JudgeSettings, risk: float
) -> Finding:
    """At most 5% of the requests that fail, and at most 5% of all requests, take longer than ``within``.

    A user of such a journey waits for an answer, good or bad. So an answer that is good but late does not
    keep the promise either.
    """
    if len(window.core) < settings.min_samples:
        reason = f"{len(window.core)} requests in the fault window, {settings.min_samples} needed"
        return Finding(journey, "fails fast", Verdict.UNKNOWN, reason, {"fails_samples": len(window.core)})
    failing = window.core.only_failed()
    failed = measure(failing, Indicator("fails", 0.05, within), settings, risk=risk / 2)
    answered = window.core.as_answered()
    ended = measure(answered, Indicator("ends", 0.05, within), settings, risk=risk / 2)
    figures: dict[str, Figure] = {**failed.figures(), **ended.figures(), "fails_within": within}
    of_failing = _slow(failed, "failing requests", within) if failed.samples else "no request failed"
    if failed.verdict is Verdict.BROKEN:
        worst, trace, reason = failed, failing, of_failing
    elif ended.verdict is Verdict.BROKEN:
        worst, trace, reason = ended, answered, f"{_slow(ended, 'requests', within)}; {of_failing}"
    else:
        # Few failures are not a lack of evidence here: the window as a whole had enough requests.
        reason = f"{of_failing}; {_slow(ended, 'requests', within)}"
        return Finding(journey, "fails fast", Verdict.HELD, reason, figures)
    at = None if worst.first is None else worst.first - window.landed
    return Finding(journey, "fails fast", Verdict.BROKEN, f"{reason}; {_slowest(trace)}", figures, at)


def _slow(seen: Share, what: str, within: float) -> str:
    return (
        f"{seen.bad} of {seen.samples} {what} took longer than {within:g} s to end "
        f"({percent(seen.share)}), 5% allowed"
    )


def _slowest(trace: Trace) -> str:
    ended = [latency for latency in trace.latency if latency < NEVER]
    return f"the slowest took {max(ended):.2f} s" if ended else "none was answered"


def judged(
    journey: str, promise: str, seen: Sequence[Share], landed: float, settings: JudgeSettings
) -> Finding:
    """The finding on the promises of an SLO in a window of the fault; ``at`` counts from the landing."""
    verdict = combined(each.verdict for each in seen)
    if verdict is not Verdict.BROKEN:
        return Finding(journey, promise, verdict, clauses_of(seen, verdict, settings), figures_of(seen))
    broken = [each for each in seen if each.verdict is Verdict.BROKEN and each.first is not None]
    first = min(broken, key=lambda each: each.first or 0.0)
    at = (first.first or 0.0) - landed
    when = f"+{at:.1f} s after" if at >= 0 else f"{-at:.1f} s before"
    error = f": {first.error}" if first.error else ""
    return Finding(
        journey,
        promise,
        verdict,
        f"{broken_clauses(seen)}; first {when} the landing{error}",
        figures_of(seen),
        at,
    )
