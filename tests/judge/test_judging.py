"""The judge on whole experiments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaoskit.judge import JudgeSettings, Standing, Verdict, judge
from chaoskit.record.history import Acknowledgement, Check, History, Mark
from chaoskit.system import Component, Impact
from tests.judge.histories import (
    API_LOST,
    BROWSE,
    COMPONENTS,
    MAIL_LOST,
    during,
    finding,
    history,
    judged,
    marks,
    requests,
    whole,
)

BUY = replace(BROWSE, name="buy", needs=("api", "db"), ledger=True)
ACCOUNT = replace(BROWSE, name="account", needs=("mail",), uses=())


def test_a_perfect_history_holds() -> None:
    """Every phase has its figures, and nothing was reached."""
    found = whole(history())
    assert (found.verdict, found.findings, found.blast_radius) == (Verdict.HELD, (), ())
    (journey,) = found.journeys
    assert [each.promise for each in journey.findings] == ["steady state", "independence", "recovery"]
    assert {phase: figures.samples for phase, figures in journey.summary.items()} == {
        "control": 48,
        "fault": 52,
        "after": 96,
    }


def test_the_blast_radius_are_the_journeys_that_were_reached() -> None:
    """The blast radius has each journey that certainly left its full SLO, even if it was allowed to."""
    record = History()
    record.add(
        *marks(),
        *requests(),
        *requests(during(7.0, 12.5, "503"), journey="account"),
        *requests(during(12.5, 13.5, "503"), journey="buy"),
    )
    found = whole(record, MAIL_LOST, BROWSE, ACCOUNT, replace(BUY, needs=("mail",), ledger=False))
    assert found.verdict is Verdict.HELD
    assert found.blast_radius == ("account", "buy")
    assert [each.standing for each in found.journeys] == [
        Standing.UNAFFECTED,
        Standing.MAY_FAIL,
        Standing.MAY_FAIL,
    ]


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("landed", "the fault never landed"),
        ("gone", "the lift is not verified"),
        ("control", "no control window"),
        ("inject", "no fault was injected"),
    ],
)
def test_without_a_mark_nothing_is_held(missing: str, reason: str) -> None:
    """No evidence, no verdict: the experiment is UNKNOWN and says why."""
    found = whole(history(without=(missing,)))
    assert found.verdict is Verdict.UNKNOWN
    assert any(reason in each.reason for each in found.findings)


def test_a_fault_that_never_landed_breaks_nothing() -> None:
    """A journey that failed before the fault is UNKNOWN: the fault did not cause the failure."""
    found = whole(history(during(7.0, 9.0, "503"), without=("landed",)))
    assert found.verdict is Verdict.UNKNOWN
    assert found.journeys[0].verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("mark", "reason"),
    [
        (Mark("harness failure", 9.0, {"says": "it hung"}), "an instrument of the harness failed: it hung"),
        (Mark("lapsed", 12.4, {"says": "a key"}), "the fault ended before it was lifted: a key"),
        (Mark("unsteady", 1.0), "the system never reached steady state, so nothing was injected"),
    ],
)
def test_marks_that_spoil_the_experiment(mark: Mark, reason: str) -> None:
    """A fault that lapsed or an instrument that failed turns an apparent HELD into UNKNOWN."""
    record = history()
    record.add(mark)
    found = whole(record)
    assert found.verdict is Verdict.UNKNOWN
    assert [each.reason for each in found.findings] == [reason]
    assert found.journeys[0].verdict is Verdict.HELD


def test_one_broken_journey_breaks_the_experiment() -> None:
    """One broken promise breaks the experiment, even beside an unknown one."""
    record = History()
    record.add(
        *marks(), *requests(during(7.0, 9.0, "503")), *requests(during(1.0, 3.0, "503"), journey="buy")
    )
    found = whole(record, MAIL_LOST, BROWSE, replace(BUY, ledger=False))
    assert [each.verdict for each in found.journeys] == [Verdict.BROKEN, Verdict.UNKNOWN]
    assert found.verdict is Verdict.BROKEN


def test_no_samples_are_never_held() -> None:
    """A history without requests, and a system without journeys, are UNKNOWN."""
    record = History()
    record.add(*marks())
    assert whole(record).verdict is Verdict.UNKNOWN
    assert judge([], COMPONENTS, Impact(), history()).verdict is Verdict.UNKNOWN
    assert judge([BROWSE], COMPONENTS, Impact(), History()).verdict is Verdict.UNKNOWN


def test_the_ledger_is_judged_for_its_own_journey() -> None:
    """A lost order breaks the journey that got it, even one that may fail."""
    record = History()
    record.add(
        *marks(),
        *requests(journey="buy"),
        Acknowledgement("buy", "order", "7", 8.0),
        Acknowledgement("other", "order", "8", 8.0),
        Check("order", "7", False, "404"),
    )
    found = whole(record, API_LOST, BUY).journeys[0]
    assert found.verdict is Verdict.BROKEN
    assert finding(found, "ledger").reason == "1 of 1 acknowledgements are lost: order 7: 404"
    assert finding(found, "ledger").at == 1.5


def test_lost_orders_count_without_steady_state_too() -> None:
    """A lost order stays BROKEN, whatever else makes the experiment UNKNOWN."""
    record = History()
    record.add(*marks(), *requests(during(1, 3, "x"), journey="buy"))
    record.add(Acknowledgement("buy", "order", "7", 8.0), Check("order", "7", False))
    assert whole(record, API_LOST, BUY).verdict is Verdict.BROKEN


def test_a_judge_that_crashes_on_one_journey_spares_the_others() -> None:
    """The journey is UNKNOWN with the error; the others are judged."""
    record = History()
    record.add(*marks(), *requests(), *requests(journey="account"))
    found = whole(record, MAIL_LOST, replace(BROWSE, rate=0.0), ACCOUNT)
    assert [each.verdict for each in found.journeys] == [Verdict.UNKNOWN, Verdict.HELD]
    assert found.journeys[0].findings[0].reason.startswith("the judge failed: ZeroDivisionError")


def test_a_judge_that_crashes_altogether_is_unknown() -> None:
    """Not even nonsense makes it raise."""
    found = judge([BROWSE], [Component("a", "a")], Impact(), None)  # type: ignore[arg-type]
    assert found.verdict is Verdict.UNKNOWN
    assert "the judge failed: AttributeError" in found.findings[0].reason


def test_judging_again_gives_the_same() -> None:
    """A verdict is a function of the record; with other settings it may be another one."""
    record = history(lambda at: "503" if at in (8.0, 9.0, 10.0, 11.0) else None)
    assert whole(record) == whole(record)
    assert whole(record).verdict is Verdict.BROKEN
    assert whole(record, settings=JudgeSettings(stability=3.0, confidence=0.9999)).verdict is Verdict.HELD


def test_a_helper_of_these_tests_agrees_with_the_whole() -> None:
    """``judged`` is the only journey of ``whole``."""
    assert judged() == whole(history()).journeys[0]
