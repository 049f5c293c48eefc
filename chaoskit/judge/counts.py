"""How many requests of each phase were bad, promise by promise: figures to compare with other nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaoskit.judge.phases import cut_out, observed
from chaoskit.judge.slo import indicators
from chaoskit.judge.standing import Standing
from chaoskit.record.history import History
from chaoskit.system import Slo, Terms

PHASES = ("control", "fault", "after")


@dataclass(frozen=True, slots=True)
class Count:
    """The requests of one phase against one promise.

    Attributes:
        promise: ``availability``, ``p95``, …
        bound: seconds that a request may take; ``None`` for availability.
        budget: the share of requests that may be bad.
        samples: requests that count.
        bad: how many of them failed, or took longer than the bound.
    """

    promise: str
    bound: float | None
    budget: float
    samples: int
    bad: int


def count(
    terms: Sequence[Terms], standings: Mapping[str, Standing], history: History
) -> dict[str, dict[str, tuple[Count, ...]]]:
    """Count the bad requests of each phase against the SLO that is owed in it.

    In the fault window a journey whose standing is DEGRADED owes its degraded SLO. A journey that may
    fail owes nothing then; it is counted against its full SLO. In the other phases the full SLO is owed.

    Args:
        terms: the journeys.
        standings: the standing of each journey to the fault, by name.
        history: the marks and samples of the experiment.

    Returns:
        journey → phase → the count of each promise of that SLO.
    """
    times, found, _ = observed(terms, history)
    counts = {}
    for each in terms:
        windows = cut_out(found[each.name], times)
        owed = _owed(each, standings.get(each.name, Standing.UNAFFECTED))
        slos = {"control": each.slo, "fault": owed, "after": each.slo}
        counts[each.name] = {
            phase: tuple(
                Count(indicator.name, indicator.bound, indicator.budget, sum(counted), sum(bad))
                for indicator in indicators(slo)
                for bad, counted in [indicator.flags(windows[phase])]
            )
            for phase, slo in slos.items()
        }
    return counts


def _owed(terms: Terms, stands: Standing) -> Slo:
    if stands is Standing.DEGRADED and terms.degraded is not None:
        return terms.degraded
    return terms.slo
