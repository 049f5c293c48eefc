"""Launches one journey on schedule and writes down how each run went."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from chaoskit.load.failures import one_line
from chaoskit.load.schedule import Schedule
from chaoskit.load.user import Crowd, User
from chaoskit.record.history import Outcome, Sample

BURST = 32
"""Launches without a look at the event loop, when the engine is late."""


@dataclass(slots=True)
class Flights:
    """How many runs there are at once, over all journeys.

    Attributes:
        limit: most that are allowed.
        now: how many there are.
        most: how many there were at most.
    """

    limit: int
    now: int = 0
    most: int = 0


@dataclass(slots=True, eq=False)
class _Flight:
    """One run. ``task`` is gone when it is over, ``expired`` says that its user has given up."""

    intended: float
    task: asyncio.Task[None] | None = None
    started: float | None = None
    expired: bool = False


def cap_of(rate: float, timeout: float) -> int:
    """Most runs of one journey at once.

    By Little's law there are never more than ``rate * timeout`` of a constant schedule; a Poisson
    schedule stays within four standard deviations of it but once in 30,000 times.
    """
    expected = rate * timeout
    return math.ceil(expected + 4 * math.sqrt(expected)) + 10


class Driver:
    """One journey under load.

    Args:
        schedule: when users arrive.
        timeout: seconds from the intended start after which a run has failed.
        run: the journey's function.
        crowd: its users.
        flights: shared by all drivers.
        record: takes each sample.
        mistaken: told of every exception of a run.
        defect: told of an exception of this driver's own.
    """

    def __init__(
        self,
        schedule: Schedule,
        timeout: float,
        run: Callable[[User], Awaitable[None]],
        crowd: Crowd,
        flights: Flights,
        record: Callable[[Sample], None],
        mistaken: Callable[[str, BaseException], None],
        defect: Callable[[BaseException], None],
    ) -> None:
        self.name = schedule.journey
        self.timeout = timeout
        self.most_in_flight = 0
        self._schedule = schedule
        self._run = run
        self._crowd = crowd
        self._flights = flights
        self._record = record
        self._mistaken = mistaken
        self._defect = defect
        self._cap = cap_of(schedule.most / schedule.share[1], timeout)
        self._flying: set[_Flight] = set()
        self._deadlines: deque[_Flight] = deque()
        self._reaper: asyncio.TimerHandle | None = None
        self._arrivals: Iterator[float] = iter(())
        self._due = math.inf
        self._timer: asyncio.Handle | None = None
        self._ending = False

    def begin(self, origin: float) -> None:
        """Arrivals are due from ``origin`` on."""
        self._loop = asyncio.get_running_loop()
        self._arrivals = self._schedule.arrivals(origin)
        self._due = next(self._arrivals)
        self._timer = self._loop.call_at(self._due, self._launch)

    def cease(self, at: float) -> None:
        """No arrivals after ``at``; those that were due by then are launched all the same."""
        if self._timer:
            self._timer.cancel()
        while self._due <= at:
            self._arrive(self._due)
            self._due = next(self._arrivals)

    async def landed(self, until: float) -> None:
        """Wait for the runs in flight; those that are left at ``until`` are UNFINISHED."""
        left = max(0.0, until - self._loop.time())
        if self._flying:
            await asyncio.wait(self._tasks(), timeout=left)
        self._ending = True
        if self._reaper is not None:
            self._reaper.cancel()
        for task in self._tasks():
            task.cancel()
        if self._flying:
            # One turn to clean up; a journey that swallows its cancellation is left behind.
            await asyncio.wait(self._tasks(), timeout=0.2)
        for flight in self._flying:
            self._record(Sample(self.name, flight.intended, flight.started, None, Outcome.UNFINISHED))
        self._flying.clear()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [flight.task for flight in self._flying if flight.task is not None]

    def _launch(self) -> None:
        for _ in range(BURST):
            if self._due > self._loop.time():
                self._timer = self._loop.call_at(self._due, self._launch)
                return
            self._arrive(self._due)
            self._due = next(self._arrivals)
        self._timer = self._loop.call_soon(self._launch)

    def _arrive(self, intended: float) -> None:
        flights = self._flights
        if len(self._flying) >= self._cap or flights.now >= flights.limit:
            text = f"{flights.now} runs in flight, {len(self._flying)} of them of this journey"
            self._record(Sample(self.name, intended, None, None, Outcome.NEVER_SENT, text))
            return
        flight = _Flight(intended)
        flight.task = self._loop.create_task(self._fly(self._crowd.take(), flight))
        self._flying.add(flight)
        self._deadlines.append(flight)
        if self._reaper is None:
            self._reaper = self._loop.call_at(intended + self.timeout, self._expire)
        self.most_in_flight = max(self.most_in_flight, len(self._flying))
        flights.now += 1
        flights.most = max(flights.most, flights.now)

    def _expire(self) -> None:
        """Cancel whoever is over time. All have the same patience, so whoever came first is first."""
        deadlines, now = self._deadlines, self._loop.time()
        while deadlines and (deadlines[0].task is None or deadlines[0].intended + self.timeout <= now):
            flight = deadlines.popleft()
            # One that has not started yet finds out by itself that it is too late.
            if flight.task is not None and flight.started is not None:
                flight.expired = True
                flight.task.cancel()
        due = deadlines[0].intended + self.timeout if deadlines else None
        self._reaper = None if due is None else self._loop.call_at(due, self._expire)

    async def _fly(self, user: User, flight: _Flight) -> None:
        try:
            await self._flight(user, flight)
        except BaseException as error:  # noqa: BLE001 - whatever is left is no journey's error
            self._defect(error)

    async def _flight(self, user: User, flight: _Flight) -> None:
        intended = flight.intended
        started = flight.started = self._loop.time()
        outcome, error = Outcome.OK, ""
        try:
            if started - intended >= self.timeout:
                # The user is gone before the engine got to them: its own fault, and the lag shows it.
                outcome, error = (
                    Outcome.FAILED,
                    f"load engine {started - intended:.1f} s late: nothing was sent",
                )
            else:
                outcome, error = await self._attempt(user, flight)
        except asyncio.CancelledError:
            outcome, error = Outcome.UNFINISHED, ""
        ended = self._loop.time()
        flight.task = None
        if flight not in self._flying:
            return  # came back after it was given up
        self._flying.discard(flight)
        self._flights.now -= 1
        self._crowd.give_back(user)
        if outcome is Outcome.UNFINISHED:
            self._record(Sample(self.name, intended, started, None, outcome))
        else:
            self._record(Sample(self.name, intended, started, ended, outcome, error))

    async def _attempt(self, user: User, flight: _Flight) -> tuple[Outcome, str]:
        try:
            await self._run(user)
        except asyncio.CancelledError:
            if self._ending and not flight.expired:
                raise
            if not flight.expired:
                return Outcome.FAILED, "CancelledError"  # the journey's own doing
        except BaseException as error:  # noqa: BLE001 - whatever a journey raises is its failure
            if not (flight.expired and isinstance(error, TimeoutError)):
                self._mistaken(self.name, error)
                return Outcome.FAILED, one_line(error)
        if flight.expired:
            return Outcome.FAILED, f"timeout after {self.timeout:g} s"
        return Outcome.OK, ""
