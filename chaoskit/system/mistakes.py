"""Everything that is wrong with a declaration, at once and before anything starts."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from chaoskit.system.declaration import Component, Journey, System, members
from chaoskit.system.names import matching_entries
from chaoskit.system.terms import Slo


def mistakes(system: System, components: Iterable[Component], entries: Iterable[str]) -> list[str]:
    """Everything that is wrong with a declaration, each as one sentence.

    Args:
        system: the declaration.
        components: those that the compose file gives.
        entries: its entry points as ``component:port``.

    Returns:
        The mistakes in the order in which they stand in the declaration; empty if there are none.
    """
    everything = tuple(components)
    known = sorted({each.name for each in everything} | {each.service for each in everything})
    doors = tuple(entries)
    found: list[str] = []
    if not system.journeys:
        found.append("it has no journey: without one there is nothing to judge")
    names = [each.name for each in system.journeys]
    found += [
        f"two journeys are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    for each in system.journeys:
        found += [
            f"journey {each.name!r}: {text}" for text in _journey_mistakes(each, everything, known, doors)
        ]
    for name in system.restart_on_reset:
        if not members(name, everything):
            found.append(f"restart_on_reset names {name!r}, {_unknown(known)}")
    return found


def _unknown(known: Sequence[str]) -> str:
    return f"which is no component; there are {', '.join(known) or 'none'}"


def _journey_mistakes(
    each: Journey, components: Sequence[Component], known: Sequence[str], doors: Sequence[str]
) -> list[str]:
    terms = each.terms
    found: list[str] = []
    if not inspect.iscoroutinefunction(each.run):
        found.append("it is not an async function")
    if not (math.isfinite(terms.rate) and terms.rate > 0):
        found.append(f"its rate is {terms.rate:g} per second; it must be above zero")
    found += [f"its course: {text}" for text in terms.course.mistakes()]
    if terms.pattern not in ("constant", "poisson"):
        found.append(f"its pattern is {terms.pattern!r}; there are 'constant' and 'poisson'")
    if not each.timeout > 0:
        found.append(f"its timeout is {each.timeout:g} s; it must be above zero")
    for word, names in (("needs", terms.needs), ("uses", terms.uses)):
        found += [f"it {word} {name!r}, {_unknown(known)}" for name in names if not members(name, components)]
    for name in sorted(set(terms.needs) & set(terms.uses)):
        found.append(f"it both needs and uses {name!r}; without it the journey either may fail or may not")
    found += [f"its SLO: {text}" for text in _slo_mistakes(terms.slo)]
    if terms.degraded is not None:
        found += [f"its degraded SLO: {text}" for text in _slo_mistakes(terms.degraded)]
    if terms.slo.within:
        found.append("its SLO: within is the time to reach a degraded SLO; declare it in degraded=Slo(…)")
    found += _entry_mistakes(each.entry, components, doors)
    return found


def _slo_mistakes(slo: Slo) -> list[str]:
    found = []
    if not 0 < slo.availability <= 1:
        found.append(f"availability {slo.availability:g} is not a share above 0 and up to 1")
    bounds = slo.quantiles
    found += [f"p{q * 100:g} of {bound:g} s must be above zero" for q, bound in bounds if not bound > 0]
    for (lower, low), (upper, high) in pairwise(bounds):
        if low > high:
            found.append(f"p{lower * 100:g} of {low:g} s is above p{upper * 100:g} of {high:g} s")
    if not slo.recovery > 0:
        found.append(f"recovery within {slo.recovery:g} s must be above zero")
    if slo.fails_within is not None and not slo.fails_within > 0:
        found.append(f"fails_within {slo.fails_within:g} s must be above zero")
    if slo.within < 0:
        found.append(f"within {slo.within:g} s must not be below zero")
    return found


def _entry_mistakes(entry: str | None, components: Sequence[Component], doors: Sequence[str]) -> list[str]:
    if entry is None:
        if len(doors) == 1:
            return []
        if not doors:
            return ["the compose file publishes no port to enter by; publish one under ports:"]
        return [f"it must name its entry, as entry={doors[0]!r}; there are {', '.join(doors)}"]
    if matching_entries(entry, components, doors):
        return []
    return [f"its entry {entry!r} is no published port; there are {', '.join(doors) or 'none'}"]
