from __future__ import annotations

import json
import math
from itertools import islice, pairwise, takewhile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chaoskit.record import journal
from chaoskit.system.arrivals import STEADY, Course, ramp, steps
from chaoskit.system.terms import Slo, Terms

FACTORS = st.floats(min_value=0.05, max_value=20)
GAPS = st.one_of(st.just(0.0), st.floats(min_value=0.01, max_value=30))


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Ramps, jumps and level stretches in any order."""
    at, knots = 0.0, []
    for gap, factor in draw(st.lists(st.tuples(GAPS, FACTORS), min_size=1, max_size=6)):
        at += gap
        knots.append((at, factor))
    return Course(tuple(knots))


def factor(course: Course, at: float) -> float:
    """The factor just after a moment, by the definition."""
    later = [knot for knot in course.knots if knot[0] > at]
    earlier = [knot for knot in course.knots if knot[0] <= at]
    if not earlier:
        return later[0][1]
    if not later:
        return earlier[-1][1]
    (low, first), (high, last) = earlier[-1], later[0]
    return first + (last - first) * (at - low) / (high - low)


@given(courses(), st.floats(min_value=0, max_value=100), st.floats(min_value=0, max_value=100))
def test_the_area_is_that_under_the_curve(course: Course, start: float, length: float) -> None:
    """The arrivals due in a window are the curve's integral, as a sum of small steps gives it."""
    parts = 400
    edges = sorted({start, start + length, *(at for at, _ in course.knots if start < at < start + length)})
    summed = 0.0
    for low, high in pairwise(edges):
        width = (high - low) / parts
        summed += sum(factor(course, low + (n + 0.5) * width) for n in range(parts)) * width
    assert course.area(start, start + length) == pytest.approx(summed, rel=1e-3, abs=1e-6)


@given(courses(), st.lists(st.floats(min_value=0, max_value=500), max_size=20))
def test_moments_are_the_inverse_of_the_area(course: Course, areas: list[float]) -> None:
    """Each user arrives when the area reaches the user's number."""
    wanted = sorted(areas)
    found = list(course.moments(wanted))
    assert found == sorted(found)
    for area, moment in zip(wanted, found, strict=True):
        assert course.area(0.0, moment) == pytest.approx(area, rel=1e-6, abs=1e-6)


@given(courses(), st.floats(min_value=0, max_value=60), st.floats(min_value=0, max_value=60))
def test_the_least_is_the_lowest_factor_of_a_window(course: Course, start: float, length: float) -> None:
    """No moment of a window has a factor below its lowest or above the highest of the course."""
    assume(all(abs(at - edge) > 1e-6 for at, _ in course.knots for edge in (start, start + length)))
    seen = [factor(course, start + length * n / 50) for n in range(51)]
    assert course.lowest(start, start + length) <= min(seen) + 1e-9
    assert max(seen) <= course.highest + 1e-9
    assert course.lowest(start, start) == pytest.approx(factor(course, start))


def test_ramps_and_steps_are_what_they_say() -> None:
    """A ramp passes through every rate between its ends; steps take only the given rates."""
    grows = ramp(to=3.0, over=10.0, after=5.0)
    assert [factor(grows, at) for at in (0, 5, 10, 15, 99)] == [1, 1, 2, 3, 3]
    jumps = steps((10.0, 2.0), (20.0, 0.5))
    assert [factor(jumps, at) for at in (0, 9.9, 10, 19.9, 20, 99)] == [1, 1, 2, 2, 0.5, 0.5]
    assert STEADY.steady
    assert not grows.steady


@pytest.mark.parametrize(
    ("course", "says"),
    [
        (Course(()), "no knots"),
        (ramp(to=0.0, over=1.0), "above zero"),
        (Course(((-1.0, 1.0),)), "not a time"),
        (Course(((2.0, 1.0), (1.0, 1.0))), "order of time"),
        (ramp(to=math.nan, over=1.0), "above zero"),
    ],
)
def test_impossible_courses_are_mistakes(course: Course, says: str) -> None:
    """A course that no load could follow is reported in words before anything starts."""
    assert any(says in text for text in course.mistakes())
    assert not ramp(to=2.0, over=0.0).mistakes()


def test_terms_know_what_is_due() -> None:
    """The judge's expectation follows the course, and the journal gives the course back."""
    terms = Terms(name="buy", rate=10.0, slo=Slo(), pattern="poisson", course=steps((5.0, 3.0)))
    assert terms.due(0.0, 10.0) == 10.0 * 5 + 30.0 * 5
    assert (terms.slowest(0.0), terms.slowest(6.0)) == (10.0, 30.0)
    record = journal.terms_to_record(terms)
    assert journal.terms_from_record(json.loads(json.dumps(record))) == terms
    old = record.copy()
    del old["pattern"], old["course"]
    assert journal.terms_from_record(old).course == STEADY


def test_moments_go_on_for_ever() -> None:
    """After its last knot a course keeps its rate."""
    course = steps((1.0, 2.0))
    found = list(islice(course.moments(n / 1.0 for n in range(1, 10_000)), 9_999))
    assert found[-1] == pytest.approx(1.0 + 9_998 / 2.0)
    assert len(list(takewhile(lambda at: at <= 1.0, found))) == 1
