"""Measuring with nothing at fault."""

from __future__ import annotations

from chaoskit.record.history import Outcome, Sample
from chaoskit.starter.calm import calm, slower
from tests.starter.samples import ENTRY


def sample(at: float, seconds: float, error: str = "") -> Sample:
    """A request."""
    return Sample("visit", at, at, at + seconds, Outcome.FAILED if error else Outcome.OK, error)


def test_figures_are_nearest_ranks_of_what_succeeded() -> None:
    """Failures are counted, the first error is kept, and failures do not count as quick requests."""
    samples = [sample(number / 10, 0.01 * (number + 1)) for number in range(20)]
    samples += [sample(3.0, 0.0001, "HTTPStatusError: 429 Too Many Requests"), sample(3.1, 0.0, "other")]
    samples.append(Sample("visit", 3.2, None, None, Outcome.NEVER_SENT))
    seen = calm(samples, 5.0)
    assert (seen.samples, seen.failed, seen.limited) == (23, 3, 1)
    assert (round(seen.p50, 6), round(seen.p95, 6)) == (0.1, 0.19)
    assert seen.error.startswith("HTTPStatusError: 429")


def test_nothing_at_all_is_a_measurement_too() -> None:
    """Without a request there are no figures, and no division by zero."""
    assert calm([], 5.0).samples == 0


def test_an_entry_that_refuses_is_asked_less_often() -> None:
    """The rate goes down step by step, with the reason of the last step, until the lowest."""
    slow = slower(ENTRY)
    assert slow is not None
    slowest = slower(slow)
    assert slowest is not None
    assert (slow.rate, slowest.rate) == (5, 2)
    assert slowest.says == "/ answers 200; at 5 requests per second from one address it refused some (429)"
    assert slower(slowest) is None
