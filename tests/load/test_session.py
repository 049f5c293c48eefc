from __future__ import annotations

import asyncio
from time import monotonic

import httpx
import pytest

from chaoskit.load import session
from chaoskit.load.session import Verify, verify_all
from chaoskit.load.user import User
from chaoskit.record.history import Acknowledgement, Check


def user() -> User:
    """A user of nothing."""
    return User(
        0,
        journey="buy",
        seed=1,
        base_url="http://127.0.0.1:1",
        transport=httpx.AsyncBaseTransport(),
        acknowledged=lambda *promise: None,
        accessed=lambda *access: None,
    )


def checks(verify: Verify, *, within: float = 0.05, promises: int = 1, each: float = 1.0) -> list[Check]:
    """What becomes of some promises."""
    found: list[Check] = []
    todo = [(Acknowledgement("buy", "order", str(n), 0.0), user(), verify) for n in range(promises)]
    asyncio.run(verify_all(todo, deadline=monotonic() + within, timeout=lambda _: each, record=found.append))
    return found


def answer(status: int) -> httpx.HTTPStatusError:
    """The error of an HTTP answer."""
    request = httpx.Request("GET", "http://127.0.0.1:1/orders/0")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, request=request))


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts."""
    monkeypatch.setattr(session, "BETWEEN", 0.001)


@pytest.mark.parametrize("error", [AssertionError("twice"), answer(404), answer(410)])
def test_a_clear_no_is_a_broken_promise(error: Exception) -> None:
    """Not there, or not as promised: that is final, and nothing is asked twice."""
    asked = []

    async def verify(user: User, kind: str, id: str) -> None:
        asked.append(id)
        raise error

    (check,) = checks(verify, within=5.0)
    assert check.kept is False
    assert check.error
    assert asked == ["0"]


@pytest.mark.parametrize(
    "error", [answer(500), answer(503), answer(401), httpx.ReadError("gone"), TimeoutError(), KeyError("id")]
)
def test_what_decides_nothing_is_asked_again_until_the_deadline(error: Exception) -> None:
    """A system that cannot say leaves the promise open: neither kept nor broken."""
    asked = []

    async def verify(user: User, kind: str, id: str) -> None:
        asked.append(id)
        raise error

    (check,) = checks(verify, within=0.25)
    assert check.kept is None
    assert check.error.startswith(type(error).__name__)
    assert len(asked) > 1


def test_a_later_answer_decides() -> None:
    """A promise that is found on the second look is kept."""
    asked = []

    async def verify(user: User, kind: str, id: str) -> None:
        asked.append(id)
        if len(asked) == 1:
            raise httpx.ConnectError("not yet")

    assert checks(verify, within=5.0) == [Check("order", "0", True)]


def test_a_mistake_in_verify_is_not_repeated() -> None:
    """A NameError is the same every time: the promise stays open at once."""

    async def verify(user: User, kind: str, id: str) -> None:
        raise NameError("no such name")

    began = monotonic()
    (check,) = checks(verify, within=60.0)
    assert check == Check("order", "0", None, "NameError: no such name")
    assert monotonic() - began < 30


def test_a_look_that_never_ends_is_bounded() -> None:
    """A verify that hangs is cut off at the journey's time-out, and at the deadline."""

    async def verify(user: User, kind: str, id: str) -> None:
        await asyncio.Event().wait()

    (check,) = checks(verify, each=0.01)
    assert check.kept is None
    assert check.error == "no answer in time"


def test_every_promise_gets_one_check_and_few_are_looked_at_at_once() -> None:
    """Hundreds of promises are a queue, not a flood."""
    now, most = 0, 0

    async def verify(user: User, kind: str, id: str) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    found = checks(verify, promises=200, within=30.0)
    assert sorted(int(check.id) for check in found) == list(range(200))
    assert all(check.kept for check in found)
    assert most == session.AT_ONCE


def test_without_time_everything_stays_open() -> None:
    """A deadline that is past leaves every promise open, and says why."""

    async def verify(user: User, kind: str, id: str) -> None: ...

    (check,) = checks(verify, within=-1.0)
    assert check == Check("order", "0", None, "not looked at before the deadline")
