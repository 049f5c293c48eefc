"""The history of runs: one SQLite file, to which each experiment adds a row.

Several processes may write at once (two sessions on one machine): each addition is one transaction,
and whoever comes second waits. The file is kept in SQLite's rollback mode, not in WAL: a history is
copied, cached and restored by continuous integration, and so it has to be one file at any time.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from chaoskit.errors import EnvironmentFailure, UsageError
from chaoskit.judge import Verdict
from chaoskit.judge.counts import Count
from chaoskit.trend.entry import Entry, JourneyEntry, Phase

APPLICATION = 0x63686B74
"""``chkt``, where SQLite files say whose they are (PRAGMA application_id)."""
VERSION = 1
SCHEMA = Path(__file__).with_name("schema.sql")
_PATIENCE = 30.0
"""Seconds to wait for another process that writes."""
_COLUMNS = "run, environment, at, revision, experiment, fault, stage, verdict, reason, reset, rebuilt"


class Store:
    """A history file; made at the first use if it is not there.

    Args:
        path: the file.
        create: whether it may be made; a reader expects it to be there.

    Raises:
        UsageError: it is not there, is no history of chaoskit's, or of another version.
        EnvironmentFailure: it cannot be opened.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        if not create and not path.is_file():
            raise UsageError(
                "there is no history yet",
                where=str(path),
                remedy="run experiments with --chaos-history, or add journals: `chaoskit trend --add`",
            )
        with self._telling("opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            try:
                self._claim()
                if create:
                    self._try_to_write()
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called again."""
        self._connection.close()

    def _claim(self) -> None:
        """See whose file it is; one that is empty becomes a history."""
        connection = self._connection
        connection.execute("PRAGMA foreign_keys = ON")
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        if owner == 0:
            with self._transaction():
                (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                (owner,) = connection.execute("PRAGMA application_id").fetchone()
                if not tables and not owner:
                    for statement in SCHEMA.read_text(encoding="utf-8").split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
                    connection.execute(f"PRAGMA application_id = {APPLICATION}")
                    owner = APPLICATION
        if owner != APPLICATION:
            raise UsageError(
                "this is an SQLite file, and no history of chaoskit's",
                where=str(self.path),
                remedy="name another file; nothing was written to this one",
            )
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise UsageError(
                "this history is of another version",
                where=str(self.path),
                limit=f"version {VERSION}",
                evidence=f"version {version}",
                remedy="use the chaoskit that wrote it, or begin another file",
            )

    def _try_to_write(self) -> None:
        """A file that cannot be written says so now, and not after the first experiment."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        finally:
            self._connection.execute("ROLLBACK")

    def add(self, entries: Iterable[Entry]) -> int:
        """Add what is not there yet, all of it or nothing; returns how many were new.

        Raises:
            EnvironmentFailure: it cannot be written.
        """
        with self._telling("written"), self._transaction():
            return sum(self._add(entry) for entry in entries)

    def _add(self, entry: Entry) -> bool:
        values = (
            *(entry.digest, entry.run, entry.environment, entry.at, entry.commit, entry.experiment),
            *(entry.fault, entry.stage, entry.verdict.value, entry.reason, entry.reset, entry.rebuilt),
        )
        added = self._connection.execute(
            f"INSERT OR IGNORE INTO experiment (digest, {_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", values
        )
        if not added.rowcount:
            return False
        key = added.lastrowid
        for one in entry.journeys:
            self._row(
                "journey",
                *(key, one.journey, one.verdict.value, one.standing),
                *(one.recovery, one.resolution, one.deadline),
            )
            for each in one.phases:
                figures = (each.samples, each.failed, each.p50, each.p95, each.p99)
                self._row("phase", key, one.journey, each.phase, *figures)
                for count in each.counts:
                    told = (count.promise, count.bound, count.budget, count.samples, count.bad)
                    self._row("promise", key, one.journey, each.phase, *told)
        return True

    def _row(self, table: str, *values: Any) -> None:
        marks = ",".join("?" * len(values))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", values)

    def entries(self) -> list[Entry]:
        """Everything, in the order of time.

        Raises:
            EnvironmentFailure: it cannot be read.
        """
        with self._telling("read"):
            ask = self._connection.execute
            counts: dict[Any, list[Count]] = defaultdict(list)
            columns = "promise, bound, budget, samples, bad"
            for key, journey, phase, *told in ask(
                f"SELECT experiment_id, journey, phase, {columns} FROM promise ORDER BY rowid"
            ):
                counts[key, journey, phase].append(Count(*told))
            phases: dict[Any, list[Phase]] = defaultdict(list)
            for key, journey, phase, samples, failed, *p in ask("SELECT * FROM phase ORDER BY rowid"):
                found = tuple(counts[key, journey, phase])
                phases[key, journey].append(Phase(phase, samples, failed, p[0], p[1], p[2], found))
            journeys: dict[Any, list[JourneyEntry]] = defaultdict(list)
            for key, name, verdict, standing, *took in ask("SELECT * FROM journey ORDER BY rowid"):
                parts = tuple(phases[key, name])
                journeys[key].append(
                    JourneyEntry(name, Verdict(verdict), standing, took[0], took[1], took[2], parts)
                )
            rows = ask(f"SELECT id, {_COLUMNS} FROM experiment ORDER BY at, id").fetchall()
            return [_entry(row, journeys[row[0]]) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _telling(self, done: str) -> Iterator[None]:
        """What SQLite and the disk say, as errors that a reader can act on."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise UsageError(
                    "this is no history: it is not an SQLite file",
                    where=str(self.path),
                    remedy="name another file; nothing was written to this one",
                ) from None
            raise self._failure(done, str(error)) from error
        except OSError as error:
            raise self._failure(done, error.strerror or str(error)) from error

    def _failure(self, done: str, evidence: str) -> EnvironmentFailure:
        return EnvironmentFailure(
            f"the history cannot be {done}",
            where=str(self.path),
            limit=f"{_PATIENCE:g} s for another process that writes",
            evidence=evidence,
            remedy="see that the file and its folder can be written, or name another with --chaos-history",
        )


def _entry(row: tuple[Any, ...], journeys: Iterable[JourneyEntry]) -> Entry:
    _, run, environment, at, commit, experiment, fault, stage, verdict, reason, reset, rebuilt = row
    return Entry(
        run=run,
        environment=environment,
        at=at,
        commit=commit,
        experiment=experiment,
        fault=fault,
        stage=stage,
        verdict=Verdict(verdict),
        reason=reason,
        reset=reset,
        rebuilt=bool(rebuilt),
        journeys=tuple(journeys),
    )
