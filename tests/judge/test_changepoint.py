"""When a bad stretch ended, and how certain that is."""

from __future__ import annotations

import math
import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge.bursts import bursts_within_budget, collapsed
from chaoskit.judge.changepoint import End, find_end, too_good
from tests.judge.synthetic import chosen

BUDGET = 0.005


@given(st.integers(1, 7), st.integers(0, 3), st.integers(1, 7), st.integers(1, 4))
def test_the_chance_is_that_of_all_arrangements(tail: int, strays: int, more: int, recent: int) -> None:
    """The share of all arrangements of the bad requests that have as few of them at the end."""
    tail, span = tail + strays, more + recent - 1
    places = tail + span - 1
    ways = list(combinations(range(places), strays + recent))
    few = sum(sum(each < tail - 1 for each in way) <= strays for way in ways)
    found = too_good(tail, strays, span, recent)
    assert found == pytest.approx(few / len(ways)) or (found == 1.0 and few / len(ways) > 0.3)


def test_a_total_outage_is_known_to_a_request_or_two() -> None:
    """A hundred failures in a row, then none: the end lies within a few requests of the last."""
    assert find_end(range(100), 400, BUDGET, 0.01) == End(99, 100, 103)


def test_the_fewer_fail_the_less_is_known() -> None:
    """Every tenth request fails for 300: the interval is some tens of requests long."""
    found = find_end(range(0, 300, 10), 900, BUDGET, 0.01)
    assert 250 <= found.earliest < 291
    assert 300 <= found.latest < 400


def test_a_few_bad_requests_later_do_not_hide_the_end() -> None:
    """Failures within the budget after an outage leave its end where it was."""
    found = find_end([*range(100), 300, 520, 700], 900, BUDGET, 0.01)
    assert found.earliest >= 97
    assert (found.likely, found.latest) == (100, found.latest)
    assert found.latest <= 110


def test_what_goes_on_has_no_end() -> None:
    """Where the last request fails like the others, there is no evidence that the stretch is over."""
    assert find_end(range(0, 300, 10), 300, BUDGET, 0.01).latest == 300
    assert find_end([5], 300, BUDGET, 0.01).latest == 300
    assert find_end([], 300, BUDGET, 0.01) == End(0, 0, 0)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 1.0])
def test_the_interval_holds_the_truth(share: float) -> None:
    """In 400 cases for each share, at least 98% hold it (``tests.bench.coverage`` tries 10,000)."""
    dice = random.Random(f"truth {share}")
    right = 0
    for _ in range(400):
        end = dice.randrange(50, 200)
        bad = chosen([(0, end, share), (end, 700, BUDGET / 2)], dice)
        found = find_end(bad, 700, BUDGET, 0.01)
        right += found.earliest <= end <= found.latest
    assert right >= 392


def test_the_estimate_is_as_often_late_as_early() -> None:
    """At a share of a fifth, half of the estimates lie on each side of the truth."""
    dice = random.Random(3)
    errors = []
    for _ in range(400):
        bad = chosen([(0, 200, 0.2)], dice)
        errors.append(find_end(bad, 700, BUDGET, 0.01).likely - 200)
    assert 140 <= sum(each > 0 for each in errors) <= 260
    assert math.fabs(sorted(errors)[200]) <= 2


def bursts(bad: list[int], samples: int = 1000, budget: float = 0.05, rate: float = 50.0) -> int:
    """How many bad requests are left when each stall counts as one."""
    times = [each / rate for each in bad]
    return len(collapsed(bad, bursts_within_budget(bad, times, samples, budget, rate, 10.0)))


def test_a_stall_within_the_budget_is_one_event() -> None:
    """Thirteen of 500 in a period of ten seconds are within 5%; 26 are not."""
    assert bursts(list(range(400, 413))) == 1
    assert bursts(list(range(400, 426))) == 26


def test_stalls_share_the_budget_of_a_period() -> None:
    """Two of ten fit into 25; three do not, unless they are of different periods."""
    assert bursts([*range(100, 110), *range(300, 310)]) == 2
    assert bursts([*range(100, 110), *range(300, 310), *range(500, 510)]) == 30
    assert bursts([*range(100, 110), *range(300, 310), *range(900, 910)]) == 3


def test_a_burst_amid_others_or_at_the_end_is_no_stall() -> None:
    """A burst with bad requests around it is a stretch; one at the very end may go on."""
    assert bursts([*range(360, 400, 3), *range(400, 410), *range(412, 450, 3)]) > 30
    assert bursts(list(range(990, 1000))) == 10


def test_a_budget_without_room_for_two_knows_no_bursts() -> None:
    """Half a percent of ten seconds at 20/s is one request."""
    assert bursts([100, 101, 102], budget=0.005, rate=20.0) == 3
