"""Asks the system whether it kept what it promised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import httpx

from chaoskit.history import Acknowledgement, Check
from chaoskit.load.failures import MISTAKES, one_line
from chaoskit.load.user import User

AT_ONCE = 16
BETWEEN = 0.25
"""Seconds between two attempts at a promise that could not be found out about."""

Verify = Callable[[User, str, str], Awaitable[None]]

_GONE = (404, 410)


async def verify_all(
    promises: list[tuple[Acknowledgement, User, Verify]],
    *,
    deadline: float,
    timeout: Callable[[str], float],
    record: Callable[[Check], None],
) -> None:
    """Check promises, a few at once; each gets exactly one :class:`Check`.

    Args:
        promises: what was promised, to whom, and the function that looks.
        deadline: the moment on the shared clock at which looking ends.
        timeout: journey → seconds for one look.
        record: takes each check.
    """
    permits = asyncio.Semaphore(AT_ONCE)
    busy: dict[int, asyncio.Lock] = {}

    async def one(promise: Acknowledgement, user: User, verify: Verify) -> None:
        # Their journeys' users expect to do one thing at a time.
        async with busy.setdefault(id(user), asyncio.Lock()), permits:
            record(await _check(promise, user, verify, deadline, timeout(promise.journey)))

    async with asyncio.TaskGroup() as group:
        for promise in promises:
            group.create_task(one(*promise))


async def _check(
    promise: Acknowledgement, user: User, verify: Verify, deadline: float, timeout: float
) -> Check:
    last = "not looked at before the deadline"
    while (now := monotonic()) < deadline:
        kept, error = await _look(promise, user, verify, min(deadline, now + timeout))
        if kept is not None:
            return Check(promise.kind, promise.id, kept, error)
        if error:
            last = error
        if error.startswith(tuple(mistake.__name__ for mistake in MISTAKES)):
            break  # the same every time
        await asyncio.sleep(min(BETWEEN, max(0.0, deadline - monotonic())))
    return Check(promise.kind, promise.id, None, last)


async def _look(
    promise: Acknowledgement, user: User, verify: Verify, until: float
) -> tuple[bool | None, str]:
    deadline = asyncio.timeout_at(until)
    try:
        async with deadline:
            await verify(user, promise.kind, promise.id)
    except AssertionError as broken:
        return False, one_line(broken)
    except httpx.HTTPStatusError as answer:
        return (False if answer.response.status_code in _GONE else None), one_line(answer)
    except Exception as unclear:  # noqa: BLE001 - whatever else it is, it decides nothing
        return None, "no answer in time" if deadline.expired() else one_line(unclear)
    return True, ""
