"""The record of a game day: ``gameday.json``, written whole after everything that happens.

Its format is described by ``gameday.schema.json`` beside this file. Times are seconds from
``origin``, a moment in seconds since 1970.
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

VERSION = 1
SCHEMA = Path(__file__).with_name("gameday.schema.json")
FILE = "gameday.json"

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
    """What became of one step; see the schema. Times are seconds from the origin."""

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
    """Something that happened.

    Attributes:
        at: seconds from the origin.
        kind: what kind of thing.
        text: in words.
        step: the number of the step it belongs to.
    """

    at: float
    kind: Kind
    text: str
    step: int | None = None


class Record:
    """Collects what happens, from any thread.

    Args:
        folder: where :data:`FILE` goes.
        head: what does not change: title, system, run book, seed, stop conditions.
        now: seconds from the origin.
        origin: seconds since 1970 of second 0.
        series: the journeys' figures, JSON-able.
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
        self.path = folder / FILE
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
        """All steps that were begun, in their order."""
        with self._lock:
            return tuple(self._steps.values())

    def entry(self, number: int) -> StepEntry:
        """What is known of a step."""
        with self._lock:
            return self._steps[number]

    def event(self, kind: Kind, text: str, step: int | None = None) -> None:
        """Something happened just now."""
        with self._lock:
            self._events.append(DayEvent(round(self._now(), 3), kind, text, step))
            self._save()

    def step(self, entry: StepEntry) -> None:
        """A step began; its number must be new."""
        with self._lock:
            self._steps[entry.number] = entry

    def change(self, number: int, **changes: Any) -> StepEntry:
        """Something became known about a step. What a person said about its outcome stays."""
        with self._lock:
            before = self._steps[number]
            if before.outcome_by == "person" and changes.get("outcome_by") != "person":
                changes = {key: value for key, value in changes.items() if not key.startswith("outcome")}
            self._steps[number] = replace(before, **changes)
            return self._steps[number]

    def refresh(self) -> None:
        """Bring the journeys' figures up to date, for the next time that it is written.

        Not with every event: after some hours it takes a fifth of a second, in which whoever lifts
        something should not wait.
        """
        with self._refreshing:
            figures = self._dump(self._series())
            with self._lock:
                self._figures = figures

    def end(self, text: str) -> None:
        """The game day is over."""
        self.refresh()
        with self._lock:
            self._ended = self._now()
            self.event("ended", text)

    def to_record(self) -> dict[str, Any]:
        """JSON-able data, as the schema describes it, but for the series."""
        with self._lock:
            told = {
                kind: [each for each in self._events if each.kind == kind] for kind in ("note", "question")
            }
            return {
                "version": VERSION,
                "kind": "gameday",
                "started_at": self._wall(0.0),
                "ended_at": None if self._ended is None else self._wall(self._ended),
                "origin": self._origin,
                **self._head,
                "steps": [{**asdict(each), "faults": list(each.faults)} for each in self._steps.values()],
                "events": [asdict(each) for each in self._events],
                "notes": [{"at": each.at, "text": each.text} for each in told["note"]],
                "questions": [{"at": each.at, "text": each.text} for each in told["question"]],
            }

    def _wall(self, at: float) -> str:
        return datetime.fromtimestamp(self._origin + at, UTC).isoformat(timespec="seconds")

    @staticmethod
    def _dump(data: Mapping[str, Any]) -> str:
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    def _save(self) -> None:
        """Write it; a full disk must not keep anybody from lifting, so it is only said."""
        text = f'{self._dump(self.to_record())[:-1]},"series":{self._figures}}}\n'
        try:
            journal.put(self.path, text, "the record of the game day cannot be written")
            self.unwritten = None
        except JournalUnwritable as error:
            self.unwritten = f"{error.what}: {error.evidence}"
