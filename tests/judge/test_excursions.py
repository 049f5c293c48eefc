"""When a journey was outside its SLO, and since when it is inside for good."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.excursions import Excursion, Excursions, find_excursions
from chaoskit.judge.trace import traces
from chaoskit.system import Slo
from tests.judge.histories import BROWSE, FAST, RATE, SETTINGS, SLO, Rule, during, requests

RISK = SETTINGS.risk(2) / 4


def settled(rule: Rule, end: float = 16.0, slo: Slo = SLO, rate: float = RATE) -> Excursions:
    """Sixteen seconds after lifting at zero; the last arrival is one gap earlier."""
    terms = replace(BROWSE, rate=rate, slo=slo)
    trace = traces([terms], requests(rule, end=end, rate=rate), end)["browse"]
    return find_excursions(trace, 0.0, end - 1 / rate, rate, slo, SETTINGS, RISK)


def test_never_outside() -> None:
    """A journey without a bad request was inside from the start, without a doubt."""
    found = settled(lambda _: None)
    assert (found.excursions, found.since, found.earliest, found.stable) == ((), 0.0, 0.0, True)
    assert (found.doubt, found.clean) == ("", True)


@pytest.mark.parametrize("what", ["503", 1.0])
@pytest.mark.parametrize("length", [2.0, 5.0, 12.0])
def test_an_outage_ends_with_the_first_good_request(what: str | float, length: float) -> None:
    """The estimate of the end of an outage of failures or of slowness is the first good request, and the
    interval around it is a few requests long.
    """
    found = settled(during(0.0, length, what))
    assert (found.since, found.stable) == (length, True)
    assert found.latest is not None
    assert length - 5 / RATE <= found.earliest < length <= found.latest <= length + 5 / RATE + FAST


def test_the_interval_ends_when_a_request_was_answered() -> None:
    """The system is known to work from the answer on, not from when the request was due."""
    quick = settled(during(0.0, 2.0, "503")).latest
    slow = settled(lambda at: "503" if at < 2 else 0.2).latest
    assert quick is not None
    assert slow is not None
    assert slow - quick == pytest.approx(0.2 - FAST)


def test_one_bad_request_decides_nothing() -> None:
    """A single failure after lifting is not an excursion, and not a doubt."""
    found = settled(during(3.0, 3.125, "503"))
    assert (found.excursions, found.doubt, found.clean) == ((), "", False)


def test_a_few_bad_requests_are_a_doubt() -> None:
    """Two failures in a row where 0.5% are allowed are not sure, and not fine either; how long it may
    have been outside is told.
    """
    found = settled(during(3.0, 3.25, "503"))
    assert (found.excursions, found.since) == ((), 0.0)
    assert found.doubt == "2 of 128 requests failed (1.56%), 0.5% allowed"


def test_every_other_request_failing() -> None:
    """Flapping ends after the last failure, within an interval that holds the true end."""
    found = settled(lambda at: "503" if at < 4 and at * RATE % 2 == 0 else None)
    assert found.since is not None
    assert found.latest is not None
    assert found.earliest <= 4.0 <= found.latest
    assert 3.5 <= found.since <= 4.25


def test_a_good_request_within_an_outage_is_not_recovery() -> None:
    """One quick moment among slow ones does not end the outage."""
    found = settled(lambda at: 1.0 if at < 4 and at != 2.0 else None)
    assert (found.excursions, found.since) == ((Excursion(0.0, 4.0),), 4.0)


def test_two_outages() -> None:
    """Outages a stability window apart are two, and it was first stable after the one before."""
    found = settled(lambda at: "503" if at < 1 or 6 <= at < 7 else None)
    assert found.excursions == (Excursion(0.0, 1.0), Excursion(6.0, 7.0))
    assert found.first_stable(3.0) == 1.0


def test_two_outages_close_together_are_one() -> None:
    """Two seconds inside are not a stability window of three."""
    found = settled(lambda at: "503" if at < 1 or 3 <= at < 4 else None)
    assert found.excursions == (Excursion(0.0, 4.0),)


def test_a_late_outage_leaves_the_first_stable_moment_at_the_begin() -> None:
    """A journey that was inside for a stability window and left it then was first stable at once."""
    assert settled(during(5.0, 6.0, "503")).first_stable(3.0) == 0.0


def test_outside_to_the_end() -> None:
    """Without a good request after it an outage has no end."""
    found = settled(during(3.0, 99.0, "503"))
    assert (found.since, found.latest, found.stable) == (None, None, False)


def test_too_short_an_observation_is_not_stable() -> None:
    """Inside, but not for a whole stability window."""
    found = settled(during(0.0, 14.0, "503"))
    assert (found.since, found.stable) == (14.0, False)


def test_silence_is_not_stable() -> None:
    """A journey of which nothing is on record after the first second is not inside its SLO."""
    trace = traces([BROWSE], requests(end=1.0), 16.0)["browse"]
    assert not find_excursions(trace, 0.0, 16.0, RATE, SLO, SETTINGS, RISK).stable


def test_a_share_above_the_budget_is_found_however_thin() -> None:
    """One request in twenty, evenly spread, is in no short window more than chance; together they are."""
    found = settled(lambda at: "503" if at * RATE % 20 == 0 else None, end=128.0)
    assert found.excursions
    assert found.earliest > 100.0


def test_a_stall_within_the_budget_of_a_period_is_no_excursion() -> None:
    """A quarter of a second in which every request is slow is 2.5% of a period of ten seconds, where 5% may
    be slow: neither sure nor doubtful. A whole second is.
    """
    slo = replace(SLO, availability=0.9)
    stall = settled(lambda at: 4.25 - at + 0.3 if 4 <= at < 4.25 else None, rate=64.0, slo=slo)
    assert (stall.excursions, stall.doubt) == ((), "")
    long = settled(lambda at: 5 - at + 0.3 if 4 <= at < 5 else None, rate=64.0, slo=slo)
    assert long.excursions


def test_stalls_that_together_spend_the_budget_are_an_excursion() -> None:
    """A stall in every second is more than a period has room for, though each alone is not."""
    slo = replace(SLO, availability=0.9)
    found = settled(lambda at: 1.0 if at % 1 < 0.125 else None, rate=64.0, slo=slo)
    assert found.excursions


@given(st.integers(4, 100), st.integers(0, 27))
def test_recovery_grows_with_the_outage(eighths: int, more: int) -> None:
    """An outage that lasts longer never recovers earlier, and never before zero."""
    short = settled(during(0.0, eighths / RATE, "503"))
    longer = settled(during(0.0, (eighths + more) / RATE, "503"))
    assert short.since is not None
    assert longer.since is not None
    assert 0.0 <= short.since <= longer.since
    assert short.earliest <= longer.earliest


@given(
    st.lists(st.sampled_from([None, None, None, 1.0, "503"]), min_size=128, max_size=128), st.integers(0, 127)
)
def test_a_worse_request_never_clears_a_journey(fates: list[float | str | None], index: int) -> None:
    """Whatever happened, one more quick request that fails does not turn an excursion into none."""
    slo = replace(SLO, p95=None)
    before = settled(lambda at: fates[int(at * RATE)], slo=slo)
    worse = [*fates[:index], "503", *fates[index + 1 :]]
    after = settled(lambda at: worse[int(at * RATE)], slo=slo)
    assert not before.excursions or after.excursions
