"""What a fault allows a journey."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from chaoskit.judge import Standing
from chaoskit.judge.standing import standing
from chaoskit.system import OUTSIDE, Impact, Slo, Terms
from tests.judge.histories import COMPONENTS


def stands(impact: Impact, needs: Iterable[str] = (), uses: Iterable[str] = ()) -> str:
    """The standing of a journey with these needs and uses."""
    terms = Terms(name="j", rate=1, slo=Slo(), needs=tuple(needs), uses=tuple(uses))
    return standing(terms, COMPONENTS, impact).value


def lost(*names: str) -> Impact:
    """These components are lost."""
    return Impact(lost=frozenset(names))


@pytest.mark.parametrize(
    ("impact", "needs", "uses", "expected"),
    [
        (lost("mail"), ["api", "db"], ["cache"], "unaffected"),
        (lost("cache"), ["api"], ["cache"], "degraded"),
        (lost("api"), ["api"], ["cache"], "may fail"),
        (lost("db-1"), ["db"], [], "degraded"),
        (lost("db-1", "db-2"), ["db"], [], "may fail"),
        (lost("db-1"), ["db-1"], [], "may fail"),
        (lost("db-2"), ["db-1"], [], "unaffected"),
        (lost("db-1"), [], ["db"], "degraded"),
        (Impact(strained=frozenset({"api"})), ["api"], [], "degraded"),
        (Impact(strained=frozenset({"api"})), [], ["api"], "degraded"),
        (Impact(lost=frozenset({"db-1"}), strained=frozenset({"db-2"})), ["db"], [], "degraded"),
        (lost("cache", "api"), ["api"], ["cache"], "may fail"),
        (lost("mail.example.org"), ["mail.example.org"], [], "may fail"),
        (lost("mail"), ["mail.example.org"], [], "unaffected"),
        (Impact(), ["api"], ["cache"], "unaffected"),
    ],
)
def test_components(impact: Impact, needs: list[str], uses: list[str], expected: str) -> None:
    """A journey may fail only without all of what it needs; what is left or used degrades it."""
    assert stands(impact, needs, uses) == expected


@pytest.mark.parametrize(
    ("severed", "needs", "uses", "expected"),
    [
        ([("api", "cache")], ["api", "cache"], [], "may fail"),
        ([("api", "cache")], ["api"], ["cache"], "degraded"),
        ([("api", "cache")], ["api", "mail"], [], "unaffected"),
        ([("api", "db-1")], ["api", "db"], [], "degraded"),
        ([("api", "db-1"), ("api", "db-2")], ["api", "db"], [], "may fail"),
        ([("db-1", "db-2")], ["db"], [], "degraded"),
        ([(OUTSIDE, "api")], ["api"], [], "may fail"),
        ([(OUTSIDE, "api")], ["mail"], [], "unaffected"),
    ],
)
def test_severed_links(
    severed: list[tuple[str, str]], needs: list[str], uses: list[str], expected: str
) -> None:
    """A severed link touches only journeys that concern both of its ends; users come from outside."""
    assert stands(Impact(severed=frozenset(severed)), needs, uses) == expected


def test_a_lost_replica_is_no_way_around() -> None:
    """One replica lost and the link of the other severed leave no way, at either end."""
    impact = Impact(lost=frozenset({"db-1"}), severed=frozenset({("api", "db-2"), ("db-2", "cache")}))
    assert stands(impact, ["api", "db"]) == Standing.MAY_FAIL
    assert stands(impact, ["db", "cache"]) == Standing.MAY_FAIL


def test_hampered_links_degrade() -> None:
    """A slow link degrades the journeys that concern both ends, even if they need both."""
    impact = Impact(hampered=frozenset({("api", "cache")}))
    assert stands(impact, ["api", "cache"]) == Standing.DEGRADED
    assert stands(impact, ["api"]) == Standing.UNAFFECTED
