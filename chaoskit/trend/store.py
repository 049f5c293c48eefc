"""The history of runs: one SQLite file, to which each experiment adds a row.

Several processes may write at once (two sessions on one machine): each addition is one transaction, and
the second process waits for the first. The file uses SQLite's rollback mode, not WAL: CI services copy,
cache and restore a history, so it has to be one file at any time.
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

APPLICATION_ID = 0x63686B74
"""``chkt``: the PRAGMA application_id, by which an SQLite file tells which program wrote it."""
VERSION = 2
SCHEMA_FILE = Path(__file__).with_name("schema.sql")
_LOCK_TIMEOUT_SECONDS = 30.0
"""How long to wait for another process that writes."""
_COLUMN_NAMES = "run, environment, at, revision, experiment, fault, stage, verdict, reason, reset, rebuilt"


class Store:
    """A history file; the first writer creates it.

    Args:
        path: the file.
        create: whether to create the file if it does not exist. A reader does not.

    Raises:
        UsageError: the file does not exist, is not a history of chaoskit, or has another version.
        EnvironmentFailure: the file cannot be opened.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        if not create and not path.is_file():
            raise UsageError(
                "there is no history yet",
                where=str(path),
                remedy="run experiments with --chaos-history, or add journals: `chaoskit trend --add`",
            )
        with self._clear_errors("opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_SECONDS, isolation_level=None)
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
        """Close the file; a second call does nothing."""
        self._connection.close()

    def _claim(self) -> None:
        """Check that the file is a history; an empty file becomes one."""
        connection = self._connection
        connection.execute("PRAGMA foreign_keys = ON")
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        if owner == 0:
            with self._transaction():
                (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                (owner,) = connection.execute("PRAGMA application_id").fetchone()
                if not tables and not owner:
                    for statement in SCHEMA_FILE.read_text(encoding="utf-8").split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    owner = APPLICATION_ID
        if owner != APPLICATION_ID:
            raise UsageError(
                "not a history of chaoskit: another program wrote this SQLite file",
                where=str(self.path),
                remedy="name another file; nothing was written to this one",
            )
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 1:
            version = self._add_failover()
        if version != VERSION:
            raise UsageError(
                "the history has another version",
                where=str(self.path),
                limit=f"version {VERSION}",
                evidence=f"version {version}",
                remedy="use the version of chaoskit that wrote it, or start a new file",
            )

    def _add_failover(self) -> int:
        """Bring a history of version 1, which knows no fail-over, up to date."""
        with self._transaction():
            for column in ("failover", "failover_resolution", "within"):
                self._connection.execute(f"ALTER TABLE journey ADD COLUMN {column} REAL")
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        return VERSION

    def _try_to_write(self) -> None:
        """Fail now if the file cannot be written, not after the first experiment."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        finally:
            self._connection.execute("ROLLBACK")

    def add(self, entries: Iterable[Entry]) -> int:
        """Add all entries that are new, or none of them; returns how many were new.

        Raises:
            EnvironmentFailure: the file cannot be written.
        """
        with self._clear_errors("written"), self._transaction():
            return sum(self._add(entry) for entry in entries)

    def _add(self, entry: Entry) -> bool:
        values = (
            *(entry.digest, entry.run, entry.environment, entry.at, entry.commit, entry.experiment),
            *(entry.fault, entry.stage, entry.verdict.value, entry.reason, entry.reset, entry.rebuilt),
        )
        added = self._connection.execute(
            f"INSERT OR IGNORE INTO experiment (digest, {_COLUMN_NAMES}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            values,
        )
        if not added.rowcount:
            return False
        key = added.lastrowid
        for one in entry.journeys:
            self._row(
                "journey",
                *(key, one.journey, one.verdict.value, one.standing),
                *(one.recovery, one.resolution, one.deadline),
                *(one.failover, one.failover_resolution, one.within),
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
        """All entries, in the order of time.

        Raises:
            EnvironmentFailure: the file cannot be read.
        """
        with self._clear_errors("read"):
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
                    JourneyEntry(
                        name, Verdict(verdict), standing, took[0], took[1], took[2], parts, *took[3:6]
                    )
                )
            rows = ask(f"SELECT id, {_COLUMN_NAMES} FROM experiment ORDER BY at, id").fetchall()
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
    def _clear_errors(self, done: str) -> Iterator[None]:
        """Turn errors of SQLite and of the disk into errors that a user can act on."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                raise UsageError(
                    "not a history: the file is not an SQLite file",
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
            limit=f"{_LOCK_TIMEOUT_SECONDS:g} s of waiting for another process that writes",
            evidence=evidence,
            remedy="make the file and its folder writable, or name another file with --chaos-history",
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
