from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.record.history import History
from chaoskit.record.samples import Columns, Outcome, Sample

TIMES = st.integers(min_value=0, max_value=20).map(lambda tick: tick / 4)
SAMPLES = st.builds(
    Sample,
    journey=st.sampled_from(["browse", "buy"]),
    intended=TIMES,
    started=st.none() | TIMES,
    ended=st.none() | TIMES,
    outcome=st.sampled_from(list(Outcome)),
    error=st.sampled_from(["", "refused", "503"]),
)


@given(st.lists(SAMPLES))
def test_columns_hold_what_they_were_given(samples: list[Sample]) -> None:
    """No sample is lost, doubled or changed, and those of each journey are in the order of their times."""
    columns = Columns.of(samples)
    back = [sample for column in columns.values() for sample in column]
    assert sorted(back, key=repr) == sorted(samples, key=repr)
    for journey, column in columns.items():
        assert {sample.journey for sample in column} == {journey}
        assert list(column.intended) == sorted(column.intended)


@given(st.lists(SAMPLES), st.randoms(use_true_random=False))
def test_the_order_of_arrival_plays_no_part(samples: list[Sample], dice: object) -> None:
    """Two records of the same requests are equal, also where requests were due at the same moment."""
    shuffled = list(samples)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Columns.of(samples), Columns.of(shuffled)
    assert one.keys() == other.keys()
    assert all(list(one[name]) == list(other[name]) for name in one)


@given(st.lists(SAMPLES), TIMES)
def test_a_part_is_a_copy(samples: list[Sample], moment: float) -> None:
    """What was due since a moment, and later additions to the record leave it as it was."""
    history = History()
    history.add(*samples)
    part = history.columns(moment)
    held = [sample for column in part.values() for sample in column]
    assert held == [sample for sample in history.samples if sample.intended >= moment]
    history.add(*samples)
    assert held == [sample for column in part.values() for sample in column]
