"""How long a journey takes, under a fault, to reach the SLO that it owes without the lost component."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.judge.excursions import Excursions, find_excursions
from chaoskit.judge.fault_window import FaultWindow, judged
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import shares
from chaoskit.judge.verdict import Figure, Finding, Recovery, Verdict
from chaoskit.system import Slo, Terms


@dataclass(frozen=True, slots=True)
class FailedOver:
    """The outcome of judging a fail-over.

    Attributes:
        findings: on ``fails over`` and ``degraded``; empty where the SLO grants no time for a fail-over.
        failover: the measured time.
    """

    findings: tuple[Finding, ...]
    failover: Recovery


def judge_failover(
    terms: Terms, owed: Slo, window: FaultWindow, settings: JudgeSettings, risk: float
) -> FailedOver:
    """Measure a fail-over, and judge it where ``owed.within`` grants a time for it.

    The fault took effect at an unknown moment between the injection and the proof of its landing. So the
    earliest end of the interval counts from the landing, and the latest from the injection.

    Args:
        terms: the journey.
        owed: the SLO that the journey has to reach.
        window: the requests that met the fault.
        settings: how the judge decides.
        risk: the probability, for each promise, of calling it broken although it is kept.
    """
    trace = window.whole.between(float("-inf"), window.lift)
    found = find_excursions(trace, window.inject, window.lift, terms.rate, owed, settings, risk / 2)
    failover = _figure(terms, owed, window, found)
    if not owed.within:
        return FailedOver((), failover)
    verdict, reason = _verdict(failover, owed.within, found.doubt)
    figures: dict[str, Figure] = {
        "seconds": failover.seconds,
        "earliest": failover.earliest,
        "latest": failover.latest,
        "within": owed.within,
    }
    at = owed.within if verdict is Verdict.BROKEN else None
    findings = [Finding(terms.name, "fails over", verdict, reason, figures, at)]
    if verdict is not Verdict.BROKEN:
        since = max(window.inject + owed.within, found.since or window.inject)
        label = f"from {since - window.inject:.1f} s after the injection to the lift"
        seen = shares(trace.between(since, window.lift), owed, settings, label, risk / 2)
        findings.append(judged(terms.name, "degraded", seen, window.landed, settings))
    return FailedOver(tuple(findings), failover)


def _figure(terms: Terms, owed: Slo, window: FaultWindow, found: Excursions) -> Recovery:
    sure = bool(found.excursions) or bool(found.doubt)
    latest = found.latest if sure else found.unseen
    return Recovery(
        seconds=None if found.since is None else found.since - window.inject,
        earliest=max(0.0, found.earliest - window.landed),
        latest=None if latest is None else latest - window.inject,
        deadline=owed.within,
        disturbed=bool(found.excursions),
        gap=1.0 / terms.rate,
    )


def _verdict(failover: Recovery, within: float, doubt: str) -> tuple[Verdict, str]:
    says = f"{failover.says('the injection', 'its degraded SLO')}, {within:g} s allowed"
    if not failover.disturbed and not doubt:
        return Verdict.HELD, says
    if failover.earliest >= within:
        return Verdict.BROKEN, says
    if failover.latest is not None and failover.latest <= within:
        return Verdict.HELD, says
    return Verdict.UNKNOWN, f"{says}: too close to tell"
