"""The journal: the JSON record of one experiment, from which its verdict can be found again.

``journal.schema.json`` beside this file describes the format, and ``journal_types.py`` gives it as Python
types; :data:`VERSION` is its number. Times are seconds from the record's origin. Samples are kept by
column. In a record the columns are arrays: a million samples take 40 megabytes as text and 30 as arrays.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

from chaoskit.errors import JournalUnwritable, UsageError
from chaoskit.record.history import Access, Acknowledgement, Check, History, Mark, Outcome
from chaoskit.record.journal_types import (
    ComponentRecord,
    HistoryRecord,
    ImpactRecord,
    Journal,
    TermsRecord,
)
from chaoskit.record.jsontext import parse, pieces
from chaoskit.record.samples import OUTCOMES, Column, Columns
from chaoskit.system import Component, Impact, Slo, Terms
from chaoskit.system.arrivals import STEADY, Course

VERSION: Final = 2
SCHEMA = Path(__file__).with_name("journal.schema.json")

_COLUMNS = {"intended": "d", "started": "d", "ended": "d", "outcome": "B", "error": "i"}
"""The columns of a journey's samples: name → type code of its array."""


def origin(history: History) -> float:
    """The moment from which a record's times count: the first entry, or 0 in an empty history."""
    first = [each.intended[0] for each in history.columns().values()]
    return min([mark.at for mark in history.marks] + first, default=0.0)


def history_to_record(history: History) -> HistoryRecord:
    """A history as data for :func:`write`; times in microseconds' resolution from the first entry.

    The columns of the samples are arrays, with infinity for a moment that never came; everything else is
    JSON-able.
    """
    columns, marks = history.columns(), history.marks
    start = origin(history)

    def since(moment: float) -> float:
        return round(moment - start, 6)

    def moments(times: Iterable[float]) -> array[float]:
        return array("d", map(since, times))

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
            {"journey": each.journey, "kind": each.kind, "id": each.id, "at": since(each.at)}
            for each in history.acknowledgements
        ],
        "checks": [
            {"kind": each.kind, "id": each.id, "kept": each.kept, "error": each.error}
            for each in history.checks
        ],
        "accesses": [
            {
                "journey": each.journey,
                "user": each.user,
                "kind": each.kind,
                "id": each.id,
                "wrote": each.wrote,
                "version": each.version,
                "at": since(each.at),
            }
            for each in history.accesses
        ],
    }


def history_from_record(record: HistoryRecord) -> History:
    """The inverse of :func:`history_to_record`; times count from the origin. The columns may also be lists.

    Older journals have no ``accesses``: users could not yet say what they wrote and read.
    """
    outcomes = [Outcome(value) for value in record["outcomes"]]
    columns = Columns()
    for journey, rows in record["samples"].items():
        columns[journey] = Column.of(journey, **rows, outcomes=outcomes, errors=record["errors"])
    history = History(columns)
    history.add(*(Mark(**mark) for mark in record["marks"]))
    history.add(*(Acknowledgement(**promise) for promise in record["acknowledgements"]))
    history.add(*(Check(**check) for check in record["checks"]))
    history.add(*(Access(**access) for access in record.get("accesses", ())))
    return history


def terms_to_record(terms: Terms) -> TermsRecord:
    """A journey's terms as JSON-able data."""
    return cast(TermsRecord, asdict(terms))


def terms_from_record(record: TermsRecord) -> Terms:
    """The inverse of :func:`terms_to_record`."""
    degraded = record["degraded"]
    knots = record["course"]["knots"] if "course" in record else STEADY.knots
    return Terms(
        name=record["name"],
        rate=record["rate"],
        slo=Slo(**record["slo"]),
        needs=tuple(record["needs"]),
        uses=tuple(record["uses"]),
        degraded=None if degraded is None else Slo(**degraded),
        ledger=record["ledger"],
        timeout=record["timeout"],
        pattern=record.get("pattern", "constant"),
        course=Course(tuple((at, factor) for at, factor in knots)),
    )


def component_to_record(component: Component) -> ComponentRecord:
    """A component as JSON-able data."""
    return {
        "name": component.name,
        "service": component.service,
        "index": component.index,
        "image": component.image,
    }


def components_from_record(record: Sequence[ComponentRecord]) -> tuple[Component, ...]:
    """The components of a record."""
    return tuple(Component(**each) for each in record)


def impact_to_record(impact: Impact) -> ImpactRecord:
    """An impact as JSON-able data."""
    return {
        "lost": sorted(impact.lost),
        "strained": sorted(impact.strained),
        "severed": sorted(map(list, impact.severed)),
        "hampered": sorted(map(list, impact.hampered)),
    }


def impact_from_record(record: ImpactRecord) -> Impact:
    """The inverse of :func:`impact_to_record`."""
    return Impact(
        lost=frozenset(record["lost"]),
        strained=frozenset(record["strained"]),
        severed=frozenset((a, b) for a, b in record["severed"]),
        hampered=frozenset((a, b) for a, b in record["hampered"]),
    )


def write(path: Path, record: Journal) -> None:
    """Write a journal, whole or not at all.

    Raises:
        JournalUnwritable: a full disk or no permission; no half-written file stays behind.
    """
    put_json(path, record, "the journal cannot be written, so there is no verdict")


def put_json(path: Path, value: Any, otherwise: str) -> None:
    """Write a value as a JSON file, whole or not at all; see :func:`put`."""
    put(path, chain(pieces(value), ["\n"]), otherwise)


def put(path: Path, text: Iterable[str], otherwise: str) -> None:
    """Write a file, whole or not at all; missing folders are made.

    Args:
        path: the file.
        text: its text, in pieces.
        otherwise: the message of the error if the file cannot be written.

    Raises:
        JournalUnwritable: a full disk or no permission; no half-written file stays behind.
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
        # If the folder itself cannot be written, there is no part to remove.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise JournalUnwritable(
            otherwise,
            where=str(path),
            evidence=error.strerror or str(error),
            remedy="free some space there, or choose another folder with --chaos-report-dir",
        ) from error


def read(path: Path) -> Journal:
    """Read a journal. The columns of its samples come as arrays; see :func:`history_to_record`.

    Only the version is checked: a file from elsewhere may still lack what the schema asks for.

    Raises:
        UsageError: the file cannot be read, is not JSON, or has a version that this chaoskit does not know.
    """
    try:
        record = parse(path.read_bytes(), _COLUMNS)
    except OSError as error:
        raise UsageError("the journal cannot be read", where=str(path), evidence=error.strerror) from error
    except ValueError as error:
        raise UsageError(
            "this is not a journal: the file is not valid JSON", where=str(path), evidence=str(error)
        ) from error
    version = record.get("version") if isinstance(record, dict) else None
    # A report folder holds other JSON, with versions of its own; its reader tells them apart.
    if version is None or ("judgement" in record and version != VERSION):
        raise UsageError(
            "the journal has another version",
            where=str(path),
            limit=f"version {VERSION}",
            evidence="no version" if version is None else f"version {version}",
            remedy="read it with the chaoskit that wrote it",
        )
    return cast(Journal, record)


def lacks(record: Journal) -> list[str]:
    """The parts that a record needs to be a journal and does not have. Other JSON files of a report folder
    also have a version, so :func:`read` accepts them.
    """
    return [part for part in ("experiment", "history", "judgement", "run", "system") if part not in record]


def _plain(value: Any) -> Any:
    """The value as JSON-able data, whatever a mark carries."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
