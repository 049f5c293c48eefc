"""The record of a game day: ``gameday.json``, written as a whole after each event.

``gameday.schema.json`` beside this file describes the format. Times are seconds from ``origin``, which
is a moment in seconds since 1970.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from chaoskit.errors import JournalUnwritable
from chaoskit.record import journal

FORMAT_VERSION = 1
SCHEMA_PATH = Path(__file__).with_name("gameday.schema.json")
RECORD_FILE = "gameday.json"

Kind = Literal[
    "started",
    "steady",
    "unsteady",
    "inject",
    "landed",
    "lift",
    "gone",
    "not gone",
    "recovered",
    "stop",
    "lift all",
    "verified",
    "note",
    "question",
    "hypothesis",
    "error",
    "ended",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """What is known of one step; see the schema. Times are seconds from the origin."""

    number: int
    name: str
    by: Literal["runbook", "hand"]
    hypothesis: str = ""
    faults: tuple[str, ...] = ()
    injected: float | None = None
    landed: float | None = None
    evidence: str = ""
    lift: float | None = None
    gone: float | None = None
    recovered: float | None = None
    stopped_by: str | None = None
    verdict: str | None = None
    outcome: Literal["confirmed", "refuted", "open"] = "open"
    outcome_by: Literal["judge", "person"] = "judge"
    seen: str = ""
    journal: str | None = None


@dataclass(frozen=True, slots=True)
class DayEvent:
    """An event.

    Attributes:
        at: seconds from the origin.
        kind: its kind.
        text: what happened, in words.
        step: the number of its step; ``None`` between steps.
    """

    at: float
    kind: Kind
    text: str
    step: int | None = None


class Record:
    """Collects events and steps; any thread may add to it.

    Args:
        folder: where :data:`RECORD_FILE` goes.
        head: the constant part: title, system, run book, seed, stop conditions.
        now: returns the seconds from the origin.
        origin: second 0, in seconds since 1970.
        series: returns the journeys' figures, JSON-able.
    """

    def __init__(
        self,
        folder: Path,
        head: Mapping[str, Any],
        *,
        now: Callable[[], float],
        origin: float,
        series: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.path = folder / RECORD_FILE
        self.unwritten: str | None = None
        self._head, self._now, self._origin, self._series = dict(head), now, origin, series
        self._lock, self._refreshing = threading.RLock(), threading.Lock()
        self._events: list[DayEvent] = []
        self._steps: dict[int, StepEntry] = {}
        self._ended: float | None = None
        self._figures = self._dump(series())

    @property
    def events(self) -> tuple[DayEvent, ...]:
        """All events so far."""
        with self._lock:
            return tuple(self._events)

    @property
    def steps(self) -> tuple[StepEntry, ...]:
        """All steps that have started, in their order."""
        with self._lock:
            return tuple(self._steps.values())

    def entry(self, number: int) -> StepEntry:
        """What is known of a step."""
        with self._lock:
            return self._steps[number]

    def event(self, kind: Kind, text: str, step: int | None = None) -> None:
        """Record an event that happens now, and write the record."""
        with self._lock:
            self._events.append(DayEvent(round(self._now(), 3), kind, text, step))
            self._save()

    def step(self, entry: StepEntry) -> None:
        """Add a step that starts; its number must be new."""
        with self._lock:
            self._steps[entry.number] = entry

    def change(self, number: int, **changes: Any) -> StepEntry:
        """Change what is known of a step. What a person said about its outcome stays."""
        with self._lock:
            before = self._steps[number]
            if before.outcome_by == "person" and changes.get("outcome_by") != "person":
                changes = {key: value for key, value in changes.items() if not key.startswith("outcome")}
            self._steps[number] = replace(before, **changes)
            return self._steps[number]

    def refresh(self) -> None:
        """Bring the journeys' figures up to date for the next time that the record is written.

        This is not done with every event: after some hours it takes a fifth of a second, for which no
        lift should wait.
        """
        with self._refreshing:
            figures = self._dump(self._series())
            with self._lock:
                self._figures = figures

    def end(self, text: str) -> None:
        """Record the end of the game day."""
        self.refresh()
        with self._lock:
            self._ended = self._now()
            self.event("ended", text)

    def to_record(self) -> dict[str, Any]:
        """JSON-able data as the schema describes it, without the series."""
        with self._lock:
            by_kind = {
                kind: [each for each in self._events if each.kind == kind] for kind in ("note", "question")
            }
            return {
                "version": FORMAT_VERSION,
                "kind": "gameday",
                "started_at": self._wall(0.0),
                "ended_at": None if self._ended is None else self._wall(self._ended),
                "origin": self._origin,
                **self._head,
                "steps": [{**asdict(each), "faults": list(each.faults)} for each in self._steps.values()],
                "events": [asdict(each) for each in self._events],
                "notes": [{"at": each.at, "text": each.text} for each in by_kind["note"]],
                "questions": [{"at": each.at, "text": each.text} for each in by_kind["question"]],
            }

    def _wall(self, at: float) -> str:
        return datetime.fromtimestamp(self._origin + at, UTC).isoformat(timespec="seconds")

    @staticmethod
    def _dump(data: Mapping[str, Any]) -> str:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    def _save(self) -> None:
        """Write the record. An error is only kept for the screen, since a full disk must prevent no lift."""
        text = f'{self._dump(self.to_record())[:-1]},"series":{self._figures}}}\n'
        try:
            journal.put(self.path, text, "the record of the game day cannot be written")
            self.unwritten = None
        except JournalUnwritable as error:
            self.unwritten = f"{error.what}: {error.evidence}"
