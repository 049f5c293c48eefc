"""Nothing acknowledged is lost."""

from __future__ import annotations

from collections.abc import Iterable

from chaoskit.judge import Finding, Verdict
from chaoskit.judge.ledger import judge_ledger
from chaoskit.record.history import Acknowledgement, Check


def acknowledged(*ids: str) -> list[Acknowledgement]:
    """Orders, acknowledged a second apart from 10 s on."""
    return [Acknowledgement("buy", "order", id_, 10.0 + index) for index, id_ in enumerate(ids)]


def judged(given: Iterable[Acknowledgement], checks: Iterable[Check], successes: int = 100) -> list[Finding]:
    """The findings, for a fault that landed at 11 s."""
    return judge_ledger("buy", given, checks, successes, 11.0)


def test_all_kept() -> None:
    """Every order is still there."""
    (found,) = judged(acknowledged("1", "2"), [Check("order", "1", True), Check("order", "2", True)])
    assert (found.verdict, found.reason) == (Verdict.HELD, "all 2 acknowledgements are kept")


def test_one_lost_order_breaks_the_promise() -> None:
    """One lost order breaks; up to five are named, with the error and when the first was acknowledged."""
    ids = [str(n) for n in range(1, 8)]
    (found,) = judged(acknowledged(*ids), [Check("order", id_, False, "404") for id_ in ids])
    assert (found.verdict, found.at) == (Verdict.BROKEN, -1.0)
    assert found.reason == (
        "7 of 7 acknowledgements are lost: order 1, order 2, order 3, order 4, order 5, …: 404"
    )


def test_what_could_not_be_checked_is_unknown() -> None:
    """A check without an answer differs from an acknowledgement without a check; neither is a pass."""
    (found,) = judged(
        acknowledged("1", "2", "3"), [Check("order", "1", True), Check("order", "2", None, "timeout")]
    )
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == (
        "1 of 3 acknowledgements could not be checked: order 2: timeout; "
        "1 of 3 acknowledgements were not checked: order 3"
    )
    assert (found.figures["kept"], found.figures["unknown"], found.figures["unchecked"]) == (1, 1, 1)


def test_a_loss_outweighs_what_is_unknown() -> None:
    """One lost, one unchecked: broken."""
    (found,) = judged(acknowledged("1", "2"), [Check("order", "1", False)])
    assert found.verdict is Verdict.BROKEN


def test_a_loss_is_a_loss_though_another_check_found_it() -> None:
    """An order that was missing once is lost, whatever a later check finds."""
    (found,) = judged(acknowledged("1"), [Check("order", "1", False), Check("order", "1", True)])
    assert (found.figures["broken"], found.figures["kept"]) == (1, 0)


def test_checked_again_with_an_answer() -> None:
    """A check that failed to find out is settled by one that did, in either order."""
    checks = [Check("order", "1", None), Check("order", "1", True)]
    assert judged(acknowledged("1"), checks)[0].verdict is Verdict.HELD
    assert judged(acknowledged("1"), reversed(checks))[0].verdict is Verdict.HELD


def test_a_journey_that_acknowledges_nothing() -> None:
    """Successes without acknowledgements are UNKNOWN; without successes there is no finding."""
    (found,) = judged([], [])
    assert found.verdict is Verdict.UNKNOWN
    assert judged([], [], successes=0) == []


def test_an_id_that_was_given_twice() -> None:
    """Two users with one order: a second finding, UNKNOWN since the journey itself may repeat it."""
    given = [Acknowledgement("buy", "order", "1", 10.0), Acknowledgement("buy", "order", "1", 12.0)]
    held, twice = judged(given, [Check("order", "1", True)])
    assert (held.verdict, twice.verdict) == (Verdict.HELD, Verdict.UNKNOWN)
    assert "1 of 1 things were acknowledged more than once: order 1" in twice.reason


def test_kinds_are_told_apart() -> None:
    """An upload with the id of an order is another acknowledgement, with checks of its own."""
    given = [Acknowledgement("buy", "order", "1", 10.0), Acknowledgement("buy", "upload", "1", 11.0)]
    checks = [Check("order", "1", True), Check("upload", "1", True), Check("job", "1", False)]
    assert [each.verdict for each in judged(given, checks)] == [Verdict.HELD]
