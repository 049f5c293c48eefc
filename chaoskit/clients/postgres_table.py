"""A job queue that is a table in PostgreSQL: an outbox, or what job libraries on PostgreSQL use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.clients.queues import Queue, serves_not
from chaoskit.errors import HarnessFailure
from chaoskit.runtime import Runtime

_LOOK, _PUT = 2.0, 30.0
"""Seconds after which the server cancels a look at the table, and the putting of jobs."""


@dataclass(frozen=True, repr=False)
class PostgresTable(Queue):
    """Rows of a table are jobs until they are done.

    ``table``, ``pending``, ``since`` and ``insert`` are SQL of the test's author and go to the server
    as they are written: quote a name there as psql would need it (``"Jobs"``, ``app.jobs``). A look
    is one aggregate over the pending rows, cancelled after two seconds: without an index on a large
    table the look itself is what fails, and the verdict is UNKNOWN.

    Attributes:
        component: a PostgreSQL server, or a pooler before it.
        table: the table.
        pending: the condition of a row that is not done.
        since: the column, or expression, of when a job was put; ``None`` if there is none.
        insert: a statement that puts jobs, in which ``{n}`` stands for how many:
            ``INSERT INTO jobs (title) SELECT 'job ' || g FROM generate_series(1, {n}) AS g``.
        user, password, database: credentials, where the environment does not have them.
    """

    table: str
    pending: str = "done_at IS NULL"
    since: str | None = "created_at"
    insert: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None

    @property
    def can_put(self) -> bool:
        """Whether there is an ``insert``."""
        return self.insert is not None

    def depth(self, runtime: Runtime) -> int:
        """The pending rows."""
        return int(self._ask(runtime, f"SELECT count(*) FROM {self.table} WHERE {self.pending}", _LOOK)[0])

    def oldest(self, runtime: Runtime) -> float | None:
        """By the server's clock and the oldest ``since`` of a pending row."""
        if self.since is None:
            return None
        age = f"extract(epoch FROM clock_timestamp() - min({self.since}))::float8"
        (seconds,) = self._ask(runtime, f"SELECT {age} FROM {self.table} WHERE {self.pending}", _LOOK)
        return None if seconds is None else max(0.0, float(seconds))

    def put(self, runtime: Runtime, count: int) -> None:
        """Run ``insert``."""
        if self.insert is None:
            return super().put(runtime, count)
        self._ask(runtime, self.insert.replace("{n}", str(count)), _PUT)
        return None

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits a PostgreSQL that lets the harness in, and SQL that it understands."""
        port = postgres.served(runtime, self.component)
        if reasons := serves_not(self, runtime, port, postgres.PORT, postgres.POOLER_PORT):
            return reasons
        if self.insert is not None and "{n}" not in self.insert:
            return [f"insert={self.insert!r} does not say by {{n}} how many jobs it puts"]
        try:
            self.depth(runtime)
            self.oldest(runtime)
        except HarnessFailure as error:
            return [f"{self.component} does not answer as it should: {error.evidence}"]
        return []

    def _ask(self, runtime: Runtime, statement: str, timeout: float) -> Sequence[Any]:
        who = Credentials(self.user, self.password, self.database)
        try:
            # The server's limit comes first: a look that it cancels says so, and leaves nothing running.
            with postgres.session(runtime, self.component, who, "chaoskit-look", timeout + 3.0) as session:
                return session.row(statement, timeout)
        except PostgresRefused as error:
            raise HarnessFailure(
                f"{self!r} cannot be read or written",
                where=self.component,
                limit=f"{timeout:g} s",
                evidence=f"{error}; asked: {statement}",
                remedy="an index that fits pending= makes the look cheap",
            ) from error
