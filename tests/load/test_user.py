from __future__ import annotations

import asyncio

import httpx
import pytest

from chaoskit.load.user import Crowd, User

ACKNOWLEDGEMENTS: list[tuple[User, str, str]] = []
ACCESSES: list[tuple[User, str, str, bool, int | None]] = []


def user(number: int, journey: str = "buy", seed: int = 1) -> User:
    """A user who has no system."""
    return User(
        number,
        journey=journey,
        seed=seed,
        base_url="http://127.0.0.1:1",
        transport=httpx.MockTransport(lambda request: httpx.Response(200, text=str(request.url))),
        acknowledged=lambda *acknowledgement: ACKNOWLEDGEMENTS.append(acknowledgement),
        accessed=lambda *access: ACCESSES.append(access),
    )


def test_dice_are_seeded_by_run_journey_and_user() -> None:
    """The same user of the same run draws the same random numbers; any other user draws others."""
    assert user(3).random.random() == user(3).random.random()
    others = {each.random.random() for each in (user(3), user(4), user(3, "browse"), user(3, seed=2))}
    assert len(others) == 4


def test_acknowledgements_reach_the_ledger_as_text() -> None:
    """An acknowledgement is recorded with the user who got it."""
    buyer = user(1)
    buyer.acknowledge("order", 17)
    assert ACKNOWLEDGEMENTS.pop() == (buyer, "order", "17")


def test_writes_and_reads_are_noted_in_their_order() -> None:
    """A user's writes and reads are recorded with the user, also a read that found nothing."""
    buyer = user(1)
    buyer.wrote("orders", 7, 3)
    buyer.read("orders", 7, None)
    buyer.read("orders", 7, 2)
    assert [
        (buyer, "orders", "7", True, 3),
        (buyer, "orders", "7", False, None),
        (buyer, "orders", "7", False, 2),
    ] == ACCESSES
    ACCESSES.clear()


@pytest.mark.parametrize("version", ["3", 2.5, True])
def test_a_version_is_a_whole_number(version: int) -> None:
    """Anything else is a mistake in the journey: it raises an error, and nothing is recorded."""
    with pytest.raises(TypeError, match="a version is a whole number that only grows"):
        user(1).wrote("orders", 7, version)
    with pytest.raises(TypeError, match="a version is a whole number that only grows"):
        user(1).read("orders", 7, version)
    with pytest.raises(TypeError, match="not None"):
        user(1).wrote("orders", 7, None)  # type: ignore[arg-type]
    assert not ACCESSES


async def _get(client: User) -> str:
    return (await client.get("/listings?page=2")).text


def test_paths_are_taken_from_the_entry() -> None:
    """A user requests paths, relative to the journey's entry."""
    assert asyncio.run(_get(user(1))) == "http://127.0.0.1:1/listings?page=2"


@pytest.mark.parametrize("population", [1, 3])
def test_users_come_back_once_all_are_there(population: int) -> None:
    """The whole population arrives first; then the user who was idle longest comes back."""
    crowd = Crowd(population, user)
    order = []
    for _ in range(population * 2):
        each = crowd.take()
        order.append(each.id)
        crowd.give_back(each)
    assert order == list(range(population)) * 2


def test_no_user_runs_two_arrivals_at_once() -> None:
    """While all users are busy, a new one comes."""
    crowd = Crowd(2, user)
    busy = [crowd.take() for _ in range(4)]
    assert [each.id for each in busy] == [0, 1, 2, 3]
    crowd.give_back(busy[2])
    assert crowd.take() is busy[2]
