"""A job queue in a table of PostgreSQL: an outbox, or the table of a job library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.clients.queues import Queue, not_served
from chaoskit.errors import HarnessFailure
from chaoskit.runtime import Runtime

_LOOK_SECONDS, _PUT_SECONDS = 2.0, 30.0
"""Seconds after which the server cancels a look at the table, and a statement that puts jobs."""


@dataclass(frozen=True, repr=False)
class PostgresTable(Queue):
    """A table of PostgreSQL whose rows are jobs until they are done.

    ``table``, ``pending``, ``since`` and ``insert`` are your own SQL and go to the server as they are
    written: quote a name as psql needs it (``"Jobs"``, ``app.jobs``). A look is one aggregate over the
    pending rows, which the server cancels after two seconds. On a large table without an index the look
    itself fails, and the verdict is UNKNOWN.

    Attributes:
        component: a PostgreSQL server, or a pooler in front of it.
        table: the table.
        pending: the condition of a row whose job is not done.
        since: the column or expression of the time at which a job was put; ``None`` if there is none.
        insert: a statement that puts jobs, with ``{n}`` for their number:
            ``INSERT INTO jobs (title) SELECT 'job ' || g FROM generate_series(1, {n}) AS g``.
        user, password, database: credentials. Those that are not given come from the component's environment.
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
        """The number of pending rows."""
        query = f"SELECT count(*) FROM {self.table} WHERE {self.pending}"
        return int(self._ask(runtime, query, _LOOK_SECONDS)[0])

    def oldest(self, runtime: Runtime) -> float | None:
        """The age of the oldest ``since`` of a pending row, by the server's clock."""
        if self.since is None:
            return None
        age = f"extract(epoch FROM clock_timestamp() - min({self.since}))::float8"
        query = f"SELECT {age} FROM {self.table} WHERE {self.pending}"
        (seconds,) = self._ask(runtime, query, _LOOK_SECONDS)
        return None if seconds is None else max(0.0, float(seconds))

    def put(self, runtime: Runtime, count: int) -> None:
        """Run ``insert``."""
        if self.insert is None:
            return super().put(runtime, count)
        self._ask(runtime, self.insert.replace("{n}", str(count)), _PUT_SECONDS)
        return None

    def misfits(self, runtime: Runtime) -> list[str]:
        """A PostgreSQL server that lets the harness in, and SQL that it understands."""
        port = postgres.served(runtime, self.component)
        if reasons := not_served(self, runtime, port, postgres.PORT, postgres.POOLER_PORT):
            return reasons
        if self.insert is not None and "{n}" not in self.insert:
            return [f"insert={self.insert!r} has no {{n}} for the number of jobs that it puts"]
        try:
            self.depth(runtime)
            self.oldest(runtime)
        except HarnessFailure as error:
            return [f"{self.component} does not answer as a PostgreSQL with this table: {error.evidence}"]
        return []

    def _ask(self, runtime: Runtime, statement: str, timeout: float) -> Sequence[Any]:
        who = Credentials(self.user, self.password, self.database)
        try:
            # The server's limit comes before ours: the server then says that it cancelled the look, and
            # leaves nothing running.
            with postgres.session(runtime, self.component, who, "chaoskit-look", timeout + 3.0) as session:
                return session.row(statement, timeout)
        except PostgresRefused as error:
            raise HarnessFailure(
                f"{self!r} cannot be read or written",
                where=self.component,
                limit=f"{timeout:g} s",
                evidence=f"{error}; asked: {statement}",
                remedy="add an index that fits pending=: it makes the look cheap",
            ) from error
