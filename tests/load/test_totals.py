from __future__ import annotations

from collections import Counter

import pytest

from chaoskit.errors import LoadFailure
from chaoskit.load.totals import accounts
from chaoskit.record.history import Outcome, Sample

SAMPLES = [
    *(Sample("browse", float(n), float(n), n + 0.1, Outcome.OK) for n in range(3)),
    Sample("browse", 3.0, 3.0, 4.0, Outcome.FAILED, "no"),
    Sample("browse", 4.0, None, None, Outcome.NEVER_SENT),
    Sample("browse", 5.0, 5.0, None, Outcome.UNFINISHED),
    Sample("buy", 5.0, 5.0, 5.1, Outcome.OK),
]
COUNTS = Counter((sample.journey, sample.outcome) for sample in SAMPLES)


def test_each_outcome_is_counted_for_its_journey() -> None:
    """The account of a journey counts the outcomes of its arrivals."""
    browse, buy = accounts({"browse": 6, "buy": 1}, COUNTS, {"browse": 2, "buy": 1})
    assert (browse.ok, browse.failed, browse.never_sent, browse.unfinished) == (3, 1, 1, 1)
    assert (buy.ok, buy.known, buy.scheduled, buy.most_in_flight) == (1, 1, 1, 1)


@pytest.mark.parametrize("scheduled", [5, 7])
def test_a_missing_or_a_surplus_sample_is_a_failure(scheduled: int) -> None:
    """Accounts that do not add up are an error with the figures, and no verdict rests on them."""
    with pytest.raises(LoadFailure, match="does not add up") as caught:
        accounts({"browse": scheduled, "buy": 1}, COUNTS, {})
    assert f"browse: {scheduled} scheduled; 3 ok + 1 failed + 1 never sent + 1 unfinished = 6" in str(
        caught.value
    )
    assert "buy" not in str(caught.value)
