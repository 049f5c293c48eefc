from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice, pairwise, repeat

import httpx
import pytest

from chaoskit.load.driver import Driver, Flights, cap_of
from chaoskit.load.schedule import Schedule
from chaoskit.load.user import Crowd, User
from chaoskit.record.history import Outcome, Sample
from tests.virtualtime import VirtualLoop

Run = Callable[[User], Awaitable[None]]


class Few(Schedule):
    """As many arrivals of a constant schedule as its seed says, and then no more."""

    def arrivals(self, origin: float) -> Iterator[float]:
        """The first arrivals; the rest never comes."""
        yield from islice(super().arrivals(origin), self.seed)
        yield from repeat(math.inf)


class Rig:
    """A driver at a thousand arrivals per second, and what it recorded."""

    def __init__(self, run: Run, *, timeout: float = 5.0, limit: int = 1000, rate: float = 1000) -> None:
        self.samples: list[Sample] = []
        self.errors: list[BaseException] = []
        self.defects: list[BaseException] = []
        self.flights = Flights(limit)
        self.rate = rate
        self.timeout = timeout
        self.run = run

    def make(self, arrivals: int) -> Driver:
        """A driver of so many arrivals."""
        return Driver(
            Few(journey="browse", rate=self.rate, seed=arrivals),
            self.timeout,
            self.run,
            Crowd(10, self.user),
            self.flights,
            self.samples.append,
            self.note_error,
            self.defects.append,
        )

    def note_error(self, journey: str, error: BaseException) -> None:
        """Keep the error of a run."""
        self.errors.append(error)

    def user(self, number: int) -> User:
        """A user who has no system."""
        return User(
            number,
            journey="browse",
            seed=1,
            base_url="http://127.0.0.1:1",
            transport=httpx.AsyncBaseTransport(),
            acknowledged=lambda *acknowledgement: None,
            accessed=lambda *access: None,
        )

    def drive(self, arrivals: int = 20, grace: float = 5.0, late: float = 0.0) -> list[Sample]:
        """Drive that many arrivals. A late load generator begins after some of them were due."""

        async def go() -> None:
            now = asyncio.get_running_loop().time
            self.driver = self.make(arrivals)
            origin = now() - late
            self.driver.begin(origin)
            await asyncio.sleep(max(0.0, origin + arrivals / self.rate - now()))
            self.driver.cease(now())
            await self.driver.drain(now() + grace)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(go())
        assert not self.defects
        return sorted(self.samples, key=lambda sample: sample.intended)


async def fine(user: User) -> None:
    """A run that succeeds."""


async def forever(user: User) -> None:
    """A run that does not end."""
    await asyncio.Event().wait()


def test_each_arrival_is_one_sample_at_its_intended_time() -> None:
    """Samples follow the schedule's times, and nothing starts before it was due."""
    samples = Rig(fine).drive(20)
    assert len(samples) == 20
    for earlier, later in pairwise(samples):
        assert later.intended - earlier.intended == pytest.approx(0.001, abs=1e-6)
    for sample in samples:
        assert sample.outcome is Outcome.OK
        assert sample.started is not None
        assert sample.ended is not None
        assert sample.intended <= sample.started <= sample.ended


def test_a_late_load_generator_launches_all_the_same_and_shows_its_lag() -> None:
    """Arrivals that the load generator was late for count from when they were due."""
    rig = Rig(fine, rate=100)
    samples = rig.drive(20, late=0.2)
    assert len(samples) == 20
    assert samples[0].lag is not None
    assert samples[0].lag > 0.15


def test_a_load_generator_later_than_the_timeout_blames_itself() -> None:
    """If a user gives up before their turn comes, the lag is recorded and nothing is sent."""
    ran: list[User] = []

    async def note(user: User) -> None:
        ran.append(user)

    samples = Rig(note, timeout=0.1, rate=100).drive(10, late=1.0)
    assert not ran
    assert len(samples) == 10
    assert all(sample.error.startswith("load generator") for sample in samples)
    assert all(sample.lag is not None and sample.lag > 0.1 for sample in samples)


def test_the_timeout_counts_from_the_intended_start() -> None:
    """A run that does not end fails and is cancelled when its user gives up."""
    samples = Rig(forever, timeout=0.05).drive(10)
    assert len(samples) == 10
    assert "timeout after 0.05 s" in {sample.error for sample in samples}  # not a late engine alone
    for sample in samples:
        assert sample.outcome is Outcome.FAILED
        assert sample.error == "timeout after 0.05 s"
        assert sample.latency == pytest.approx(0.05, abs=1e-6)


def test_swallowing_the_cancellation_does_not_make_it_a_success() -> None:
    """A journey that catches every exception has still missed its time-out."""

    async def stubborn(user: User) -> None:
        try:
            await asyncio.Event().wait()
        except BaseException:  # noqa: BLE001
            return

    samples = Rig(stubborn, timeout=0.05).drive(5)
    assert {sample.outcome for sample in samples} == {Outcome.FAILED}


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), SystemExit(3), KeyboardInterrupt(), TimeoutError("mine"), asyncio.CancelledError()],
)
def test_any_exception_of_a_journey_is_its_failure(error: BaseException) -> None:
    """No exception of a journey ends the load, not even one that would end a program."""

    async def fail(user: User) -> None:
        raise error

    samples = Rig(fail).drive(5)
    assert [sample.outcome for sample in samples] == [Outcome.FAILED] * 5
    assert all(sample.error.startswith(type(error).__name__) for sample in samples)


def test_the_limit_is_for_all_journeys_together() -> None:
    """Arrivals beyond the limit are never sent, and a run that ends makes room again."""
    rig = Rig(forever, limit=4)
    samples = rig.drive(12, grace=0.0)
    outcomes = [sample.outcome for sample in samples]
    assert outcomes == [Outcome.UNFINISHED] * 4 + [Outcome.NEVER_SENT] * 8
    assert rig.flights.most == rig.driver.most_in_flight == 4
    assert rig.flights.now == 0


def test_a_run_that_cannot_be_stopped_is_left_behind() -> None:
    """A journey that swallows its cancellation neither delays the end nor counts twice."""

    async def immortal(user: User) -> None:
        for _ in range(2):  # the second one is the loop's own, at its end
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    rig = Rig(immortal, limit=1)
    samples = rig.drive(3, grace=0.0)
    assert [sample.outcome for sample in samples].count(Outcome.UNFINISHED) == 1
    assert samples[0].started is not None


def test_a_defect_of_the_driver_is_reported() -> None:
    """An error of the driver itself is never taken for an error of the system."""

    async def fail(user: User) -> None:
        raise ValueError

    class Broken(Rig):
        def note_error(self, journey: str, error: BaseException) -> None:
            raise RuntimeError("a defect")

    rig = Broken(fail)
    with pytest.raises(AssertionError):
        rig.drive(1, grace=0.1)
    assert [str(each) for each in rig.defects] == ["a defect"]


def test_a_constant_schedule_never_meets_its_own_cap() -> None:
    """By Little's law a journey whose every run times out has rate x timeout runs in flight."""
    assert cap_of(50, 10) > 500
    assert cap_of(0.1, 1) >= 10
    rig = Rig(forever, timeout=0.05)
    samples = rig.drive(1000)
    assert {sample.outcome for sample in samples} == {Outcome.FAILED}
    assert rig.driver.most_in_flight == pytest.approx(1000 * 0.05, abs=1)
