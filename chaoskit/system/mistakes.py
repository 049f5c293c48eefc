"""Every mistake in a declaration, found at once and before anything starts."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from chaoskit.system.declaration import Component, Journey, System, members
from chaoskit.system.names import matching_entries
from chaoskit.system.terms import Slo


def mistakes(system: System, components: Iterable[Component], entries: Iterable[str]) -> list[str]:
    """Every mistake in a declaration, each as one sentence.

    Args:
        system: the declaration.
        components: the components that the compose file gives.
        entries: the published ports, as ``component:port``.

    Returns:
        The mistakes in the order of the declaration; empty if there are none.
    """
    everything = tuple(components)
    known = sorted({each.name for each in everything} | {each.service for each in everything})
    published = tuple(entries)
    found: list[str] = []
    if not system.journeys:
        found.append("it declares no journey, so there is nothing to judge")
    names = [each.name for each in system.journeys]
    found += [
        f"two journeys are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})
    ]
    for each in system.journeys:
        found += [
            f"journey {each.name!r}: {text}" for text in _journey_mistakes(each, everything, known, published)
        ]
    for name in system.restart_on_reset:
        if not members(name, everything):
            found.append(f"restart_on_reset names {name!r}, {_unknown(known)}")
    return found


def _unknown(known: Sequence[str]) -> str:
    return f"which is not a component; components: {', '.join(known) or 'none'}"


def _journey_mistakes(
    each: Journey, components: Sequence[Component], known: Sequence[str], published: Sequence[str]
) -> list[str]:
    terms = each.terms
    found: list[str] = []
    if not inspect.iscoroutinefunction(each.run):
        found.append("it is not an async function")
    if not (math.isfinite(terms.rate) and terms.rate > 0):
        found.append(f"its rate is {terms.rate:g} per second; it must be above zero")
    found += [f"its course: {text}" for text in terms.course.mistakes()]
    if terms.pattern not in ("constant", "poisson"):
        found.append(f"its pattern is {terms.pattern!r}; it must be 'constant' or 'poisson'")
    if not each.timeout > 0:
        found.append(f"its timeout is {each.timeout:g} s; it must be above zero")
    for word, names in (("needs", terms.needs), ("uses", terms.uses)):
        found += [f"it {word} {name!r}, {_unknown(known)}" for name in names if not members(name, components)]
    for name in sorted(set(terms.needs) & set(terms.uses)):
        found.append(
            f"it both needs and uses {name!r}; a journey may fail without a component that it needs, "
            "and may not fail without one that it uses"
        )
    found += [f"its SLO: {text}" for text in _slo_mistakes(terms.slo)]
    if terms.degraded is not None:
        found += [f"its degraded SLO: {text}" for text in _slo_mistakes(terms.degraded)]
    if terms.slo.within:
        found.append("its SLO: within is the time to reach a degraded SLO; declare it in degraded=Slo(…)")
    found += _entry_mistakes(each.entry, components, published)
    return found


def _slo_mistakes(slo: Slo) -> list[str]:
    found = []
    if not 0 < slo.availability <= 1:
        found.append(f"availability is {slo.availability:g}; it must be above 0 and at most 1")
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


def _entry_mistakes(
    entry: str | None, components: Sequence[Component], published: Sequence[str]
) -> list[str]:
    if entry is None:
        if len(published) == 1:
            return []
        if not published:
            return ["the compose file publishes no port for users to enter by; publish one under ports:"]
        names = ", ".join(published)
        return [f"it must name its entry, such as entry={published[0]!r}; published ports: {names}"]
    if matching_entries(entry, components, published):
        return []
    return [f"its entry {entry!r} is not a published port; published ports: {', '.join(published) or 'none'}"]
