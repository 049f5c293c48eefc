"""The judge itself: from terms and a history to a verdict."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from chaoskit.judge.consistency import judge_consistency
from chaoskit.judge.failover import judge_failover
from chaoskit.judge.fault_window import FaultWindow, independent_to_the_end, while_active
from chaoskit.judge.ledger import judge_ledger
from chaoskit.judge.measurement import gaps, lateness
from chaoskit.judge.phases import Phases, cut_out, due, observed
from chaoskit.judge.recovery import Recovered, judge_recovery
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import indicators
from chaoskit.judge.standing import Standing, standing
from chaoskit.judge.steady_state import steady_state
from chaoskit.judge.summary import summarize
from chaoskit.judge.trace import Trace
from chaoskit.judge.verdict import Finding, JourneyJudgement, Judgement, Recovery, Verdict, combined
from chaoskit.record.history import History, Mark
from chaoskit.system import Component, Impact, Terms

_SPOILERS = {
    "unsteady": "the system never reached steady state, so nothing was injected",
    "lapsed": "the fault ended before it was lifted",
    "harness failure": "an instrument of the harness failed",
}
"""Marks after which no verdict can be HELD."""

_WORDS = {"control": "control", "core": "fault", "after": "recovery"}
"""Window → its name in the findings on the measurement."""


def judge(
    terms: Sequence[Terms],
    components: Sequence[Component],
    impact: Impact,
    history: History,
    settings: JudgeSettings | None = None,
) -> Judgement:
    """Judge an experiment. Never raises: a failure of the judge itself gives UNKNOWN.

    Args:
        terms: the promises of the journeys, in the order of the report.
        components: the components of the system, to resolve the names in ``needs`` and ``uses``.
        impact: what the fault does to the components.
        history: the marks, samples, acknowledgements and accesses of the experiment.
        settings: how certain the judge must be.
    """
    settings = settings or JudgeSettings()
    try:
        times, found, _ = observed(terms, history)
        overall = _overall(times, history.marks, terms)
    except Exception as error:  # noqa: BLE001 - a failure of the judge must not pass for a verdict
        return Judgement(Verdict.UNKNOWN, (), (_crash("", error),))
    journeys, reached = [], []
    risk = settings.risk(sum(len(indicators(each.slo)) for each in terms))
    for each in terms:
        try:
            judged, disturbed = _journey(
                each, components, impact, history, found[each.name], times, settings, risk
            )
        except Exception as error:  # noqa: BLE001 - nor must it spoil the other journeys
            crash = _crash(each.name, error)
            judged = JourneyJudgement(each.name, Standing.UNAFFECTED, Verdict.UNKNOWN, (crash,), {})
            disturbed = False
        journeys.append(judged)
        reached += [each.name] if disturbed else []
    verdict = combined([*(each.verdict for each in journeys), *(each.verdict for each in overall)])
    return Judgement(verdict, tuple(journeys), tuple(overall), tuple(reached))


def _overall(times: Phases, marks: Sequence[Mark], terms: Sequence[Terms]) -> list[Finding]:
    """The findings that make the whole experiment UNKNOWN, causes before consequences; then those on the
    fault's obligations, which are owed beside the journeys' promises.
    """
    reasons = [
        f"{text}: {mark.detail['says']}" if mark.detail.get("says") else text
        for mark in marks
        for name, text in _SPOILERS.items()
        if mark.name == name
    ]
    if not terms:
        reasons.append("there is no journey to judge")
    if times.control is None:
        reasons.append("there was no control window, so nothing shows the steady state")
    if times.inject is None:
        reasons.append("no fault was injected")
    elif times.landed is None:
        reasons.append("the fault never landed: there is no evidence that it took effect")
    reasons += [
        _not_exercised(mark) for mark in marks if mark.name == "exercised" and not mark.detail["requests"]
    ]
    if times.lift is not None and times.gone is None:
        reasons.append("the lift is not verified: there is no evidence that the fault is gone")
    unknown = [Finding("", "experiment", Verdict.UNKNOWN, reason) for reason in reasons]
    return [*unknown, *(_owed(mark) for mark in marks if mark.name == "promise")]


def _not_exercised(mark: Mark) -> str:
    links = mark.detail["links"]
    more = f" and {len(links) - 3} more links" if len(links) > 3 else ""
    return (
        f"never exercised: in the control window no request went over {', '.join(links[:3])}{more}, so no "
        "request could meet the fault"
    )


_KEPT = {True: Verdict.HELD, False: Verdict.BROKEN, None: Verdict.UNKNOWN}


def _owed(mark: Mark) -> Finding:
    """The finding on an obligation of the fault, as the fault itself observed it."""
    figures = {
        name: value
        for name, value in mark.detail.items()
        if name not in ("promise", "kept", "says") and isinstance(value, (int, float, str))
    }
    verdict = _KEPT[mark.detail["kept"]]
    return Finding("", str(mark.detail["promise"]), verdict, str(mark.detail["says"]), figures)


def _journey(
    terms: Terms,
    components: Sequence[Component],
    impact: Impact,
    history: History,
    trace: Trace,
    times: Phases,
    settings: JudgeSettings,
    risk: float,
) -> tuple[JourneyJudgement, bool]:
    """The judgement on one journey, and whether the fault reached it."""
    stands = standing(terms, components, impact)
    windows = cut_out(trace, times)
    holes = gaps(
        terms, {_WORDS[name]: (windows[name], *due(name, terms, times)) for name in _WORDS}, settings
    )
    late = lateness(terms, {_WORDS[name]: windows[name] for name in _WORDS}, settings)
    seen = windows
    if late:
        seen = {name: each.without_lag(late.most, terms.timeout) for name, each in windows.items()}
    steady = steady_state(terms, seen["control"], settings)
    findings = [*([holes] if holes else []), *([late.finding] if late else []), steady]
    found = _Found()
    if steady.verdict is Verdict.HELD:
        found = _under_fault(terms, stands, seen, times, settings, risk)
        findings += found.findings
    if terms.ledger:
        mine = [each for each in history.acknowledgements if each.journey == terms.name]
        successes = trace.failed.count(0)
        findings += judge_ledger(terms.name, mine, history.checks, successes, times.landed)
    shown = [each for each in history.accesses if each.journey == terms.name]
    findings += judge_consistency(terms.name, shown, times.inject, times.landed)
    starts = {"control": times.control, "fault": times.inject, "after": times.calm}
    summary = {
        name: summarize(window, terms.slo, starts[name] or 0.0, settings.window)
        for name, window in windows.items()
        if name in starts
    }
    verdict = combined(each.verdict for each in findings)
    judged = JourneyJudgement(
        terms.name, stands, verdict, tuple(findings), summary, found.recovery, found.failover
    )
    return judged, found.reached


@dataclass(slots=True)
class _Found:
    """The findings and figures of one journey from the injection on."""

    findings: list[Finding] = field(default_factory=list)
    recovery: Recovery | None = None
    failover: Recovery | None = None
    reached: bool = False


def _under_fault(
    terms: Terms,
    stands: Standing,
    seen: Mapping[str, Trace],
    times: Phases,
    settings: JudgeSettings,
    risk: float,
) -> _Found:
    found = _Found()
    if times.landed is None or times.inject is None:
        why = "not judged: no fault is known to have landed"
        found.findings.append(Finding(terms.name, "independence", Verdict.UNKNOWN, why))
        return found
    lift = times.end if times.lift is None else times.lift
    window = FaultWindow(seen["core"], seen["fault"], times.inject, times.landed, lift)
    full = window.shares(terms.slo, settings, risk / 2)
    found.reached = any(each.verdict is Verdict.BROKEN for each in full)
    after: Recovered | None = None
    if times.calm is not None:
        slowest = terms.slowest(times.calm - times.begin, times.end - times.begin)
        after = judge_recovery(
            replace(terms, rate=slowest),
            seen["after"],
            times.calm,
            times.end,
            settings,
            risk / 2,
            lifted=times.gone is not None,
            before=seen["core"],
        )
    found.findings = while_active(terms, stands, window, full, settings, risk / 2)
    if stands is Standing.DEGRADED:
        owed = terms.degraded or terms.slo
        failed_over = judge_failover(terms, owed, window, settings, risk / 2)
        found.failover = failed_over.failover
        found.findings = list(failed_over.findings) or found.findings
    if stands is Standing.UNAFFECTED and after is not None:
        found.findings = independent_to_the_end(found.findings, after.found, times.landed)
    if after is None:
        found.findings.append(Finding(terms.name, "recovery", Verdict.UNKNOWN, "the fault was never lifted"))
        return found
    found.findings += after.findings
    found.recovery, found.reached = after.recovery, found.reached or after.disturbed
    return found


def _crash(journey: str, error: Exception) -> Finding:
    where = traceback.extract_tb(error.__traceback__)[-1]
    reason = f"the judge failed: {type(error).__name__}: {error} ({where.name}, line {where.lineno})"
    return Finding(journey, "measurement", Verdict.UNKNOWN, reason)
