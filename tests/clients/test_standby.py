"""How far a standby is behind, worked out from looks at it and its primary."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.clients.standby import StandbyLag


def test_a_standby_is_behind_since_the_primary_wrote_what_it_has_not_replayed() -> None:
    """The seconds count from the first look at which the primary was further than the standby is now."""
    lag = StandbyLag()
    assert lag.saw(1.0, 100, 100).seconds == 0.0
    assert lag.saw(2.0, 150, 100).seconds == 0.0  # it may have been written just now
    behind = lag.saw(3.0, 180, 100)
    assert (behind.seconds, behind.size_bytes) == (1.0, 80)
    behind = lag.saw(5.0, 180, 150)  # caught up with the first write, not with the second
    assert (behind.seconds, behind.size_bytes) == (2.0, 30)
    assert lag.saw(6.0, 180, 180).seconds == 0.0
    assert lag.written_bytes == 80


def test_a_standby_of_an_idle_primary_is_not_behind() -> None:
    """However long the primary is idle, the lag is zero, and it can be told that nothing was written."""
    lag = StandbyLag()
    assert [lag.saw(float(at), 100, 100).seconds for at in range(100)] == [0.0] * 100
    assert lag.written_bytes == 0


def test_a_standby_that_is_ahead_of_the_look_is_not_behind() -> None:
    """The standby is asked after its primary, so it may be ahead of the position that the primary told."""
    behind = StandbyLag().saw(1.0, 100, 120)
    assert (behind.seconds, behind.size_bytes) == (0.0, 0)


def test_a_primary_that_lost_its_last_writes_is_not_waited_for() -> None:
    """After a crash the primary may be where the standby is: then the standby is not behind."""
    lag = StandbyLag()
    lag.saw(1.0, 100, 100)
    lag.saw(2.0, 180, 150)
    behind = lag.saw(4.0, 150, 150)
    assert (behind.seconds, behind.size_bytes) == (0.0, 0)


TIMES = st.lists(st.integers(0, 1000).map(lambda each: each / 8), min_size=1, max_size=30, unique=True).map(
    sorted
)


@given(TIMES, TIMES, st.data())
def test_the_seconds_err_on_the_small_side_by_no_more_than_the_looks_are_apart(
    writes: list[float], looks: list[float], data: st.DataObject
) -> None:
    """A reported lag is never larger than the true one, and smaller by at most the time between two looks."""
    lag = StandbyLag()
    replayed = 0
    longest = max((later - earlier for earlier, later in itertools.pairwise(looks)), default=0.0)
    for moment in looks:
        written = sum(at <= moment for at in writes)
        replayed = data.draw(st.integers(min(replayed, written), written))
        told = lag.saw(moment, written, replayed)
        true = moment - writes[replayed] if replayed < written else 0.0
        assert told.size_bytes == written - replayed
        assert told.seconds <= true
        assert told.seconds >= min(true, moment - looks[0]) - longest
