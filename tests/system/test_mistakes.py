"""A declaration's mistakes, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaoskit.load.user import User
from chaoskit.system import Component, Journey, Slo, System, journey
from chaoskit.system.mistakes import mistakes

COMPONENTS = (
    Component("gateway", "gateway"),
    Component("api-1", "api", 1),
    Component("api-2", "api", 2),
    Component("db", "db"),
)
PUBLISHED = ("gateway:80",)


async def run(user: User) -> None:
    """A journey."""


def not_async(user: User) -> None:
    """No journey."""


def found(
    *journeys: Journey, restart: tuple[str, ...] = (), published: tuple[str, ...] = PUBLISHED
) -> list[str]:
    """The mistakes of a system with these journeys."""
    system = System(compose=(Path("compose.yaml"),), journeys=journeys, restart_on_reset=restart)
    return mistakes(system, COMPONENTS, published)


def test_a_sound_declaration_has_no_mistake() -> None:
    """A declaration of components, services, needs, uses and one entry has no mistake."""
    assert found(journey(rate=5, needs=["api", "api-1"], uses=["db"])(run)) == []


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (journey(rate=0)(run), "its rate is 0 per second; it must be above zero"),
        (journey(rate=float("nan"))(run), "its rate is nan"),
        (journey(rate=-2)(run), "its rate is -2"),
        (
            journey(rate=1, needs=["dbb"])(run),
            "it needs 'dbb', which is not a component; components: api, api-1",
        ),
        (journey(rate=1, uses=["cache"])(run), "it uses 'cache', which is not a component"),
        (journey(rate=1, needs=["db"], uses=["db"])(run), "it both needs and uses 'db'"),
        (journey(rate=1, timeout=0)(run), "its timeout is 0 s"),
        (
            journey(rate=1, slo=Slo(availability=99.5))(run),
            "availability is 99.5; it must be above 0 and at most 1",
        ),
        (journey(rate=1, slo=Slo(p95=-1))(run), "p95 of -1 s must be above zero"),
        (journey(rate=1, slo=Slo(p50=2, p95=1))(run), "p50 of 2 s is above p95 of 1 s"),
        (journey(rate=1, degraded=Slo(recovery=0))(run), "its degraded SLO: recovery within 0 s"),
        (journey(rate=1, slo=Slo(fails_within=0))(run), "fails_within 0 s"),
        (
            journey(rate=1, entry="db")(run),
            "its entry 'db' is not a published port; published ports: gateway:80",
        ),
        (journey(rate=1, entry="gateway:81")(run), "its entry 'gateway:81' is not a published port"),
        (journey(rate=1)(not_async), "it is not an async function"),  # type: ignore[arg-type]
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_journey(declared: Journey, says: str) -> None:
    """Each mistake names its journey, what is wrong, and what is possible instead."""
    (mistake,) = found(declared)
    assert mistake.startswith(f"journey '{declared.name}': ")
    assert says in mistake


def test_all_mistakes_are_told_at_once() -> None:
    """The user does not have to start again for the second mistake."""
    one = journey(rate=0, needs=["nothing"])(run)
    told = found(one, one, restart=("breaker",))
    assert len(told) == 6
    assert told[0] == "two journeys are called 'run'"
    assert told[-1].startswith("restart_on_reset names 'breaker'")


def test_an_entry_must_be_chosen_where_there_are_several_or_none() -> None:
    """With two published ports a journey must name one; with none there is no way to enter."""
    either = journey(rate=1)(run)
    assert (
        "must name its entry, such as entry='gateway:80'"
        in found(either, published=("gateway:80", "db:5432"))[0]
    )
    assert "publishes no port" in found(either, published=())[0]


def test_a_system_without_a_journey_has_nothing_to_judge() -> None:
    """A declaration without a journey is a mistake."""
    assert found() == ["it declares no journey, so there is nothing to judge"]
