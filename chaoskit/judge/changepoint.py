"""When a bad stretch ended: an estimate, and an interval that holds the truth with a stated probability.

The requests of a bad stretch fail with an unknown share ``q``; those after it with at most the
budget. The end is a change point. Its confidence interval consists of all the moments that a test
does not reject, each end with half of the error (the duality of tests and confidence sets; for change
points D. Siegmund, "Confidence sets in change-point problems", International Statistical Review 56,
1988).

* The *earliest* end: a moment is rejected if the requests after it are not inside the budget
  (:mod:`chaoskit.judge.cusum`).
* The *latest* end: a moment is rejected if the requests just before it are too good for the stretch.
  Read backwards from the true end, the distances to the bad requests are independent and geometric,
  all with the same ``q``. Given the sum of several, how much of it falls upon the first ones does not
  depend on ``q``: it is hypergeometric. So the test is exact and needs no estimate of ``q``. Only the
  last :data:`RECENT` distances before are compared, so that a stretch that was worse at first does not
  make its end look calm.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from chaoskit.judge.bursts import Burst, collapsed
from chaoskit.judge.cusum import LOWEST_BUDGET, Evidence, evidence

RECENT = 10
"""Distances between bad requests with which the last ones are compared."""

_FEW = 5
"""From so many distances the share of the estimate is found."""

_UNLIKE = 0.01
"""Distances that would be so much longer than those before them with this probability are not compared."""

_MOST_STRAYS = 10_000
"""Bad requests that the calm after a stretch is thought to have had at most."""


def _stray_counts() -> tuple[int, ...]:
    """0, 1, 2, 3, 5, 8, … of them: each count is a test of its own."""
    counts, following = [0, 1], 2
    while counts[-1] < _MOST_STRAYS:
        counts.append(following)
        following = counts[-1] + counts[-2]
    return tuple(counts)


_STRAYS = _stray_counts()


@dataclass(frozen=True, slots=True)
class End:
    """Where a bad stretch ended, as numbers of requests: ``n`` means between ``n - 1`` and ``n``.

    Attributes:
        earliest: not before this one.
        likely: the estimate; as often too early as too late.
        latest: not after this one; the number of all requests where it may never have ended.
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
    found: Evidence | None = None,
) -> End:
    """The interval of the last change from outside the budget to inside.

    Args:
        bad: the indices of the bad requests, ascending.
        samples: how many requests there are.
        budget: the share that may be bad.
        error: the probability that the interval does not hold the truth.
        bursts: those that count as one event, once the stretch is over.
        found: the evidence against each beginning, with those bursts as one event, if it is known.
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
    """The most likely end, from a bad request of the stretch on (D. V. Hinkley, "Inference about the
    change-point in a sequence of random variables", Biometrika 57, 1970), and half of the good requests
    that a stretch of that share has after its last bad one, so that it is as often early as late.
    """
    row = min(max(row, 0), len(bad) - 1)
    recent = min(_FEW, row)
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
    """The bursts that came after the stretch was over for sure."""
    for number, (low, _) in enumerate(bursts):
        if low > row >= 0 and _latest(bad[:low], bad[low], error, row) < bad[low]:
            return bursts[number:]
    return ()


def _latest(bad: Sequence[int], samples: int, error: float, suspect: int, recent: int = RECENT) -> int:
    """The last number of requests that may belong to the stretch.

    Args:
        bad, samples: see :func:`find_end`.
        error: the probability that it is too small.
        suspect: the row of the last bad request after which nothing speaks for the stretch; -1 if
            nothing does anyway.
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
"""How many strays are assumed, and how often the test may err."""


def _tests(last: int, suspect: int, error: float) -> tuple[_Test, ...]:
    """The tests of an end after that row: with all strays since the suspect one, and with fewer. Together
    they err with a probability of ``error``: both kinds with a half, a sixth, a twelfth and so on of a half.
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
    """How many of the last distances are of one kind: not many more than those since a stretch that was
    denser.
    """
    kept, least = recent, _UNLIKE
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
        tail: requests from the last bad one of the stretch, it included, to the end.
        strays: bad ones after it.
        span: requests in which the ``recent`` bad ones before came.
    """
    # The hypergeometric probability that of all marks at most ``strays`` are among the first places.
    places, marks, drawn = tail + span - 1, strays + recent, tail - 1
    if drawn <= strays:
        return 1.0
    if strays * places >= marks * drawn:
        return 1.0  # more than half of the mass, and a test never rejects that
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
