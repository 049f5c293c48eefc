"""What a fault allows a journey: nothing, its degraded SLO, or to fail."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from chaoskit.system import OUTSIDE, Component, Impact, Terms, members


class Standing(StrEnum):
    """How a journey stands to what is at fault."""

    UNAFFECTED = "unaffected"
    """It neither needs nor uses a component at fault: it keeps its full SLO."""
    DEGRADED = "degraded"
    """It uses a component at fault, or needs one that is strained, or needs a service of which some
    replicas survive: it keeps its degraded SLO, or its full one where it declares none."""
    MAY_FAIL = "may fail"
    """It needs a lost component: it may fail, within ``fails_within`` where it declares that, and it recovers
    within its deadline."""


def standing(terms: Terms, components: Sequence[Component], impact: Impact) -> Standing:
    """How the journey stands to what the fault does to the components."""
    # Users come from outside: a severed entry concerns each journey that needs a component behind it.
    needs = [frozenset({OUTSIDE}), *(_group(name, components) for name in terms.needs)]
    uses = [_group(name, components) for name in terms.uses]
    touched = impact.lost | impact.strained
    if any(group <= impact.lost for group in needs):
        return Standing.MAY_FAIL
    if any(_cut_off(one, other, impact) for one in needs for other in needs):
        return Standing.MAY_FAIL
    concerned: frozenset[str] = frozenset().union(*needs, *uses)
    if concerned & touched:
        return Standing.DEGRADED
    if any({consumer, provider} <= concerned for consumer, provider in impact.severed | impact.hampered):
        return Standing.DEGRADED
    return Standing.UNAFFECTED


def relation(
    terms: Terms, components: Sequence[Component], impact: Impact
) -> Literal["needs", "uses", "neither"]:
    """What the journey declares about the components that the fault touches in any way.

    A severed or hampered link touches a journey only if the journey needs or uses both ends of the link.
    """
    needs = frozenset({OUTSIDE}).union(*(_group(name, components) for name in terms.needs))
    uses = frozenset[str]().union(*(_group(name, components) for name in terms.uses))
    pairs = [{*pair} for pair in impact.severed | impact.hampered if {*pair} <= needs | uses]
    touched = impact.lost | impact.strained
    if touched & needs or any(pair <= needs for pair in pairs):
        return "needs"
    return "uses" if touched & uses or pairs else "neither"


def _group(name: str, components: Sequence[Component]) -> frozenset[str]:
    # A name that is not a component stays as it is: an external host, or a name from an old journal.
    return members(name, components) or frozenset({name})


def _cut_off(consumers: frozenset[str], providers: frozenset[str], impact: Impact) -> bool:
    """Whether every way from the consumers to the providers is severed.

    No way leads over a lost replica, so only pairs of survivors count.
    """
    if consumers == providers:
        return False
    ways = {(one, other) for one in consumers - impact.lost for other in providers - impact.lost}
    return bool(ways) and ways <= impact.severed
