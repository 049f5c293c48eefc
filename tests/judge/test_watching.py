"""How long the harness goes on watching."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaoskit.judge import JudgeSettings, Outlook, outlook, pending, recovered
from chaoskit.record.history import History, Mark
from tests.judge.histories import BROWSE, SLO, Rule, during, ok, requests

SETTINGS = JudgeSettings()
AT_20 = replace(BROWSE, rate=20.0, slo=replace(SLO, p95=None))


def seen(rule: Rule, now: float, settings: JudgeSettings = SETTINGS) -> Outlook:
    """What there is to wait for at ``now``, with requests at 20/s since 0 s."""
    record = History()
    record.add(*(each for each in requests(rule, end=now, rate=20.0) if each.ended and each.ended <= now))
    return outlook([AT_20], record, 0.0, now, settings)


@pytest.mark.parametrize(("now", "expected"), [(15.0, Outlook.OPEN), (16.5, Outlook.INSIDE)])
def test_calm_is_believed_after_patience(now: float, expected: Outlook) -> None:
    """With no bad request at all, fifteen seconds are enough (and one for the last ones to end)."""
    assert seen(lambda _: None, now) is expected


def test_one_bad_request_is_watched_until_four_times_the_budget_is_excluded() -> None:
    """At 0.5% it takes 396 requests, twenty seconds, to exclude 2% with one failure among them."""
    assert seen(during(2.0, 2.05, "503"), 20.0) is Outlook.OPEN
    assert seen(during(2.0, 2.05, "503"), 21.5) is Outlook.INSIDE


def test_a_share_that_stays_too_high_is_never_calm() -> None:
    """One request in fifty fails for ever: no moment is calm enough to stop, and in the end it is outside."""
    rule: Rule = lambda at: "503" if round(at * 20) % 50 == 7 else None  # noqa: E731
    assert {seen(rule, now) for now in (7.0, 15.0, 25.0, 35.0)} == {Outlook.OPEN}
    assert seen(rule, SLO.recovery + SETTINGS.doubt + AT_20.timeout + 1.0) is Outlook.OUTSIDE


def test_nothing_is_waited_for_that_cannot_change() -> None:
    """A journey that is still outside long after its deadline is not watched until the limit."""
    assert seen(lambda _: "503", 9.0) is Outlook.OPEN
    assert seen(lambda _: "503", 17.0) is Outlook.OUTSIDE


@pytest.mark.parametrize("rate", [8.0, 70.0, 100.0, 500.0])
@pytest.mark.parametrize("late", [0.0, 0.03, 0.5])
def test_a_look_that_began_before_the_load_misses_nothing(rate: float, late: float) -> None:
    """The warm-up begins before the schedule's origin; arrivals that were never due are not missed."""
    terms = replace(BROWSE, rate=rate)
    record = History()
    record.add(Mark("begin", late), *(ok(late + index / rate) for index in range(int(6 * rate))))
    assert recovered([terms], record, 0.0, late + 6.0, SETTINGS.brief(3.0))


def test_what_is_waited_for_is_told() -> None:
    """Each journey that is not inside says why, with its figures."""
    record = History()
    record.add(*requests(end=2.0), *requests(lambda _: "503", end=9.0, journey="buy"))
    buy, quiet = replace(BROWSE, name="buy"), replace(BROWSE, name="quiet")
    brief = SETTINGS.brief(3.0)
    assert pending([buy, quiet], record, 0.0, 9.0, brief) == (
        "buy: outside its SLO",
        "quiet: inside its SLO for 8 s with 0 requests; 3 s are needed",
    )
    assert pending([BROWSE], record, 0.0, 9.0, brief) == (
        "browse: 48 of the 64 requests that were due have not ended",
    )


def test_without_journeys_there_is_nothing_to_be_inside() -> None:
    """An empty system is never recovered."""
    assert outlook([], History(), 0.0, 100.0) is Outlook.OUTSIDE
