"""When a bad stretch ended: an estimate, and an interval that holds the truth with a stated probability.

During a bad stretch an unknown share ``q`` of the requests fails; after it, at most the budget. The
end is a change point. Its confidence interval consists of all the moments that a test does not reject;
each end of the interval gets half of the error (the duality of tests and confidence sets; for change
points see D. Siegmund, "Confidence sets in change-point problems", International Statistical Review
56, 1988).

* The *earliest* end: a moment is rejected if the requests after it are not inside the budget
  (:mod:`chaoskit.judge.cusum`).
* The *latest* end: a moment is rejected if the requests just before it are too good for the stretch.
  Read backwards from the true end, the distances between bad requests are independent and geometric,
  all with the same ``q``. Given the sum of several distances, the part of it that the first ones make
  up does not depend on ``q``: it is hypergeometric. So the test is exact and needs no estimate of
  ``q``. The test compares only the last :data:`RECENT` distances before, so that a stretch that was
  worse at first does not make its own end look calm.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from chaoskit.judge.bursts import Burst, collapsed
from chaoskit.judge.cusum import LOWEST_BUDGET, CusumEvidence, evidence

RECENT = 10
"""How many earlier distances between bad requests the last ones are compared with."""

_ESTIMATE_DISTANCES = 5
"""How many distances the estimate takes the share of the stretch from."""

_UNLIKE_PROBABILITY = 0.01
"""The last distances are of another kind if chance makes them this long with at most this probability."""

_MOST_STRAYS = 10_000
"""The most bad requests (strays) that are assumed to lie in the calm after a stretch."""


def _stray_counts() -> tuple[int, ...]:
    """0, 1, 2, 3, 5, 8, … strays: each count is a test of its own."""
    counts, following = [0, 1], 2
    while counts[-1] < _MOST_STRAYS:
        counts.append(following)
        following = counts[-1] + counts[-2]
    return tuple(counts)


_STRAYS = _stray_counts()


@dataclass(frozen=True, slots=True)
class End:
    """Where a bad stretch ended, as indices of requests: ``n`` means between ``n - 1`` and ``n``.

    Attributes:
        earliest: it did not end before this request.
        likely: the estimate; it is too early as often as too late.
        latest: it did not end after this request; the number of all requests where it may never have ended.
    """

    earliest: int
    likely: int
    latest: int


def find_end(
    bad: Sequence[int],
    samples: int,
    budget: float,
    error: float,
    bursts: Sequence[Burst] = (),
    found: CusumEvidence | None = None,
) -> End:
    """The interval of the last change from outside the budget to inside.

    Args:
        bad: the indices of the bad requests, ascending.
        samples: how many requests there are.
        budget: the share that may be bad.
        error: the probability that the interval does not hold the truth.
        bursts: the bursts that count as one event each, once the stretch is over.
        found: the evidence from each request on, with each of those bursts as one event; ``None`` to
            compute it here.
    """
    if not bad:
        return End(0, 0, 0)
    events = collapsed(bad, bursts)
    found = found or evidence(events, samples, budget)
    limit = math.log(2.0 / error)
    earliest, suspect = 0, -1
    if found.start > 0.0:
        suspect = events[next((row for row, each in enumerate(found.after) if each <= 0.0), -1)]
    if found.start >= limit:
        earliest = events[next((row for row, each in enumerate(found.after) if each < limit), -1)] + 1
    row = bisect_left(bad, suspect) if suspect >= 0 else -1
    kept = collapsed(bad, _in_the_calm(bad, bursts, row, error / 2.0))
    latest = max(earliest, _latest(kept, samples, error / 2.0, row))
    likely = _likely(kept, bisect_left(kept, earliest - 1 if earliest else suspect), budget)
    return End(earliest, min(max(earliest, likely), latest), latest)


def _likely(bad: Sequence[int], row: int, budget: float) -> int:
    """The most likely end (D. V. Hinkley, "Inference about the change-point in a sequence of random
    variables", Biometrika 57, 1970), searched from the bad request at ``row`` on.

    After its last bad request a stretch of that share still has some good ones. The median of their number
    is added, so that the estimate is too early as often as too late.
    """
    row = min(max(row, 0), len(bad) - 1)
    recent = min(_ESTIMATE_DISTANCES, row)
    share = recent / (bad[row] - bad[row - recent]) if recent else 1.0
    calm = min(max(budget, LOWEST_BUDGET), share) / 2.0
    inside = min(share, 0.99)
    gain, cost = math.log(inside / calm), math.log((1.0 - calm) / (1.0 - inside))
    level = best = 0.0
    end = bad[row]
    for each, before in zip(bad[row + 1 :], bad[row:], strict=False):
        level += gain - cost * (each - before - 1)
        if level > best:
            best, end = level, each
    return end + 1 + (int(math.log(2.0) / -math.log1p(-share)) if share < 1.0 else 0)


def _in_the_calm(bad: Sequence[int], bursts: Sequence[Burst], row: int, error: float) -> Sequence[Burst]:
    """The bursts that came after the stretch was certainly over."""
    for number, (low, _) in enumerate(bursts):
        if low > row >= 0 and _latest(bad[:low], bad[low], error, row) < bad[low]:
            return bursts[number:]
    return ()


def _latest(bad: Sequence[int], samples: int, error: float, suspect: int, recent: int = RECENT) -> int:
    """The largest index at which the stretch may have ended.

    Args:
        bad, samples: see :func:`find_end`.
        error: the probability that the result is too small.
        suspect: the row of the last bad request after which there is no evidence for the stretch; -1 if
            there is none from the start.
        recent: how many distances are compared.
    """
    following = samples
    guess: _Test | None = None
    for last in range(len(bad) - 1, suspect - 1, -1):
        tests = _tests(last, suspect, error)
        low, high = bad[last] + 1, following
        order = tests if guess is None or guess[0] > last - max(suspect, 1) else (guess, *tests)
        guess = next((each for each in order if _rejects(bad, low, last, each)), None)
        if guess is None:
            while low < high:
                middle = (low + high + 1) // 2
                if any(_rejects(bad, middle, last, each) for each in tests):
                    high = middle - 1
                else:
                    low = middle
            return low
        following = low
    return following


_Test = tuple[int, float]
"""(the number of strays that is assumed, the probability with which the test may err)"""


def _tests(last: int, suspect: int, error: float) -> tuple[_Test, ...]:
    """The tests of an end after row ``last``: with all the strays since the suspect one, and with fewer.

    Together they err with a probability of ``error``: the tests of each kind share one half of it as a
    half, a sixth, a twelfth and so on.
    """
    most = last - max(suspect, 1)
    if most < 0:
        return ()
    fixed = ((each, number) for number, each in enumerate(_STRAYS) if each < most)
    return tuple((strays, error / 2.0 / ((rank + 1) * (rank + 2))) for strays, rank in ((most, most), *fixed))


def _rejects(bad: Sequence[int], end: int, last: int, test: _Test) -> bool:
    """Whether a test rejects that the stretch lasted until ``end``."""
    strays, error = test
    row = last - strays
    alike = _alike(bad, row, min(max(RECENT, strays), row))
    span, tail = bad[row] - bad[row - alike], end - bad[row]
    return too_good(tail, strays, span, alike) <= error


def _alike(bad: Sequence[int], row: int, recent: int) -> int:
    """How many of the last distances are of one kind: a stretch that was denser before is left out."""
    kept, least = recent, _UNLIKE_PROBABILITY
    for few in _STRAYS[1:]:
        if few >= recent:
            break
        long, short = bad[row] - bad[row - few], bad[row - few] - bad[row - recent]
        chance = too_good(long, few - 1, short, recent - few)
        if chance < least:
            kept, least = few, chance
    return kept


def too_good(tail: int, strays: int, span: int, recent: int) -> float:
    """The probability of so few bad requests at the end of a stretch.

    Args:
        tail: requests from the last bad one of the stretch (included) to the end.
        strays: bad requests after that one.
        span: requests over which the ``recent`` bad ones before it are spread.
        recent: the number of those bad ones.
    """
    # The hypergeometric probability that at most ``strays`` of all marks are among the first places.
    places, marks, drawn = tail + span - 1, strays + recent, tail - 1
    if drawn <= strays:
        return 1.0
    if strays * places >= marks * drawn:
        return 1.0  # the probability exceeds one half, and a test never rejects that
    log_mass = _log_choose(drawn, strays) + _log_choose(places - drawn, recent) - _log_choose(places, marks)
    mass = total = math.exp(log_mass)
    for among in range(strays, 0, -1):
        mass *= among / (drawn - among + 1) * (places - drawn - marks + among) / (marks - among + 1)
        total += mass
        if mass < total * 1e-12:
            break
    return min(1.0, total)


def _log_choose(places: int, marks: int) -> float:
    return math.lgamma(places + 1) - math.lgamma(marks + 1) - math.lgamma(places - marks + 1)
