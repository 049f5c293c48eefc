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
from chaoskit.judge.cusum import Evidence, evidence

RECENT = 10
"""Distances between bad requests with which the last ones are compared."""

_FEW = 5
"""For the estimate alone fewer will do, and a pause before them matters less."""

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
    error: float,
    bursts: Sequence[Burst] = (),
    found: Evidence | None = None,
    budget: float = 0.0,
) -> End:
    """The interval of the last change from outside the budget to inside.

    Args:
        bad: the indices of the bad requests, ascending.
        samples: how many requests there are.
        error: the probability that the interval does not hold the truth.
        bursts: those that count as one event, once the stretch is over.
        found: the evidence against each beginning, with those bursts as one event; found by ``budget``
            if it is not given.
        budget: the share that may be bad.
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
    likely = _latest(kept, samples, 0.5, row, _FEW)
    return End(earliest, min(max(earliest, likely), latest), latest)


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
        recent: how many distances before are compared.
    """
    following = samples
    guess = 0
    for last in range(len(bad) - 1, suspect - 1, -1):
        tests = _tests(last, suspect)
        low, high = bad[last] + 1, following
        order = (guess, *range(len(tests)))
        guess = next((each for each in order if _rejects(bad, low, tests, each, last, error, recent)), -1)
        if guess < 0:
            while low < high:
                middle = (low + high + 1) // 2
                if any(_rejects(bad, middle, tests, each, last, error, recent) for each in range(len(tests))):
                    high = middle - 1
                else:
                    low = middle
            return low
        following = low
    return following


def _tests(last: int, suspect: int) -> tuple[int, ...]:
    """How many strays the tests assume: all after the last suspect one, and fewer."""
    most = last - max(suspect, 1)
    return (most, *(each for each in _STRAYS if each < most)) if most >= 0 else ()


def _rejects(
    bad: Sequence[int], end: int, tests: Sequence[int], number: int, last: int, error: float, recent: int
) -> bool:
    """Whether one of the tests rejects that the stretch lasted until ``end``; each may err with a
    share of ``error``: a half, a sixth, a twelfth and so on.
    """
    if not 0 <= number < len(tests):
        return False
    strays = tests[number]
    row = last - strays
    alike = _alike(bad, row, min(max(recent, strays), row))
    span, tail = bad[row] - bad[row - alike], end - bad[row]
    return too_good(tail, strays, span, alike) <= error / ((number + 1) * (number + 2))


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
