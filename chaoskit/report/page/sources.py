"""The sources of a report: journals, and the detection matrix if there is one beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaoskit.errors import UsageError
from chaoskit.record import journal
from chaoskit.record.journal_types import Journal
from chaoskit.report.page import facts
from chaoskit.report.page.facts import Facts

DETECTION = "detection.json"
"""The name of the file with the detection matrix, in a folder of journals."""

GAME_DAY = "gameday.json"
"""The name of the file with the record of a game day, in a folder of journals."""

_OTHER_FILES = frozenset({DETECTION, GAME_DAY, "independence.json"})


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that goes into a report.

    Attributes:
        journals: the facts of each journal, in the order in which the caller named them. The journals
            of a folder are in the order in which they were written.
        detection: detection matrices, as :func:`chaoskit.mutants.to_record` writes them.
        passed_over: the files of a folder that are not journals, each with the reason.
        game_days: the folders with the record of a game day. A game day has a report of its own.
    """

    journals: Sequence[Facts]
    detection: Sequence[Mapping[str, Any]] = ()
    passed_over: Sequence[str] = ()
    game_days: Sequence[Path] = ()


def gather(paths: Iterable[Path]) -> Sources:
    """Read journals, one at a time. Of a million requests only what the page shows stays in memory.

    Args:
        paths: journals, or folders of journals. A detection matrix beside a journal is read with it,
            and may also be named itself. The record of a game day may be named instead of its folder.

    Raises:
        UsageError: a path does not exist; a named file is not a readable journal; a journal does not
            match its schema; there is neither a journal nor a game day.
    """
    files: dict[Path, Facts] = {}
    matrices: dict[Path, Mapping[str, Any]] = {}
    passed: list[str] = []
    days: dict[Path, Path] = {}
    for path in (each.parent if each.name == GAME_DAY and each.is_file() else each for each in paths):
        if path.is_dir():
            if (path / GAME_DAY).exists():
                days.setdefault(path.resolve(), path)
            found = [*_folder(path, passed)]
            files |= {file: each for file, each in found if file not in files}
            _add_detection(path / DETECTION, matrices, passed)
        elif path.name == DETECTION:
            matrices[path.resolve()] = _detection(path)
        else:
            files[path.resolve()] = files.get(path.resolve()) or facts.of(path.name, _journal(path))
            _add_detection(path.parent / DETECTION, matrices, passed)
    if not files and not days:
        raise UsageError(
            "there is no journal to report",
            where=", ".join(map(str, paths)) or None,
            evidence="\n".join(passed) or None,
            remedy="name journals, or the folder of --chaos-report-dir (default: chaoskit-report)",
        )
    return Sources(tuple(files.values()), tuple(matrices.values()), tuple(passed), tuple(days.values()))


def _folder(folder: Path, passed: list[str]) -> list[tuple[Path, Facts]]:
    found = []
    for path in sorted(folder.glob("*.json")):
        if path.name in _OTHER_FILES or path.name.startswith("."):
            continue
        try:
            record = _journal(path)
        except UsageError as error:
            passed.append(f"{path}: {error.what}")
        else:
            found.append((path.resolve(), facts.of(path.name, record)))
            del record  # before the next is read
    return sorted(found, key=lambda each: str(each[1].record["run"]["written_at"]))


def _journal(path: Path) -> Journal:
    record = journal.read(path)
    if missing := sorted({"experiment", "run", "system", "history", "judgement"} - set(record)):
        raise UsageError(
            "this is not a journal", where=str(path), evidence=f"it has no {', no '.join(missing)}"
        )
    return record


def _add_detection(path: Path, matrices: dict[Path, Mapping[str, Any]], passed: list[str]) -> None:
    if not path.is_file() or path.resolve() in matrices:
        return
    try:
        matrices[path.resolve()] = _detection(path)
    except UsageError as error:
        passed.append(f"{path}: {error.what}")


def _detection(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            "the detection matrix cannot be read", where=str(path), evidence=error.strerror
        ) from error
    except ValueError as error:
        raise UsageError("not a detection matrix: the file is not valid JSON", where=str(path)) from error
    if not isinstance(record, dict) or record.get("version") != 1 or "trials" not in record:
        raise UsageError("not a detection matrix of version 1", where=str(path))
    return record
