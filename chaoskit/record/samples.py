"""Requests, and how the record keeps a million of them: by column, as plain numbers.

A sample as an object takes 200 bytes, and walking over a million objects would take a verdict seconds. As
a row of a :class:`Column` a sample takes 29 bytes.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from operator import lt
from typing import Self

NEVER = math.inf
"""In a column, the time of something that has not happened."""


class Outcome(StrEnum):
    """How a request ended."""

    OK = "ok"
    FAILED = "failed"
    NEVER_SENT = "never sent"
    """As many requests as are allowed were in flight when its turn came. A user would have waited in vain, so
    it counts as failed at its intended time.
    """
    UNFINISHED = "unfinished"
    """Still in flight when the load ended. It counts as failed once it was older than the journey's time-out,
    and is left out of every share before that.
    """


OUTCOMES = tuple(Outcome)
"""The outcomes by their number in a column."""

_NUMBER = {outcome: number for number, outcome in enumerate(OUTCOMES)}


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a journey; all times in seconds of the shared monotonic clock.

    Attributes:
        journey: the journey's name.
        intended: when the schedule wanted the run to start. Latency counts from here: a request that
            could not be sent on time has kept its user waiting all the same.
        started: when it started; ``None`` if it was never sent.
        ended: when it ended; ``None`` if it never ended.
        outcome: how it ended.
        error: for a failure, the exception's type and message in one short line.
    """

    journey: str
    intended: float
    started: float | None
    ended: float | None
    outcome: Outcome
    error: str = ""

    @property
    def latency(self) -> float | None:
        """Seconds from the intended start to the end."""
        return None if self.ended is None else self.ended - self.intended

    @property
    def lag(self) -> float | None:
        """Seconds by which the load generator itself was late."""
        return None if self.started is None else self.started - self.intended


class Column:
    """The requests of one journey, ascending by intended time, whatever order they came in.

    Attributes:
        journey: the journey's name.
        intended, started, ended: seconds of the shared clock; :data:`NEVER` where there was no such moment.
        outcome: numbers into :data:`OUTCOMES`.
        error: numbers into ``errors``.
        errors: the texts of errors, the empty one first.
    """

    __slots__ = ("_numbers", "ended", "error", "errors", "intended", "journey", "outcome", "started")

    def __init__(self, journey: str) -> None:
        self.journey = journey
        self.intended, self.started, self.ended = array("d"), array("d"), array("d")
        self.outcome, self.error = array("B"), array("I")
        self.errors: list[str] = [""]
        self._numbers = {"": 0}

    def __len__(self) -> int:
        return len(self.intended)

    @classmethod
    def of(
        cls,
        journey: str,
        intended: Sequence[float],
        started: Sequence[float | None],
        ended: Sequence[float | None],
        outcome: Sequence[int],
        error: Sequence[int],
        *,
        outcomes: Sequence[Outcome],
        errors: Sequence[str],
    ) -> Column:
        """The requests of a record, in any order.

        Args:
            journey, intended, started, ended: as in a column; ``None`` is accepted for :data:`NEVER`.
            outcome: numbers into ``outcomes``.
            error: numbers into ``errors``; -1 for no error.
            outcomes, errors: the meanings of these numbers.

        Raises:
            ValueError, TypeError, IndexError, OverflowError: the columns do not fit together.
        """
        if not len(intended) == len(started) == len(ended) == len(outcome) == len(error):
            raise ValueError("the columns of the samples differ in length")
        found = cls(journey)
        texts = [*errors, ""]
        for text in texts:
            found._number(text)
        outcome_of = [_NUMBER[each] for each in outcomes].__getitem__
        error_of = [found._numbers[text] for text in texts].__getitem__
        due, sent, over = map(_moments, (intended, started, ended))
        if NEVER in due:
            raise ValueError("a request has no intended time")
        # The order in which journals are written, unless two requests were due at the same moment.
        if all(map(lt, due, islice(due, 1, None))):
            found.intended, found.started, found.ended = due, sent, over
            found.outcome = array("B", map(outcome_of, outcome))
            found.error = array("I", map(error_of, error))
        else:
            for row, what in enumerate(map(outcome_of, outcome)):
                found._put(due[row], sent[row], over[row], what, error_of(error[row]))
        return found

    def add(self, sample: Sample) -> None:
        """Insert a sample at its place. Requests end almost in the order in which they were due, so the place
        is
        almost always near the end.
        """
        error = self._numbers.get(sample.error)
        if error is None:
            error = self._number(sample.error)
        self._put(
            sample.intended,
            NEVER if sample.started is None else sample.started,
            NEVER if sample.ended is None else sample.ended,
            _NUMBER[sample.outcome],
            error,
        )

    def _number(self, text: str) -> int:
        """The number of an error's text; a new text gets the next number."""
        number = self._numbers.setdefault(text, len(self.errors))
        if number == len(self.errors):
            self.errors.append(text)
        return number

    def _put(self, due: float, started: float, ended: float, outcome: int, error: int) -> None:
        intended = self.intended
        if not intended or due > intended[-1]:
            intended.append(due)
            self.started.append(started)
            self.ended.append(ended)
            self.outcome.append(outcome)
            self.error.append(error)
            return
        row = bisect_right(intended, due)
        # Of two requests that were due at the same moment, the order of arrival must not matter.
        rank = (started, ended, outcome, self.errors[error])
        while row and intended[row - 1] == due and self._rank(row - 1) > rank:
            row -= 1
        intended.insert(row, due)
        self.started.insert(row, started)
        self.ended.insert(row, ended)
        self.outcome.insert(row, outcome)
        self.error.insert(row, error)

    def since(self, moment: float) -> Column:
        """A copy of the requests that were due at ``moment`` or later."""
        found, low = type(self)(self.journey), bisect_left(self.intended, moment)
        found.intended, found.started = self.intended[low:], self.started[low:]
        found.ended, found.outcome, found.error = self.ended[low:], self.outcome[low:], self.error[low:]
        found.errors, found._numbers = list(self.errors), dict(self._numbers)
        return found

    def __iter__(self) -> Iterator[Sample]:
        rows = zip(self.intended, self.started, self.ended, self.outcome, self.error, strict=True)
        for intended, started, ended, outcome, error in rows:
            yield Sample(
                self.journey,
                intended,
                None if started == NEVER else started,
                None if ended == NEVER else ended,
                OUTCOMES[outcome],
                self.errors[error],
            )

    def _rank(self, row: int) -> tuple[float, float, int, str]:
        return self.started[row], self.ended[row], self.outcome[row], self.errors[self.error[row]]


def _moments(times: Sequence[float | None]) -> array[float]:
    return array("d", (NEVER if each is None else each for each in times))


class Columns(dict[str, Column]):
    """Journey → its requests."""

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Self:
        """The columns of samples in any order."""
        found = cls()
        for sample in samples:
            found.add(sample)
        return found

    def add(self, sample: Sample) -> None:
        """Insert a sample into the column of its journey."""
        column = self.get(sample.journey)
        if column is None:
            column = self[sample.journey] = Column(sample.journey)
        column.add(sample)

    def since(self, moment: float) -> Columns:
        """A copy of the requests that were due at ``moment`` or later."""
        return Columns({journey: column.since(moment) for journey, column in self.items()})
