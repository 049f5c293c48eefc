"""What happened in an experiment, in one append-only record: samples, marks, acknowledgements, accesses.

The load process and the harness write; judges read. Nothing is ever changed or removed.
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
        name: the name of a phase (``control``, ``inject``, ``landed``, ``lift``, ``gone``, ``end``, …) or of
            an event.
        at: seconds of the shared monotonic clock.
        detail: figures and text, JSON-able.
    """

    name: str
    at: float
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Something that the system confirmed to a user: from here on, ``id`` must stay true.

    Attributes:
        journey: the journey that got the confirmation.
        kind: what was confirmed: ``order``, ``upload``.
        id: which one; unique within its kind.
        at: when it was confirmed, in seconds of the shared monotonic clock.
    """

    journey: str
    kind: str
    id: str
    at: float


@dataclass(frozen=True, slots=True)
class Check:
    """What became of an acknowledgement.

    Attributes:
        kind, id: those of the acknowledgement.
        kept: whether it was still true; ``None`` if the check could not tell.
        error: why it was not true, in one short line.
    """

    kind: str
    id: str
    kept: bool | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """A user wrote or read something that has versions.

    The accesses of one user are in the order of that user's calls.

    Attributes:
        journey: the journey in which it happened.
        user: the user's number within the journey.
        kind: what was written or read: ``orders``, ``profile``.
        id: which one; unique within its kind.
        wrote: whether this was a confirmed write; otherwise it was a read.
        version: the version that was written or shown, a number that only grows; ``None`` for a read that
            showed nothing.
        at: when the journey reported it, in seconds of the shared monotonic clock.
    """

    journey: str
    user: int
    kind: str
    id: str
    wrote: bool
    version: int | None
    at: float


class History:
    """The record of one experiment. Several threads may append to it.

    Readers get a copy of what the record held at that moment.

    Args:
        samples: the first samples, from a journal; they belong to the history from here on.
    """

    def __init__(self, samples: Columns | None = None) -> None:
        self._lock = threading.Lock()
        self._samples = Columns() if samples is None else samples
        self._marks: list[Mark] = []
        self._acknowledgements: list[Acknowledgement] = []
        self._checks: list[Check] = []
        self._accesses: list[Access] = []

    def add(self, *entries: Sample | Mark | Acknowledgement | Check | Access) -> None:
        """Append entries, each to the list of its kind."""
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
        """A copy of the samples that were due at ``since`` or later, by column: for counting."""
        with self._lock:
            return self._samples.since(since)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All marks, in the order in which they were made."""
        with self._lock:
            return tuple(self._marks)

    @property
    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """All acknowledgements."""
        with self._lock:
            return tuple(self._acknowledgements)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What became of the acknowledgements."""
        with self._lock:
            return tuple(self._checks)

    @property
    def accesses(self) -> tuple[Access, ...]:
        """What users wrote and read, for each user in the order of the calls."""
        with self._lock:
            return tuple(self._accesses)

    def mark(self, name: str) -> Mark | None:
        """The first mark of that name."""
        return next((mark for mark in self.marks if mark.name == name), None)
