"""Launches one journey on schedule and records how each run went."""

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

LAUNCHES_PER_TURN = 32
"""Runs that a late load generator launches before it lets the event loop do anything else."""


CLEAN_UP_WITHIN = 0.2
"""Seconds that a cancelled run has to end."""


@dataclass(slots=True)
class Flights:
    """The runs in flight, over all journeys.

    Attributes:
        limit: how many are allowed.
        now: how many there are now.
        most: the highest number so far.
    """

    limit: int
    now: int = 0
    most: int = 0


@dataclass(slots=True, eq=False)
class _Flight:
    """One run.

    Attributes:
        intended: when it was due.
        task: runs it; ``None`` once it is over.
        started: when it really started; ``None`` until then.
        expired: whether its user has given up.
    """

    intended: float
    task: asyncio.Task[None] | None = None
    started: float | None = None
    expired: bool = False


def cap_of(rate: float, timeout: float) -> int:
    """The most runs of one journey that may be in flight.

    By Little's law a constant schedule never has more than ``rate * timeout``. A Poisson schedule
    exceeds that by more than four standard deviations once in 30,000 times.
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
        on_error: called with the journey's name and each exception that a run raises.
        on_defect: called with an exception of this driver's own code.
    """

    def __init__(
        self,
        schedule: Schedule,
        timeout: float,
        run: Callable[[User], Awaitable[None]],
        crowd: Crowd,
        flights: Flights,
        record: Callable[[Sample], None],
        on_error: Callable[[str, BaseException], None],
        on_defect: Callable[[BaseException], None],
    ) -> None:
        self.name = schedule.journey
        self.timeout = timeout
        self.most_in_flight = 0
        self._schedule = schedule
        self._run = run
        self._crowd = crowd
        self._flights = flights
        self._record = record
        self._on_error = on_error
        self._on_defect = on_defect
        self._cap = cap_of(schedule.most / schedule.share[1], timeout)
        self._flying: set[_Flight] = set()
        self._deadlines: deque[_Flight] = deque()
        self._reaper: asyncio.TimerHandle | None = None
        self._arrivals: Iterator[float] = iter(())
        self._due = math.inf
        self._timer: asyncio.Handle | None = None
        self._ending = False

    def begin(self, origin: float) -> None:
        """Start the schedule: arrivals are due from ``origin`` on."""
        self._loop = asyncio.get_running_loop()
        self._arrivals = self._schedule.arrivals(origin)
        self._due = next(self._arrivals)
        self._timer = self._loop.call_at(self._due, self._launch)

    def cease(self, at: float) -> None:
        """End the schedule: launch what was due by ``at`` and is not launched yet, and nothing after it."""
        if self._timer:
            self._timer.cancel()
        while self._due <= at:
            self._arrive(self._due)
            self._due = next(self._arrivals)

    async def drain(self, until: float) -> None:
        """Wait for the runs in flight. Those that have not ended at ``until`` are UNFINISHED."""
        left = max(0.0, until - self._loop.time())
        if self._flying:
            await asyncio.wait(self._tasks(), timeout=left)
        self._ending = True
        if self._reaper is not None:
            self._reaper.cancel()
        for task in self._tasks():
            task.cancel()
        if self._flying:
            # Each gets a moment to clean up. A journey that swallows its cancellation is left behind.
            await asyncio.wait(self._tasks(), timeout=CLEAN_UP_WITHIN)
        for flight in self._flying:
            self._record(Sample(self.name, flight.intended, flight.started, None, Outcome.UNFINISHED))
        self._flying.clear()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [flight.task for flight in self._flying if flight.task is not None]

    def _launch(self) -> None:
        for _ in range(LAUNCHES_PER_TURN):
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
        """Cancel the runs that are over time. All have the same time-out, so the oldest expires first."""
        deadlines, now = self._deadlines, self._loop.time()
        while deadlines and (deadlines[0].task is None or deadlines[0].intended + self.timeout <= now):
            flight = deadlines.popleft()
            # A run that has not started yet finds out by itself that it is too late.
            if flight.task is not None and flight.started is not None:
                flight.expired = True
                flight.task.cancel()
        due = deadlines[0].intended + self.timeout if deadlines else None
        self._reaper = None if due is None else self._loop.call_at(due, self._expire)

    async def _fly(self, user: User, flight: _Flight) -> None:
        try:
            await self._flight(user, flight)
        except BaseException as error:  # noqa: BLE001 - an error that reaches this place is the driver's own
            self._on_defect(error)

    async def _flight(self, user: User, flight: _Flight) -> None:
        intended = flight.intended
        started = flight.started = self._loop.time()
        outcome, error = Outcome.OK, ""
        try:
            if started - intended >= self.timeout:
                # The user gave up before the load generator got to them. That is its own fault, and the
                # lag shows it.
                outcome = Outcome.FAILED
                error = f"load generator {started - intended:.1f} s late: nothing was sent"
            else:
                outcome, error = await self._attempt(user, flight)
        except asyncio.CancelledError:
            outcome, error = Outcome.UNFINISHED, ""
        ended = self._loop.time()
        flight.task = None
        if flight not in self._flying:
            return  # it ended after it had been left behind
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
                return Outcome.FAILED, "CancelledError"  # raised by the journey itself
        except BaseException as error:  # noqa: BLE001 - any exception of a journey is its failure
            if not (flight.expired and isinstance(error, TimeoutError)):
                self._on_error(self.name, error)
                return Outcome.FAILED, one_line(error)
        if flight.expired:
            return Outcome.FAILED, f"timeout after {self.timeout:g} s"
        return Outcome.OK, ""
