"""Reads and checks the record of a game day.

It reads key by key, so that an error names the place in the record. A malformed record is one clear error,
before any report is written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.record import journal
from chaoskit.report.afteraction.day import (
    OUTCOMES,
    Outcome,
    RecordedCondition,
    RecordedDay,
    RecordedEvent,
    RecordedJourney,
    RecordedSeries,
    RecordedStep,
)
from chaoskit.report.page import facts
from chaoskit.report.page.facts import Facts
from chaoskit.report.page.sources import GAME_DAY
from chaoskit.system import Slo

T = TypeVar("T")

_LONGEST_DAY_SECONDS = 1e8
"""No game day lasts three years."""


class Fields:
    """One object of a record.

    Args:
        value: the object, as parsed from JSON.
        file: the file of the record.
        at: the place of the object in the record, as in ``steps[2]``; empty for the whole record.

    Raises:
        UsageError: the value is not an object. Every method also raises it for a value that is missing or
            of the wrong type.
    """

    def __init__(self, value: Any, file: Path, at: str = "") -> None:
        self.file, self._at = file, at
        if not isinstance(value, Mapping):
            raise self.wrong("not an object", value)
        self._value = value

    def wrong(self, why: str, value: Any, key: str = "") -> UsageError:
        """The error that tells what is wrong with the record, and where."""
        at = ".".join(part for part in (self._at, key) if part) or "the record"
        shown = repr(value)
        return UsageError(
            "not a valid record of a game day",
            where=str(self.file),
            evidence=f"{at}: {why}: {shown[:120]}{'…' if len(shown) > 120 else ''}",
            remedy="use the folder exactly as the game day left it, with the version of chaoskit that ran it",
        )

    def has(self, key: str) -> bool:
        """Whether the key has a value."""
        return self._value.get(key) is not None

    def text(self, key: str, otherwise: str | None = None) -> str:
        """A text; ``otherwise`` if it is missing."""
        if otherwise is not None and not self.has(key):
            return otherwise
        value = self._get(key)
        if not isinstance(value, str):
            raise self.wrong("not a text", value, key)
        return _encodable(value)

    def number(self, key: str) -> float:
        """A finite number."""
        return self._number(self._get(key), key)

    def moment(self, key: str) -> float:
        """Seconds from the origin of the day."""
        value = self.number(key)
        if abs(value) > _LONGEST_DAY_SECONDS:
            raise self.wrong("not a moment of a game day, in seconds from its origin", value, key)
        return value

    def whole(self, key: str) -> int:
        """A whole number."""
        value = self.number(key)
        if value != int(value):
            raise self.wrong("not a whole number", value, key)
        return int(value)

    def maybe(self, read: Callable[[str], T], key: str) -> T | None:
        """What ``read`` reads, or ``None`` if the key has no value."""
        return read(key) if self.has(key) else None

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self.wrong("neither true nor false", value, key)
        return value

    def choice(self, key: str, choices: Mapping[str, T]) -> T:
        """The value that one of several words stands for."""
        value = self.text(key)
        if value not in choices:
            raise self.wrong(f"none of {', '.join(choices)}", value, key)
        return choices[value]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is missing."""
        values = self._list(key)
        if not all(isinstance(each, str) for each in values):
            raise self.wrong("not a list of texts", values, key)
        return tuple(map(_encodable, values))

    def counts(self, key: str) -> tuple[int, ...]:
        """A column of counts."""
        values = [self._number(each, key) for each in self._list(key)]
        if any(each < 0 or each != int(each) for each in values):
            raise self.wrong("not a column of counts", values, key)
        return tuple(map(int, values))

    def figures(self, key: str) -> tuple[float | None, ...]:
        """A column of numbers, of which some are unknown (``None``)."""
        return tuple(None if each is None else self._number(each, key) for each in self._list(key))

    def object(self, key: str) -> Fields:
        """The object under the key."""
        return Fields(self._get(key), self.file, f"{self._at}.{key}".lstrip("."))

    def objects(self, key: str) -> list[Fields]:
        """A list of objects; empty if it is missing."""
        at = f"{self._at}.{key}".lstrip(".")
        return [Fields(each, self.file, f"{at}[{number}]") for number, each in enumerate(self._list(key))]

    def named(self, key: str) -> dict[str, Fields]:
        """Objects by their names."""
        within = self.object(key)
        return {_encodable(str(name)): within.object(name) for name in within._value}

    def _get(self, key: str) -> Any:
        if key not in self._value:
            raise self.wrong("missing", None, key)
        return self._value[key]

    def _list(self, key: str) -> list[Any]:
        values = self._value.get(key)
        if values is None:
            return []
        if not isinstance(values, list):
            raise self.wrong("not a list", values, key)
        return values

    def _number(self, value: Any, key: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.wrong("not a number", value, key)
        return value


def _encodable(text: str) -> str:
    """Text that a file can hold. JSON allows lone surrogates; each becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


VERSION = 1
"""The version of the records that this module reads."""

_LATEST_ORIGIN_SECONDS = 1e11
"""Seconds since 1970; a calendar ends soon after."""

_OUTCOMES: dict[str, Outcome] = {each: each for each in OUTCOMES}
_VERDICTS = {each.name: each for each in Verdict}
_SLO_PROMISES = frozenset(each.name for each in fields(Slo))


def read(folder: Path) -> RecordedDay:
    """Read a game day, with the journals of its steps.

    A game day that crashed can be read, too: its record has no end, and its last step may be incomplete.

    Raises:
        UsageError: the record is missing, malformed or of another version; a journal that it names is
            missing or not a journal.
    """
    file = folder / GAME_DAY
    record = Fields(_json(file), file)
    version, kind = record.maybe(record.number, "version"), record.maybe(record.text, "kind")
    if kind != "gameday":
        raise record.wrong("not 'gameday'", kind, "kind")
    if version != VERSION:
        raise UsageError(
            "the record of the game day has another version",
            where=str(file),
            limit=f"version {VERSION}",
            evidence=f"version {version if version is None else format(version, 'g')}",
            remedy="use the version of chaoskit that ran the game day",
        )
    system = record.object("system")
    steps = [_step(each, folder) for each in record.objects("steps")]
    numbers = [each.number for each in steps]
    if len(set(numbers)) < len(numbers):
        raise record.wrong("two steps have the same number", numbers, "steps")
    return RecordedDay(
        folder=folder,
        title=record.text("title", "") or "Game day",
        started_at=record.text("started_at"),
        ended_at=record.maybe(record.text, "ended_at"),
        compose=system.texts("compose"),
        project=system.maybe(system.text, "project"),
        attached=system.flag("attached"),
        touch=system.texts("touch"),
        origin=_origin(record),
        runbook=record.maybe(record.text, "runbook"),
        seed=record.whole("seed"),
        conditions=[
            RecordedCondition(each.text("name"), each.text("text", ""))
            for each in record.objects("stop_conditions")
        ],
        steps=steps,
        events=[_event(each, each.text("kind")) for each in record.objects("events")],
        notes=[_event(each, "note") for each in record.objects("notes")],
        questions=[_event(each, "question") for each in record.objects("questions")],
        series=_series(record.object("series")) if record.has("series") else RecordedSeries(1.0, 0.0, ()),
    )


def _json(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            "the record of the game day cannot be read",
            where=str(file),
            evidence=error.strerror,
            remedy="name the folder that a game day wrote",
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            "not a record of a game day: the file is not valid JSON", where=str(file), evidence=str(error)
        ) from error


def _origin(record: Fields) -> float:
    origin = record.number("origin")
    if not 0 <= origin <= _LATEST_ORIGIN_SECONDS:
        raise record.wrong("not a moment, in seconds since 1970", origin, "origin")
    return origin


def _event(record: Fields, kind: str) -> RecordedEvent:
    return RecordedEvent(
        record.moment("at"), kind, record.text("text", ""), record.maybe(record.whole, "step")
    )


def _step(record: Fields, folder: Path) -> RecordedStep:
    return RecordedStep(
        number=record.whole("number"),
        name=record.text("name", ""),
        by=record.text("by", ""),
        hypothesis=record.text("hypothesis", ""),
        faults=record.texts("faults"),
        injected=record.maybe(record.moment, "injected"),
        landed=record.maybe(record.moment, "landed"),
        evidence=record.text("evidence", ""),
        lift=record.maybe(record.moment, "lift"),
        gone=record.maybe(record.moment, "gone"),
        recovered=record.maybe(record.moment, "recovered"),
        stopped_by=record.maybe(record.text, "stopped_by"),
        verdict=record.choice("verdict", _VERDICTS) if record.has("verdict") else None,
        outcome=record.choice("outcome", _OUTCOMES) if record.has("outcome") else "open",
        outcome_by=record.text("outcome_by", ""),
        seen=record.text("seen", ""),
        facts=_facts(record, folder) if record.has("journal") else None,
    )


def _facts(record: Fields, folder: Path) -> Facts:
    name = record.text("journal")
    if not name or Path(name).name != name or "\\" in name:
        raise record.wrong("not the name of a file in the folder of the game day", name, "journal")
    try:
        return facts.of(name, journal.read(folder / name))
    except UsageError as error:
        raise UsageError(
            error.what,
            where=str(folder / name),
            limit=error.limit,
            evidence=error.evidence,
            remedy=f"{GAME_DAY} names this journal; {error.remedy or 'put it back into the folder'}",
        ) from error


def _series(record: Fields) -> RecordedSeries:
    width = record.number("step_seconds")
    if width <= 0:
        raise record.wrong("not a length of time", width, "step_seconds")
    journeys = (_journey(name, each) for name, each in record.named("journeys").items())
    return RecordedSeries(width, record.moment("from"), tuple(each for each in journeys if each.arrivals))


def _journey(name: str, record: Fields) -> RecordedJourney:
    found = RecordedJourney(
        name,
        _slo(record.object("slo")),
        _slo(record.object("degraded")) if record.has("degraded") else None,
        record.counts("arrivals"),
        record.counts("failed"),
        record.figures("p50"),
        record.figures("p95"),
        record.figures("p99"),
    )
    lengths = {len(each) for each in (found.arrivals, found.failed, found.p50, found.p95, found.p99)}
    if len(lengths) > 1:
        raise record.wrong("the columns are not equally long", sorted(lengths))
    return found


def _slo(record: Fields) -> Slo:
    """The SLO, with the promises that this version of chaoskit knows."""
    return Slo(**{name: record.number(name) for name in _SLO_PROMISES if record.has(name)})
