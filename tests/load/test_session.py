from __future__ import annotations

import asyncio

import httpx
import pytest

from chaoskit.load import session
from chaoskit.load.session import Verify, verify_all
from chaoskit.load.user import User
from chaoskit.record.history import Acknowledgement, Check
from tests.virtualtime import VirtualLoop


def user() -> User:
    """A user who has no system."""
    return User(
        0,
        journey="buy",
        seed=1,
        base_url="http://127.0.0.1:1",
        transport=httpx.AsyncBaseTransport(),
        acknowledged=lambda *acknowledgement: None,
        accessed=lambda *access: None,
    )


def checks(verify: Verify, *, within: float = 5.0, count: int = 1, each: float = 1.0) -> list[Check]:
    """The checks of some acknowledgements, within so many seconds of a clock that waits for nothing."""
    found: list[Check] = []
    todo = [(Acknowledgement("buy", "order", str(n), 0.0), user(), verify) for n in range(count)]
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        end = runner.get_loop().time() + within
        runner.run(verify_all(todo, deadline=end, timeout=lambda _: each, record=found.append))
    return found


def answer(status: int) -> httpx.HTTPStatusError:
    """The error of an HTTP answer."""
    request = httpx.Request("GET", "http://127.0.0.1:1/orders/0")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status, request=request))


@pytest.mark.parametrize("error", [AssertionError("twice"), answer(404), answer(410)])
def test_a_clear_no_is_a_broken_acknowledgement(error: Exception) -> None:
    """If the system has lost or changed the thing, that is final, and nothing is checked twice."""
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
def test_an_undecided_answer_is_checked_again_until_the_deadline(error: Exception) -> None:
    """A system that cannot answer leaves the acknowledgement open: neither kept nor broken."""
    asked = []

    async def verify(user: User, kind: str, id: str) -> None:
        asked.append(id)
        raise error

    (check,) = checks(verify, within=5.0)
    assert check.kept is None
    assert check.error.startswith(type(error).__name__)
    assert len(asked) == 5.0 / session.CHECK_AGAIN_AFTER


def test_a_later_answer_decides() -> None:
    """An acknowledgement that the second attempt confirms is kept."""
    asked = []

    async def verify(user: User, kind: str, id: str) -> None:
        asked.append(id)
        if len(asked) == 1:
            raise httpx.ConnectError("not yet")

    assert checks(verify, within=5.0) == [Check("order", "0", True)]


def test_a_mistake_in_verify_is_not_repeated() -> None:
    """A NameError would be the same every time, so the acknowledgement stays open at once."""
    asked = []

    async def verify(user: User, kind: str, id: str) -> None:
        asked.append(id)
        raise NameError("no such name")

    (check,) = checks(verify)
    assert check == Check("order", "0", None, "NameError: no such name")
    assert asked == ["0"]


def test_an_attempt_that_never_ends_is_bounded() -> None:
    """A verify that hangs is cut off at the journey's time-out, and at the deadline."""
    asked = []

    async def verify(user: User, kind: str, id: str) -> None:
        asked.append(asyncio.get_running_loop().time())
        await asyncio.Event().wait()

    (check,) = checks(verify, within=5.0, each=2.0)
    assert check.kept is None
    assert check.error == "no answer in time"
    assert [at - asked[0] for at in asked] == pytest.approx([0.0, 2.25, 4.5], abs=1e-3)


def test_every_acknowledgement_gets_one_check_and_few_run_at_once() -> None:
    """Hundreds of acknowledgements are checked a few at a time, each once."""
    now, most = 0, 0

    async def verify(user: User, kind: str, id: str) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    found = checks(verify, count=200, within=30.0)
    assert sorted(int(check.id) for check in found) == list(range(200))
    assert all(check.kept for check in found)
    assert most == session.CHECKS_AT_ONCE


def test_without_time_everything_stays_open() -> None:
    """A deadline that has passed leaves every acknowledgement open, and the check says why."""

    async def verify(user: User, kind: str, id: str) -> None: ...

    (check,) = checks(verify, within=-1.0)
    assert check == Check("order", "0", None, "not checked before the deadline")
