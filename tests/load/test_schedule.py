from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.load.schedule import Schedule
from chaoskit.system.arrivals import Course, Pattern, ramp
from tests.system.test_arrivals import courses

RATES = st.floats(min_value=0.01, max_value=5000)
PATTERNS = st.sampled_from(["constant", "poisson"])
SEEDS = st.integers(min_value=0, max_value=2**64)


@given(rate=RATES, seed=SEEDS, origin=st.floats(min_value=0, max_value=1e7))
def test_constant_arrivals_are_evenly_spaced(rate: float, seed: int, origin: float) -> None:
    """The first arrival comes within the first gap, and each next one a gap later, without drift."""
    schedule = Schedule(journey="browse", rate=rate, seed=seed)
    arrivals = list(islice(schedule.arrivals(origin), 1000))
    gap = 1 / rate
    assert origin <= arrivals[0] < origin + gap + 1e-8
    assert arrivals[-1] - arrivals[0] == pytest.approx(999 * gap, rel=1e-6, abs=1e-6)


@given(
    rate=st.floats(min_value=0.1, max_value=500),
    seed=SEEDS,
    until=st.floats(min_value=0, max_value=5),
    pattern=st.sampled_from(["constant", "poisson"]),
)
def test_counting_is_launching(rate: float, seed: int, until: float, pattern: Pattern) -> None:
    """The harness counts exactly the arrivals that the load process launches, the last moment included."""
    schedule = Schedule(journey="browse", rate=rate, seed=seed, pattern=pattern)
    launched = 0
    for due in schedule.arrivals(100.0):
        if due > 100.0 + until:
            break
        launched += 1
    assert schedule.count(100.0, 100.0 + until) == launched
    last = next(iter(schedule.arrivals(100.0)))
    assert schedule.count(100.0, last) == 1


@pytest.mark.parametrize("pattern", ["constant", "poisson"])
def test_a_seed_gives_one_schedule(pattern: Pattern) -> None:
    """The same seed gives the same arrivals, another seed or journey gives others."""

    def first(journey: str, seed: int) -> list[float]:
        schedule = Schedule(journey=journey, rate=10, seed=seed, pattern=pattern)
        return list(islice(schedule.arrivals(0.0), 5))

    assert first("browse", 1) == first("browse", 1)
    assert first("browse", 1) != first("browse", 2)
    assert first("browse", 1) != first("buy", 1)


def test_poisson_arrivals_are_as_of_independent_users() -> None:
    """Gaps have the mean of the rate and, as exponential ones do, a deviation as large as the mean."""
    schedule = Schedule(journey="browse", rate=50, seed=7, pattern="poisson")
    gaps = [later - earlier for earlier, later in pairwise(islice(schedule.arrivals(0.0), 20_001))]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(1 / 50, rel=0.03)
    assert deviation == pytest.approx(mean, rel=0.03)


@given(
    rate=st.floats(min_value=0.1, max_value=500),
    seed=SEEDS,
    pattern=PATTERNS,
    course=courses(),
    of=st.integers(min_value=1, max_value=5),
)
def test_shares_make_up_the_whole(rate: float, seed: int, pattern: Pattern, course: Course, of: int) -> None:
    """However many processes share a schedule, each arrival is launched by one of them, at its time."""
    whole = Schedule(journey="buy", rate=rate, seed=seed, pattern=pattern, course=course)
    shares = [replace(whole, share=(number, of)) for number in range(of)]
    together = [arrival for share in shares for arrival in islice(share.arrivals(7.0), 20)]
    assert sorted(together) == list(islice(whole.arrivals(7.0), 20 * of))
    assert sum(share.count(7.0, 9.0) for share in shares) == whole.count(7.0, 9.0)


@given(rate=st.floats(min_value=1, max_value=500), seed=SEEDS, course=courses())
def test_arrivals_follow_the_course(rate: float, seed: int, course: Course) -> None:
    """In any period as many users arrive as the course says, give or take one."""
    schedule = Schedule(journey="buy", rate=rate, seed=seed, course=course)
    for until in (0.5, 3.0, 8.0):
        assert abs(schedule.count(0.0, until) - rate * course.area(0.0, until)) <= 1 + 1e-6


def test_poisson_arrivals_follow_the_course_on_average() -> None:
    """Independent users also arrive as often as the course says, within four standard deviations."""
    course = ramp(to=5.0, over=10.0)
    schedule = Schedule(journey="buy", rate=100, seed=3, pattern="poisson", course=course)
    for start, end in ((0.0, 5.0), (5.0, 10.0), (10.0, 15.0)):
        due = 100 * course.area(start, end)
        came = schedule.count(0.0, end) - schedule.count(0.0, start)
        assert abs(came - due) < 4 * due**0.5
