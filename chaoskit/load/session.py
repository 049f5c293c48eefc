"""Asks the system whether it kept what it promised.

One load in the load process: its drivers, its users, and the promises made to them.
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
from chaoskit.load.failures import MISTAKES, of_the_user, one_line
from chaoskit.load.guard import Guard
from chaoskit.load.http.transport import Transport
from chaoskit.load.protocol import Setup
from chaoskit.load.recorder import Recorder
from chaoskit.load.schedule import schedule_of
from chaoskit.load.source import JourneyPlan
from chaoskit.load.user import Crowd, User
from chaoskit.record.history import Access, Acknowledgement, Check, Mark

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
    clock = asyncio.get_running_loop().time
    while (now := clock()) < deadline:
        kept, error = await _look(promise, user, verify, min(deadline, now + timeout))
        if kept is not None:
            return Check(promise.kind, promise.id, kept, error)
        if error:
            last = error
        if error.startswith(tuple(mistake.__name__ for mistake in MISTAKES)):
            break  # the same every time
        await asyncio.sleep(min(BETWEEN, max(0.0, deadline - clock())))
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


RETURNS_AFTER = 10.0
"""Seconds after which a user comes back, on the whole: there are ``rate`` times as many users."""

TELL = 20
"""Mistakes in journeys that are told in full, each once."""

Run = Callable[[User], Awaitable[None]]
Functions = Mapping[str, tuple[Run, Verify | None]]


class LoadSession:
    """Answers the harness's commands.

    Args:
        setup: see :class:`chaoskit.load.protocol.Setup`.
        functions: journey → its function and the one that verifies.
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
        self._transport = Transport(guard, lambda refusal: self._mistaken("", refusal))
        self._entries = {name: httpx.URL(url) for name, url in setup.entries.items()}
        self._drivers = [self._driver(plan) for plan in setup.plans]
        self._cpu = 0.0

    def _driver(self, plan: JourneyPlan) -> Driver:
        schedule = schedule_of(plan, self._setup)
        rate = schedule.rate / schedule.share[1]
        population = min(math.ceil(rate * RETURNS_AFTER), cap_of(rate, plan.timeout))
        mine, of = schedule.share
        first = self._user(plan.name)
        return Driver(
            schedule,
            plan.timeout,
            self._functions[plan.name][0],
            Crowd(population, lambda number: first.another(number * of + mine)),
            self._flights,
            self._recorder.add,
            self._mistaken,
            self._defect,
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

    def _mistaken(self, journey: str, error: BaseException) -> None:
        """Tell the harness of an error in the journey's own code; once each."""
        line = one_line(error)
        if not isinstance(error, MISTAKES) or len(self._told) >= TELL or (journey, line) in self._told:
            return
        self._told.add((journey, line))
        detail = {"journey": journey, "error": line, "traceback": of_the_user(error)}
        self._recorder.add(Mark("journey-error", monotonic(), detail))

    def _defect(self, error: BaseException) -> None:
        self._recorder.say(
            "failed",
            what="the load process has a defect: its measurements cannot be trusted",
            traceback="".join(traceback.format_exception(error)),
            remedy="report it with this traceback",
        )

    def begin(self, origin: float) -> None:
        """Start the schedules at a moment of the shared clock."""
        self._cpu = time.process_time()
        self._recorder.worst_lag = 0.0
        for driver in self._drivers:
            driver.begin(origin)
        self._recorder.say("begun")

    async def stop(self, grace: float | None) -> None:
        """No more arrivals; wait for the runs in flight up to their time-outs, or ``grace``."""
        at = monotonic()
        cpu = time.process_time() - self._cpu
        for driver in self._drivers:
            driver.cease(at)
        await asyncio.gather(
            *(
                driver.landed(at + (driver.timeout + 0.5 if grace is None else grace))
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

    async def verify(self, promises: list[list[Any]], within: float) -> None:
        """Check promises, with the users they were made to, for so many seconds at most."""
        await verify_all(
            [
                (promise, self._owner(promise), verify)
                for promise in (Acknowledgement(*each) for each in promises)
                if (verify := self._functions[promise.journey][1])
            ],
            deadline=monotonic() + within,
            timeout=self._timeouts.__getitem__,
            record=self._recorder.add,
        )
        self._recorder.say("verified")

    def _owner(self, promise: Acknowledgement) -> User:
        known = self._owners.get((promise.journey, promise.kind, promise.id))
        return known or self._user(promise.journey)
