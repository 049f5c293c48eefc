"""What happened: samples, marks, promises and what users saw of them, in one append-only record.

The load process and the harness write; judges read. Nothing is ever changed or taken out.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaoskit.record.samples import Columns, Outcome, Sample

__all__ = ["Acknowledgement", "Check", "Columns", "History", "Mark", "Outcome", "Sample"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that matters: a phase began, a fault landed, a component came back.

    Attributes:
        name: one of the phases' words (``control``, ``inject``, ``landed``, ``lift``, ``gone``,
            ``end``, …) or of an event's.
        at: seconds of the shared monotonic clock.
        detail: figures and text, JSON-able.
    """

    name: str
    at: float
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A promise that the system made to a user: from here on, ``id`` must stay true.

    Attributes:
        journey: the journey that got it.
        kind: what it is: ``order``, ``upload``.
        id: which one; unique within its kind.
        at: when it was acknowledged, seconds of the shared monotonic clock.
    """

    journey: str
    kind: str
    id: str
    at: float


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a promise.

    Attributes:
        kind, id: the promise.
        kept: whether it was still true; ``None`` if that could not be found out.
        error: why not, in one short line.
    """

    kind: str
    id: str
    kept: bool | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """A user wrote, or read, something that has versions.

    Entries of one user are in the order of that user's calls.

    Attributes:
        journey: the journey in which it happened.
        user: the user's number within the journey.
        kind: what it is: ``orders``, ``profile``.
        id: which one; unique within its kind.
        wrote: whether it was a write, and confirmed; else it was a read.
        version: what was written or shown, a number that only grows; ``None`` for a read that
            showed nothing at all.
        at: when the journey said so, seconds of the shared monotonic clock.
    """

    journey: str
    user: int
    kind: str
    id: str
    wrote: bool
    version: int | None
    at: float


class History:
    """The record of one experiment; safe to append to from several threads.

    Readers get tuples of what was there at that moment.

    Args:
        samples: those to begin with, from a record; the history's own from here on.
    """

    def __init__(self, samples: Columns | None = None) -> None:
        self._lock = threading.Lock()
        self._samples = Columns() if samples is None else samples
        self._marks: list[Mark] = []
        self._acknowledgements: list[Acknowledgement] = []
        self._checks: list[Check] = []
        self._accesses: list[Access] = []

    def add(self, *entries: Sample | Mark | Acknowledgement | Check | Access) -> None:
        """Append entries; each goes to its own list."""
        with self._lock:
            for entry in entries:
                if isinstance(entry, Sample):
                    self._samples.add(entry)
                elif isinstance(entry, Mark):
                    self._marks.append(entry)
                elif isinstance(entry, Acknowledgement):
                    self._acknowledgements.append(entry)
                elif isinstance(entry, Access):
                    self._accesses.append(entry)
                else:
                    self._checks.append(entry)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All samples, journey by journey, in the order in which they were due."""
        return tuple(sample for column in self.columns().values() for sample in column)

    def columns(self, since: float = -math.inf) -> Columns:
        """A copy of the samples that were due at ``since`` or later, by column: for who counts."""
        with self._lock:
            return self._samples.since(since)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All marks, in the order in which they were made."""
        with self._lock:
            return tuple(self._marks)

    @property
    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """All promises that were acknowledged."""
        with self._lock:
            return tuple(self._acknowledgements)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What became of them."""
        with self._lock:
            return tuple(self._checks)

    @property
    def accesses(self) -> tuple[Access, ...]:
        """What users wrote and read, each user's in the order of their calls."""
        with self._lock:
            return tuple(self._accesses)

    def mark(self, name: str) -> Mark | None:
        """The first mark of that name."""
        return next((mark for mark in self.marks if mark.name == name), None)
