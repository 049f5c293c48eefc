"""The journal: the JSON record of one experiment, from which its verdict can be found again.

The format is described by ``journal.schema.json`` beside this file; its number is
:data:`VERSION`. Times are seconds from the record's origin. Samples are kept by column, in a record
as arrays: a million of them are 40 megabytes of text, and 30 where they are read.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from chaoskit.errors import JournalUnwritable, UsageError
from chaoskit.record.history import Access, Acknowledgement, Check, History, Mark, Outcome
from chaoskit.record.jsontext import parse, pieces
from chaoskit.record.samples import OUTCOMES, Column, Columns
from chaoskit.system import Component, Impact, Slo, Terms
from chaoskit.system.arrivals import STEADY, Course

VERSION = 2
SCHEMA = Path(__file__).with_name("journal.schema.json")

_COLUMNS = {"intended": "d", "started": "d", "ended": "d", "outcome": "B", "error": "i"}
"""Of a journey's samples: name → type code of its array."""


def origin(history: History) -> float:
    """The moment from which a record's times count: the first entry, or 0 in an empty history."""
    first = [each.intended[0] for each in history.columns().values()]
    return min([mark.at for mark in history.marks] + first, default=0.0)


def history_to_record(history: History) -> dict[str, Any]:
    """A history as data for :func:`write`; times in microsecond resolution from its first entry.

    The columns of the samples are arrays, with infinity for what has not happened; all else is
    JSON-able.
    """
    columns, marks = history.columns(), history.marks
    start = origin(history)

    def since(moment: float | None) -> float | None:
        return None if moment is None else round(moment - start, 6)

    def moments(times: Iterable[float]) -> array[float]:
        return array("d", (round(moment - start, 6) for moment in times))

    errors = sorted({error for column in columns.values() for error in column.errors if error})
    number = {"": -1, **{error: index for index, error in enumerate(errors)}}
    return {
        "origin": start,
        "outcomes": [outcome.value for outcome in OUTCOMES],
        "errors": errors,
        "samples": {
            journey: {
                "intended": moments(column.intended),
                "started": moments(column.started),
                "ended": moments(column.ended),
                "outcome": column.outcome,
                "error": array("i", map([number[text] for text in column.errors].__getitem__, column.error)),
            }
            for journey, column in columns.items()
        },
        "marks": [{"name": mark.name, "at": since(mark.at), "detail": _plain(mark.detail)} for mark in marks],
        "acknowledgements": [
            {**asdict(promise), "at": since(promise.at)} for promise in history.acknowledgements
        ],
        "checks": [asdict(check) for check in history.checks],
        "accesses": [{**asdict(access), "at": since(access.at)} for access in history.accesses],
    }


def history_from_record(record: Mapping[str, Any]) -> History:
    """The inverse of :func:`history_to_record`; times count from the origin. Lists will do for arrays.

    A journal from before users could say what they wrote and read has no ``accesses``.
    """
    outcomes = [Outcome(value) for value in record["outcomes"]]
    columns = Columns()
    for journey, rows in record["samples"].items():
        columns[journey] = Column.of(
            journey, *(rows[name] for name in _COLUMNS), outcomes=outcomes, errors=record["errors"]
        )
    history = History(columns)
    history.add(*(Mark(**mark) for mark in record["marks"]))
    history.add(*(Acknowledgement(**promise) for promise in record["acknowledgements"]))
    history.add(*(Check(**check) for check in record["checks"]))
    history.add(*(Access(**access) for access in record.get("accesses", ())))
    return history


def terms_from_record(record: Mapping[str, Any]) -> Terms:
    """The inverse of ``dataclasses.asdict`` for :class:`Terms`."""
    degraded = record["degraded"]
    knots = record["course"]["knots"] if "course" in record else STEADY.knots
    return Terms(
        **{
            **record,
            "course": Course(tuple((at, factor) for at, factor in knots)),
            "slo": Slo(**record["slo"]),
            "degraded": None if degraded is None else Slo(**degraded),
            "needs": tuple(record["needs"]),
            "uses": tuple(record["uses"]),
        }
    )


def components_from_record(record: Sequence[Mapping[str, Any]]) -> tuple[Component, ...]:
    """The components of a record."""
    return tuple(Component(**each) for each in record)


def impact_to_record(impact: Impact) -> dict[str, Any]:
    """An impact as JSON-able data."""
    return {
        "lost": sorted(impact.lost),
        "strained": sorted(impact.strained),
        "severed": sorted(map(list, impact.severed)),
        "hampered": sorted(map(list, impact.hampered)),
    }


def impact_from_record(record: Mapping[str, Any]) -> Impact:
    """The inverse of :func:`impact_to_record`."""
    return Impact(
        lost=frozenset(record["lost"]),
        strained=frozenset(record["strained"]),
        severed=frozenset((a, b) for a, b in record["severed"]),
        hampered=frozenset((a, b) for a, b in record["hampered"]),
    )


def write(path: Path, record: Mapping[str, Any]) -> None:
    """Write a journal whole or not at all.

    Raises:
        JournalUnwritable: a full disk, no permission; no half-written file stays behind.
    """
    text = chain(pieces(record), ["\n"])
    put(path, text, "the journal cannot be written, so there is no verdict")


def put(path: Path, text: Iterable[str], otherwise: str) -> None:
    """Write a file whole or not at all; its folder is made.

    Args:
        path: the file.
        text: what it holds, in pieces.
        otherwise: what to say where it cannot be written.

    Raises:
        JournalUnwritable: a full disk, no permission; no half-written file stays behind.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8") as file:
            file.writelines(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(
            OSError
        ):  # the folder itself cannot be written: there is nothing to take away
            part.unlink(missing_ok=True)
        raise JournalUnwritable(
            otherwise,
            where=str(path),
            evidence=error.strerror or str(error),
            remedy="free some space there, or choose another folder with --chaos-report-dir",
        ) from error


def read(path: Path) -> dict[str, Any]:
    """Read a journal. The columns of its samples come as arrays; see :func:`history_to_record`.

    Raises:
        UsageError: the file is not there, not JSON, or of a version that this chaoskit does not know.
    """
    try:
        record = parse(path.read_bytes(), _COLUMNS)
    except OSError as error:
        raise UsageError("the journal cannot be read", where=str(path), evidence=error.strerror) from error
    except ValueError as error:
        raise UsageError(
            "this is no journal: it is not JSON", where=str(path), evidence=str(error)
        ) from error
    version = record.get("version") if isinstance(record, dict) else None
    # A report folder holds other JSON, with versions of its own; whoever reads it tells them apart.
    if version is None or ("judgement" in record and version != VERSION):
        raise UsageError(
            "this journal is of another version",
            where=str(path),
            limit=f"version {VERSION}",
            evidence=f"version {version}",
            remedy="read it with the chaoskit that wrote it",
        )
    return dict(record)


def _plain(value: Any) -> Any:
    """JSON-able, whatever a mark carries."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
