"""Steady state: every journey is inside its full SLO before anything is injected."""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import broken_clauses, clauses_of, figures_of, shares
from chaoskit.judge.trace import Trace, traces
from chaoskit.judge.verdict import Finding, Verdict, combined
from chaoskit.record.history import History
from chaoskit.system import Terms


def steady_state(terms: Terms, control: Trace, settings: JudgeSettings) -> Finding:
    """Judge whether the journey was inside its SLO in the control window.

    The verdict is HELD or UNKNOWN, never BROKEN: a journey that was outside shows nothing about a fault.
    """
    seen = shares(control, terms.slo, settings, "in the control window")
    figures = figures_of(seen)
    verdict = combined(each.verdict for each in seen)
    if verdict is Verdict.BROKEN:
        reason = f"not in steady state before anything was injected: {broken_clauses(seen)}"
        return Finding(terms.name, "steady state", Verdict.UNKNOWN, reason, figures)
    return Finding(terms.name, "steady state", verdict, clauses_of(seen, verdict, settings), figures)


def unsteady(
    terms: Sequence[Terms], history: History, since: float, now: float, settings: JudgeSettings | None = None
) -> tuple[Finding, ...]:
    """The findings on the journeys that were not inside their SLO from ``since`` to ``now``, with figures."""
    settings = settings or JudgeSettings()
    found = traces(terms, history.columns(since), now)
    seen = [steady_state(each, found[each.name].between(since, now), settings) for each in terms]
    return tuple(each for each in seen if each.verdict is not Verdict.HELD)
