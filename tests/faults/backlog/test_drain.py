"""Whether a queue drained in time, decided by its readings alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.clients.queues import CallableQueue
from chaoskit.faults.backlog.drain import SHALLOW_SECONDS, Drain, Gauge
from chaoskit.runtime.memory import MemoryRuntime

Reading = tuple[float, int]

SHALLOW, WITHIN, LIFT = 2, 3.0, 10.0

STEPS = st.lists(st.tuples(st.integers(1, 10), st.integers(0, 5)), min_size=1, max_size=80)
"""(tenths of a second since the last reading, depth); never more than a second apart."""


def readings(steps: Sequence[tuple[int, int]], begin: float) -> list[Reading]:
    """The readings of the steps, from ``begin`` on."""
    made, tenths = [], round(begin * 10)
    for step, depth in steps:
        tenths += step
        made.append((tenths / 10, depth))
    return made


def brute_force(seen: Sequence[Reading]) -> bool | None:
    """Whether the queue drained in time, found by looking at every stretch of shallow readings."""
    stretches: list[list[float]] = [[]]
    for at, depth in seen:
        if depth > SHALLOW:
            stretches.append([])
        else:
            stretches[-1].append(at)
    for times in stretches:
        if times and times[-1] - max(times[0], LIFT) >= SHALLOW_SECONDS:
            return times[0] - LIFT <= WITHIN
    open_end = stretches[-1]
    if not open_end:
        return False if seen[-1][0] - LIFT > WITHIN else None
    return None if open_end[0] - LIFT <= WITHIN else False


@given(STEPS, STEPS)
def test_the_answer_is_that_of_brute_force(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    """Drained means shallow for a whole second that began in time, whatever was read before the lift."""
    drain = Drain(SHALLOW, WITHIN)
    # The first reading is deep: a fault that has landed.
    seen = [(0.0, 9), *(each for each in readings(before, 0.0) if each[0] < LIFT)]
    for at, depth in seen:
        drain.see(at, depth)
    last = seen[-1][0]
    if LIFT - last > 1.0:  # the lift looks once more just before, too
        seen.append((LIFT, seen[-1][1]))
        drain.see(*seen[-1])
    drain.lift(LIFT)
    decided: bool | None = None
    for at, depth in readings(after, LIFT):
        seen.append((at, depth))
        drain.see(at, depth)
        kept = drain.obligation(at).kept
        assert kept == brute_force(seen)
        assert decided in (None, kept), "what was decided has changed"
        decided = kept


@given(STEPS)
def test_the_peak_is_the_deepest_reading(steps: list[tuple[int, int]]) -> None:
    """The figures hold the deepest reading and the last one."""
    drain = Drain(SHALLOW, WITHIN)
    seen = readings(steps, 0.0)
    for at, depth in seen:
        drain.see(at, depth)
    figures = drain.obligation(seen[-1][0]).figures
    assert figures["peak"] == max(depth for _, depth in seen)
    assert figures["depth"] == seen[-1][1]


def test_the_time_counts_from_the_lift() -> None:
    """A queue that drained before the lift took no time after it."""
    drain = Drain(SHALLOW, WITHIN)
    drain.see(1.0, 50, 0.4)
    drain.see(2.0, 0)
    drain.lift(5.0)
    assert drain.obligation(5.0).kept is None
    drain.see(6.0, 1)
    owed = drain.obligation(6.0)
    assert owed.kept
    assert (owed.figures["seconds"], owed.figures["oldest_at_peak"]) == (0.0, 0.4)


def test_without_a_reading_in_time_it_is_undecided() -> None:
    """Deep before the deadline, shallow long after it, no reading in between: neither kept nor broken."""
    drain = Drain(SHALLOW, WITHIN)
    drain.see(9.9, 50)
    drain.lift(LIFT)
    drain.see(30.0, 0)
    drain.see(32.0, 0)
    assert drain.obligation(32.0).kept is None


def test_one_shallow_reading_decides_nothing() -> None:
    """A queue that is empty between two jobs has not drained."""
    drain = Drain(SHALLOW, WITHIN)
    drain.lift(LIFT)
    for tenth in range(100):
        drain.see(LIFT + tenth / 10, 0 if tenth % 10 == 5 else 40)
    owed = drain.obligation(20.0)
    assert owed.kept is False
    assert "40 left 10.0 s after the lift, at most 2 allowed within 3 s" in owed.says


class Scene:
    """A queue of a given depth, and a gauge that reads it fast."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Gauge, "INTERVAL_SECONDS", 0.001)
        self.runtime = MemoryRuntime(["queue"])
        self.depth, self.broken, self.reads = 10, False, 0
        queue = CallableQueue("queue", depth=self.read, oldest=lambda runtime: 1.5)
        self.gauge = Gauge(queue, self.runtime, Drain(SHALLOW, WITHIN))

    def read(self, runtime: object) -> int:
        """The depth, or an error as the functions of a test may raise it."""
        self.reads += 1
        if self.broken:
            raise ZeroDivisionError("no\nqueue")
        return self.depth

    def until_read(self, more: int = 2) -> None:
        """Wait for readings."""
        wanted, end = self.reads + more, time.monotonic() + 5
        while self.reads < wanted and self.running:
            assert time.monotonic() < end
            time.sleep(0.001)

    @property
    def running(self) -> bool:
        """Whether the gauge's thread runs."""
        return any(each is self.gauge._thread for each in threading.enumerate())

    def until_over(self) -> None:
        """Wait for the gauge to end."""
        self.gauge._thread.join(5.0)
        assert not self.running


def test_a_gauge_ends_when_the_queue_has_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gauge reads until nothing more can change, and knows when the queue had drained."""
    scene = Scene(monkeypatch)
    scene.gauge.start()
    scene.until_read()
    scene.gauge.lift(scene.runtime.clock.now())
    scene.runtime.clock.sleep(1.0)
    scene.depth = 0
    scene.until_read()
    scene.runtime.clock.sleep(SHALLOW_SECONDS)
    scene.until_over()
    owed = scene.gauge.obligation()
    assert owed.kept
    assert (owed.figures["seconds"], owed.figures["oldest_at_peak"]) == (1.0, 1.5)


def test_a_gauge_survives_what_a_test_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable queue is undecided, and says why; the gauge still ends after the deadline."""
    scene = Scene(monkeypatch)
    scene.broken = True
    scene.gauge.start()
    scene.until_read()
    scene.gauge.lift(scene.runtime.clock.now())
    scene.runtime.clock.sleep(100.0)
    scene.until_over()
    owed = scene.gauge.obligation()
    assert owed.kept is None
    assert owed.says.endswith("the queue could not be read: no queue")
