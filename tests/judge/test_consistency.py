"""What users see of their own writes and reads."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge import Finding, Verdict
from chaoskit.judge.consistency import judge_consistency
from chaoskit.record import journal
from chaoskit.record.history import Access, History
from chaoskit.record.jsontext import pieces
from tests.judge.histories import PHASES, finding, marks, requests, whole

INJECTED, LANDED = PHASES["inject"], PHASES["landed"]


def wrote(version: int, at: float, user: int = 1, id: str = "7") -> Access:
    """A write that was confirmed."""
    return Access("browse", user, "orders", id, True, version, at)


def read(version: int | None, at: float, user: int = 1, id: str = "7") -> Access:
    """A read, and what it showed."""
    return Access("browse", user, "orders", id, False, version, at)


def judged(*accesses: Access, landed: float | None = LANDED) -> dict[str, Finding]:
    """The findings by their promise."""
    return {each.promise: each for each in judge_consistency("browse", accesses, INJECTED, landed)}


def test_a_read_of_less_than_was_written_breaks_read_your_writes() -> None:
    """One stale read breaks the promise; the reason names user, thing and time, with figures."""
    found = judged(
        wrote(2, 5.0), read(2, 7.0), wrote(3, 7.5), read(2, 7.75), wrote(1, 5.0, user=2), read(1, 8.0, user=2)
    )
    broken, held = found["read your writes"], found["monotonic reads"]
    assert (broken.verdict, broken.at) == (Verdict.BROKEN, 1.25)
    assert broken.reason == (
        "1 of 3 reads by 1 of 2 users showed less than the user had written before; "
        "first: user 1 wrote version 3 of orders 7, then read version 2, 1.25 s after the fault landed"
    )
    assert broken.figures == {
        "violations": 1,
        "before_injection": 0,
        "reads": 3,
        "users": 2,
        "users_affected": 1,
    }
    assert (held.verdict, held.figures["reads"]) == (Verdict.HELD, 1)
    assert held.reason == (
        "none of 1 reads by 1 users showed less than the user had read before; "
        "1 of them came after the fault landed"
    )


def test_a_read_of_less_than_was_read_breaks_monotonic_reads() -> None:
    """A read that goes back in time is found even if the user never wrote."""
    found = judged(read(4, 6.25), read(3, 6.375), read(4, 9.0))
    assert list(found) == ["monotonic reads"]
    broken = found["monotonic reads"]
    assert (broken.verdict, broken.at) == (Verdict.BROKEN, -0.125)
    assert (
        "user 1 read version 4 of orders 7, then read version 3, 0.125 s before the fault landed"
        in broken.reason
    )


def test_what_is_not_there_at_all_is_less_than_any_version() -> None:
    """An order that was confirmed and cannot be found is a stale read."""
    found = judged(read(None, 6.5), wrote(1, 7.0), read(None, 7.5), read(1, 8.0), read(None, 8.5))
    assert "then did not find it, 1 s after the fault landed" in found["read your writes"].reason
    assert found["read your writes"].figures["violations"] == 2
    assert found["monotonic reads"].figures["violations"] == 1


@pytest.mark.parametrize("later", [(), (read(1, 9.0),)])
def test_a_stale_read_before_the_injection_is_no_steady_state(later: tuple[Access, ...]) -> None:
    """A stale read before the fault makes the verdict UNKNOWN, even if reads are stale under it too."""
    found = judged(wrote(2, 3.0), read(1, 4.0), *later, read(2, 10.0))
    assert found["read your writes"].verdict is Verdict.UNKNOWN
    assert found["read your writes"].reason.startswith("not in steady state: 1 of ")
    assert found["read your writes"].reason.endswith("then read version 1, 2 s before the injection")


def test_users_kinds_and_ids_are_told_apart() -> None:
    """A user need not see the writes of other users, nor the version of one thing at another thing."""
    other = Access("browse", 1, "profile", "7", False, 1, 8.0)
    found = judged(wrote(5, 7.0), read(1, 7.5, user=2), read(1, 7.5, id="8"), other, read(5, 9.0))
    assert found["read your writes"].verdict is Verdict.HELD
    assert found["read your writes"].figures["reads"] == 1


def test_without_a_comparable_read_under_the_fault_nothing_is_held() -> None:
    """A journey that only writes, or reads only before the fault, is UNKNOWN; a silent one has no finding."""
    assert judged() == {}
    assert judged(read(3, 7.0)) == {}
    only_wrote = judged(wrote(1, 7.0))["read your writes"]
    assert (only_wrote.verdict, only_wrote.figures["reads"]) == (Verdict.UNKNOWN, 0)
    early = judged(wrote(1, 1.0), read(1, 2.0))["read your writes"]
    assert (early.verdict, early.reason) == (
        Verdict.UNKNOWN,
        "none of the 1 reads that could be compared came after the fault landed",
    )


def test_a_fault_that_never_landed_has_no_moment() -> None:
    """Without a landing, the time of the stale read counts from the injection."""
    broken = judged(wrote(2, 5.0), read(1, 8.0), landed=None)["read your writes"]
    assert (broken.verdict, broken.at) == (Verdict.BROKEN, None)
    assert broken.reason.endswith("2 s after the injection")


@st.composite
def serial(draw: st.DrawFn) -> list[Access]:
    """Users who write and read a few things on a single copy, one after another; the last read is
    under the fault and can be compared."""
    copy: dict[str, int] = {}
    found: list[Access] = []
    steps = draw(
        st.lists(st.tuples(st.integers(1, 3), st.sampled_from("ab"), st.booleans()), min_size=1, max_size=30)
    )
    for number, (user, id_, writes) in enumerate(steps):
        at = 1.0 + number / 2
        if writes:
            copy[id_] = copy.get(id_, 0) + draw(st.integers(1, 3))
            found.append(wrote(copy[id_], at, user, id_))
        else:
            found.append(read(copy.get(id_), at, user, id_))
    copy["a"] = copy.get("a", 0) + 1
    last = [wrote(copy["a"], 20.0, 1, "a"), read(copy["a"], 20.5, 1, "a"), read(copy["a"], 21.0, 1, "a")]
    return found + last


def interleaved(accesses: Sequence[Access], chance: random.Random) -> list[Access]:
    """Another order of the record in which each user's own order is kept."""
    queues: dict[int, list[Access]] = {}
    for each in accesses:
        queues.setdefault(each.user, []).append(each)
    found = []
    while queues:
        user = chance.choice(sorted(queues))
        found.append(queues[user].pop(0))
        if not queues[user]:
            del queues[user]
    return found


@given(serial())
def test_a_single_copy_never_breaks_a_guarantee(accesses: list[Access]) -> None:
    """With a single copy, both promises hold whatever the users do."""
    found = judged(*accesses)
    assert {each.verdict for each in found.values()} == {Verdict.HELD}
    assert set(found) == {"read your writes", "monotonic reads"}


@given(serial(), st.integers(0, 5), st.booleans())
def test_a_stale_read_is_always_seen(accesses: list[Access], behind: int, absent: bool) -> None:
    """A read that shows a user less than they wrote breaks the promise, and is named as the first."""
    version = accesses[-1].version
    assert version is not None
    shown = None if absent else version - 1 - behind
    for promise, known in (("read your writes", wrote(version, 21.5)), ("monotonic reads", accesses[-1])):
        stale = read(shown, 22.0, known.user, known.id)
        found = judged(*accesses, known, stale, read(version, 23.0, known.user, known.id))
        assert found[promise].verdict is Verdict.BROKEN
        assert found[promise].at == 22.0 - LANDED


@given(serial(), st.lists(st.integers(0, 100), max_size=4), st.randoms(use_true_random=False))
def test_only_each_users_own_order_counts(
    accesses: list[Access], stale: list[int], chance: random.Random
) -> None:
    """However the records of several users are mixed, the findings are the same."""
    for number in stale:
        index = number % len(accesses)
        accesses.insert(index, read(0, accesses[index].at, accesses[index].user, accesses[index].id))
    assert judged(*interleaved(accesses, chance)) == judged(*accesses)


@given(serial(), st.lists(st.integers(0, 100), max_size=4))
def test_the_journal_gives_the_same_verdict(accesses: list[Access], stale: list[int]) -> None:
    """The accesses of users survive the journal and are judged as before."""
    for number in stale:
        index = number % len(accesses)
        accesses.insert(index, read(None, accesses[index].at, accesses[index].user, accesses[index].id))
    record = History()
    record.add(*marks(), *requests(), *accesses)
    text = "".join(pieces(journal.history_to_record(record)))
    assert whole(journal.history_from_record(json.loads(text))) == whole(record)


def test_an_older_journal_is_still_read() -> None:
    """A journal from before accesses were recorded gives a verdict without these findings."""
    record = History()
    record.add(*marks(), *requests())
    old = journal.history_to_record(record)
    del old["accesses"]
    assert whole(journal.history_from_record(old)).verdict is Verdict.HELD


def test_one_stale_read_breaks_an_experiment() -> None:
    """No SLO was missed, and yet the verdict on the journey, and on the whole, is BROKEN."""
    record = History()
    record.add(*marks(), *requests(), wrote(3, 8.0), read(2, 8.5))
    found = whole(record)
    assert found.verdict is Verdict.BROKEN
    assert finding(found.journeys[0], "read your writes").at == 2.0
    other = History()
    other.add(*marks(), *requests())
    other.add(*(Access("buy", 1, "orders", "7", write, 1, 8.0) for write in (True, False)))
    assert not [each for each in whole(other).journeys[0].findings if "read" in each.promise]
