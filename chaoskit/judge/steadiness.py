"""Why a system does not come into steady state: for whoever waits for it."""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.history import History
from chaoskit.judge.promises import steady_state
from chaoskit.judge.settings import Settings
from chaoskit.judge.trace import traces
from chaoskit.judge.verdict import Finding, Verdict
from chaoskit.system import Terms


def unsteady(
    terms: Sequence[Terms], history: History, since: float, now: float, settings: Settings | None = None
) -> tuple[Finding, ...]:
    """The journeys that were not inside their SLO from ``since`` to ``now``, each with its figures."""
    settings = settings or Settings()
    found = traces(terms, history.columns(since), now)
    seen = [steady_state(each, found[each.name].between(since, now), settings) for each in terms]
    return tuple(each for each in seen if each.verdict is not Verdict.HELD)
