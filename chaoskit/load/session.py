"""One load in the load process: its drivers, its users, and what the system acknowledged to them.

:func:`verify_all` asks the system afterwards whether it kept what it acknowledged.
"""

from __future__ import annotations

import asyncio
import gc
import math
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import httpx

from chaoskit.load.driver import Driver, Flights, cap_of
from chaoskit.load.failures import MISTAKES, one_line, user_traceback
from chaoskit.load.guard import Guard
from chaoskit.load.http.transport import Transport
from chaoskit.load.protocol import Setup
from chaoskit.load.recorder import Recorder
from chaoskit.load.schedule import schedule_of
from chaoskit.load.source import JourneyPlan
from chaoskit.load.user import Crowd, User
from chaoskit.record.history import Access, Acknowledgement, Check, Mark

CHECKS_AT_ONCE = 16
"""Acknowledgements that are checked at the same time."""

CHECK_AGAIN_AFTER = 0.25
"""Seconds between two attempts at an acknowledgement that the last one left open."""

USER_RETURNS_AFTER = 10.0
"""Seconds after which a user comes back, on average: a journey has ``rate`` times as many users."""

MOST_MISTAKES = 20
"""Mistakes in journeys that are reported in full, each once."""

TIMEOUT_MARGIN = 0.5
"""Seconds after its time-out by which a run has surely ended."""

Verify = Callable[[User, str, str], Awaitable[None]]

_NOT_FOUND = (404, 410)


async def verify_all(
    acknowledgements: list[tuple[Acknowledgement, User, Verify]],
    *,
    deadline: float,
    timeout: Callable[[str], float],
    record: Callable[[Check], None],
) -> None:
    """Check acknowledgements, a few at a time. Each gets exactly one :class:`Check`.

    Args:
        acknowledgements: each with the user who got it and the function that verifies it.
        deadline: the moment on the shared clock at which checking ends.
        timeout: journey → seconds for one attempt.
        record: takes each check.
    """
    permits = asyncio.Semaphore(CHECKS_AT_ONCE)
    busy: dict[int, asyncio.Lock] = {}

    async def one(acknowledgement: Acknowledgement, user: User, verify: Verify) -> None:
        # A journey may expect that its user does one thing at a time.
        async with busy.setdefault(id(user), asyncio.Lock()), permits:
            limit = timeout(acknowledgement.journey)
            record(await _check(acknowledgement, user, verify, deadline, limit))

    async with asyncio.TaskGroup() as group:
        for each in acknowledgements:
            group.create_task(one(*each))


async def _check(
    acknowledgement: Acknowledgement, user: User, verify: Verify, deadline: float, timeout: float
) -> Check:
    kind, id = acknowledgement.kind, acknowledgement.id
    last = "not checked before the deadline"
    clock = asyncio.get_running_loop().time
    while (now := clock()) < deadline:
        kept, error = await _attempt(kind, id, user, verify, min(deadline, now + timeout))
        if kept is not None:
            return Check(kind, id, kept, error)
        if error:
            last = error
        if error.startswith(tuple(mistake.__name__ for mistake in MISTAKES)):
            break  # it would be the same every time
        await asyncio.sleep(min(CHECK_AGAIN_AFTER, max(0.0, deadline - clock())))
    return Check(kind, id, None, last)


async def _attempt(kind: str, id: str, user: User, verify: Verify, until: float) -> tuple[bool | None, str]:
    """Whether the acknowledgement still holds (``None`` if that stays open), and why not."""
    deadline = asyncio.timeout_at(until)
    try:
        async with deadline:
            await verify(user, kind, id)
    except AssertionError as broken:
        return False, one_line(broken)
    except httpx.HTTPStatusError as answer:
        return (False if answer.response.status_code in _NOT_FOUND else None), one_line(answer)
    except Exception as unclear:  # noqa: BLE001 - any other exception decides nothing
        return None, "no answer in time" if deadline.expired() else one_line(unclear)
    return True, ""


Run = Callable[[User], Awaitable[None]]
Functions = Mapping[str, tuple[Run, Verify | None]]


class LoadSession:
    """Carries out the harness's commands.

    Args:
        setup: see :class:`chaoskit.load.protocol.Setup`.
        functions: journey → its function, and the function that verifies its acknowledgements.
        recorder: the way back to the harness.
    """

    def __init__(self, setup: Setup, functions: Functions, recorder: Recorder) -> None:
        self._setup = setup
        self._functions = functions
        self._recorder = recorder
        self._flights = Flights(setup.max_in_flight)
        self._told: set[tuple[str, str]] = set()
        self._owners: dict[tuple[str, str, str], User] = {}
        self._timeouts = {plan.name: plan.timeout for plan in setup.plans}
        guard = Guard.around(setup.entries.values(), setup.allowed_hosts)
        self._transport = Transport(guard, lambda refusal: self._report_mistake("", refusal))
        self._entries = {name: httpx.URL(url) for name, url in setup.entries.items()}
        self._drivers = [self._driver(plan) for plan in setup.plans]
        self._cpu = 0.0

    def _driver(self, plan: JourneyPlan) -> Driver:
        schedule = schedule_of(plan, self._setup)
        rate = schedule.rate / schedule.share[1]
        population = min(math.ceil(rate * USER_RETURNS_AFTER), cap_of(rate, plan.timeout))
        mine, of = schedule.share
        first = self._user(plan.name)
        return Driver(
            schedule,
            plan.timeout,
            self._functions[plan.name][0],
            Crowd(population, lambda number: first.another(number * of + mine)),
            self._flights,
            self._recorder.add,
            self._report_mistake,
            self._report_defect,
        )

    def _user(self, journey: str) -> User:
        return User(
            0,
            journey=journey,
            seed=self._setup.seed,
            base_url=self._entries[journey],
            transport=self._transport,
            acknowledged=self._acknowledged,
            accessed=self._accessed,
        )

    def _acknowledged(self, user: User, kind: str, id: str) -> None:
        self._owners[user.journey, kind, id] = user
        self._recorder.add(Acknowledgement(user.journey, kind, id, monotonic()))

    def _accessed(self, user: User, kind: str, id: str, wrote: bool, version: int | None) -> None:
        self._recorder.add(Access(user.journey, user.id, kind, id, wrote, version, monotonic()))

    def _report_mistake(self, journey: str, error: BaseException) -> None:
        """Tell the harness of an error in a journey's own code, each one once."""
        line = one_line(error)
        if (
            not isinstance(error, MISTAKES)
            or len(self._told) >= MOST_MISTAKES
            or (journey, line) in self._told
        ):
            return
        self._told.add((journey, line))
        detail = {"journey": journey, "error": line, "traceback": user_traceback(error)}
        self._recorder.add(Mark("journey-error", monotonic(), detail))

    def _report_defect(self, error: BaseException) -> None:
        self._recorder.say(
            "failed",
            what="the load process has a defect: its measurements cannot be trusted",
            traceback="".join(traceback.format_exception(error)),
            remedy="report it with this traceback",
        )

    def begin(self, origin: float) -> None:
        """Start the schedules at this moment of the shared clock."""
        self._cpu = time.process_time()
        self._recorder.worst_lag = 0.0
        for driver in self._drivers:
            driver.begin(origin)
        self._recorder.say("begun")

    async def stop(self, grace: float | None) -> None:
        """End the arrivals. Wait for the runs in flight: up to their time-outs, or for ``grace`` seconds."""
        at = monotonic()
        cpu = time.process_time() - self._cpu
        for driver in self._drivers:
            driver.cease(at)
        await asyncio.gather(
            *(
                driver.drain(at + (driver.timeout + TIMEOUT_MARGIN if grace is None else grace))
                for driver in self._drivers
            )
        )
        self._recorder.say(
            "stopped",
            at=at,
            most_in_flight={driver.name: driver.most_in_flight for driver in self._drivers},
            most_in_flight_at_once=self._flights.most,
            most_connections=self._transport.most_open,
            worst_loop_lag=self._recorder.worst_lag,
            cpu_seconds=cpu,
        )
        gc.collect()

    async def verify(self, acknowledgements: list[list[Any]], within: float) -> None:
        """Check acknowledgements with the users who got them, for at most ``within`` seconds."""
        await verify_all(
            [
                (each, self._owner(each), verify)
                for each in (Acknowledgement(*fields) for fields in acknowledgements)
                if (verify := self._functions[each.journey][1])
            ],
            deadline=monotonic() + within,
            timeout=self._timeouts.__getitem__,
            record=self._recorder.add,
        )
        self._recorder.say("verified")

    def _owner(self, acknowledgement: Acknowledgement) -> User:
        key = (acknowledgement.journey, acknowledgement.kind, acknowledgement.id)
        return self._owners.get(key) or self._user(acknowledgement.journey)
