"""When a journey was outside its SLO, and since when it is inside for good."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chaoskit.judge.excursions import Excursion, Excursions, find_excursions
from chaoskit.judge.trace import traces
from tests.judge.histories import BROWSE, RATE, SETTINGS, SLO, Rule, during, requests


def settled(rule: Rule, end: float = 16.0) -> Excursions:
    """Sixteen seconds after lifting at zero; the last arrival is an eighth of a second earlier."""
    trace = traces([BROWSE], requests(rule, end=end), end)["browse"]
    return find_excursions(trace, 0.0, end - 1 / RATE, RATE, SLO, SETTINGS)


def test_never_outside() -> None:
    """A journey that was never disturbed is inside from the begin, to within one request."""
    assert settled(lambda _: None) == Excursions(0.0, (), 0.0, 1 / RATE, stable=True)


@pytest.mark.parametrize("what", ["503", 1.0])
@pytest.mark.parametrize("length", [0.5, 1.0, 2.0, 5.0, 12.0])
def test_an_outage_ends_with_the_first_good_request(what: str | float, length: float) -> None:
    """Outages of failures and of slowness are measured to within the gap between two requests."""
    found = settled(during(0.0, length, what))
    assert (found.since, found.resolution, found.stable) == (length, 1 / RATE, True)


def test_one_bad_request_decides_nothing() -> None:
    """A single failure after lifting is no excursion."""
    assert settled(during(3.0, 3.125, "503")).excursions == ()


def test_every_other_request_failing() -> None:
    """Flapping ends with the last failure, at most one tolerated failure early."""
    found = settled(lambda at: "503" if at < 4 and at * RATE % 2 == 0 else None)
    assert found.since is not None
    assert 3.5 <= found.since <= 4.0


def test_a_good_request_within_an_outage_is_not_recovery() -> None:
    """One slow-free moment among slow ones does not end the outage."""
    found = settled(lambda at: 1.0 if at < 4 and at != 2.0 else None)
    assert (found.excursions, found.since) == ((Excursion(0.0, 4.0),), 4.0)


def test_two_outages() -> None:
    """Outages a stability window apart are two, and it was first stable after the one before."""
    found = settled(lambda at: "503" if at < 1 or 6 <= at < 7 else None)
    assert found.excursions == (Excursion(0.0, 1.0), Excursion(6.0, 7.0))
    assert found.first_stable(3.0) == 1.0


def test_two_outages_close_together_are_one() -> None:
    """Two seconds inside are no stability window of three."""
    found = settled(lambda at: "503" if at < 1 or 3 <= at < 4 else None)
    assert found.excursions == (Excursion(0.0, 4.0),)


def test_a_late_outage_leaves_the_first_stable_moment_at_the_begin() -> None:
    """What was inside for a stability window and left it then was first stable at once."""
    assert settled(during(5.0, 6.0, "503")).first_stable(3.0) == 0.0


def test_outside_to_the_end() -> None:
    """Without a good request after it an outage has no end."""
    found = settled(during(3.0, 99.0, "503"))
    assert (found.since, found.stable) == (None, False)


def test_too_short_an_observation_is_not_stable() -> None:
    """Inside, but not for a whole stability window."""
    found = settled(during(0.0, 14.0, "503"))
    assert (found.since, found.stable) == (14.0, False)


def test_two_failures_near_the_end() -> None:
    """They are too far apart for a short window and too late for a double one; the stability window
    has them both.
    """
    assert settled(lambda at: "503" if at in (14.5, 15.75) else None).excursions == (Excursion(14.5, 14.625),)


def test_silence_is_not_stable() -> None:
    """A journey of which nothing is on record after the first second is not inside its SLO."""
    trace = traces([BROWSE], requests(end=1.0), 16.0)["browse"]
    assert not find_excursions(trace, 0.0, 16.0, RATE, SLO, SETTINGS).stable


def test_a_share_a_little_above_the_budget_is_found_in_longer_windows() -> None:
    """Three failures in a hundred, evenly spread, are in no short window more than chance."""
    found = settled(lambda at: "503" if at * RATE % 33 == 0 else None, end=128.0)
    assert found.excursions


@given(st.integers(0, 100), st.integers(0, 27))
def test_recovery_grows_with_the_outage(eighths: int, more: int) -> None:
    """An outage that lasts longer never recovers earlier, and never before zero."""
    short = settled(during(0.0, eighths / RATE, "503")).since
    longer = settled(during(0.0, (eighths + more) / RATE, "503")).since
    assert short is not None
    assert longer is not None
    assert 0.0 <= short <= longer


@given(
    st.lists(st.sampled_from([None, None, None, 1.0, "503"]), min_size=128, max_size=128), st.integers(0, 127)
)
@example([None] * 64 + [1.0] * 63 + [None], 127)  # the last good request turns bad: from late to never
def test_a_worse_request_never_makes_recovery_earlier(fates: list[float | str | None], index: int) -> None:
    """Whatever happened, one more quick request that turns bad does not move recovery forward."""
    before = recovered(settled(lambda at: fates[int(at * RATE)]))
    worse = [*fates[:index], fates[index] or 1.0, *fates[index + 1 :]]
    after = recovered(settled(lambda at: worse[int(at * RATE)]))
    assert before <= after


def recovered(found: Excursions) -> float:
    """Since when it is inside for good; infinity for never. Zero is at once, and not never."""
    return math.inf if found.since is None else found.since
