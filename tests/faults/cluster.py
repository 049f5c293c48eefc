"""A PostgreSQL primary and its standby on a manual clock, which answer what the harness asks them."""

from __future__ import annotations

from typing import Any

from pg8000.exceptions import DatabaseError

from chaoskit.clients.postgres import Credentials, PostgresRefused, PostgresSession
from chaoskit.runtime import Runtime
from chaoskit.runtime.memory import MemoryRuntime

STEP_BYTES = 100


class Cluster:
    """Answers for the component ``main`` and its standbys.

    The primary writes 100 bytes every quarter of a second. A standby shows them at once, unless its link is
    delayed or its replay is paused.

    Attributes:
        stopped: when the primary stopped writing.
        replay_takes: seconds from resuming until the standby has caught up.
        host: the host that the standby names as its primary.
        standbys: the components that are in recovery.
        privileged: whether the harness may pause replay.
        refuses: components that let no connection in.
        sessions: how many connections are open.
    """

    def __init__(self, runtime: MemoryRuntime) -> None:
        self.runtime = runtime
        self.stopped = float("inf")
        self.replay_takes = 0.0
        self.host = "main"
        self.standbys = {"standby"}
        self.privileged = True
        self.refuses: set[str] = set()
        self.sessions = 0
        self._paused: tuple[str, int] | None = None
        self._resumed: tuple[float, int] | None = None

    def connect(
        self, runtime: Runtime, component: str, who: Credentials, application: str, timeout: float = 5.0
    ) -> PostgresSession:
        """Takes the place of :func:`chaoskit.clients.postgres.connect`."""
        if component in self.refuses:
            raise PostgresRefused(
                "28P01", f'password authentication failed for user "{who.user or "postgres"}"'
            )
        self.sessions += 1
        return PostgresSession(_Connection(self, component), ("127.0.0.1", 5432))

    @property
    def paused(self) -> bool:
        """Whether replay is paused; a restart ends a pause."""
        start = self.runtime.state("standby").started_at
        return self._paused is not None and self._paused[0] == start

    def written(self, at: float) -> int:
        """The primary's position at a time."""
        return 1000 + STEP_BYTES * int(min(at, self.stopped) * 4)

    def replayed(self) -> int:
        """The standby's position now."""
        now = self.runtime.clock.now()
        if self.paused and self._paused is not None:
            return self._paused[1]
        if self._resumed is not None and now < self._resumed[0] + self.replay_takes:
            return self._resumed[1]
        toxics = [toxic for link in self.runtime.links for toxic in self.runtime.toxics(link)]
        return self.written(now - sum(toxic.attributes.get("latency", 0.0) for toxic in toxics))

    def answer(self, component: str, query: str) -> Any:
        """The value that a query returns."""
        follows = component in self.standbys
        if "pg_is_in_recovery" in query:
            return follows
        if "has_function_privilege" in query:
            return self.privileged
        if "sender_host" in query:
            return self.host
        if "pg_current_wal_lsn" in query:
            return self._unless(follows, self.written(self.runtime.clock.now()))
        if "pg_last_wal_replay_lsn" in query:
            return self.replayed()
        if "pg_is_wal_replay_paused" in query:
            return self._unless(not follows, self.paused)
        if "pg_wal_replay_pause" in query:
            self._paused = (self.runtime.state("standby").started_at, self.replayed())
            return ""
        assert "pg_wal_replay_resume" in query, query
        if self.paused and self._paused is not None:
            self._resumed = (self.runtime.clock.now(), self._paused[1])
        self._paused = None
        return ""

    def _unless(self, wrong: bool, value: Any) -> Any:
        if wrong:
            raise DatabaseError({"C": "55000", "M": "recovery is or is not in progress"})
        return value


class _Connection:
    """A connection with the methods of pg8000."""

    def __init__(self, cluster: Cluster, component: str) -> None:
        self._cluster, self._component = cluster, component
        self._open = True

    def run(self, query: str, **parameters: object) -> list[list[Any]]:
        if self._component in self._cluster.refuses:
            raise OSError("network error")
        return [[self._cluster.answer(self._component, query)]]

    def close(self) -> None:
        assert self._open, "closed twice"
        self._open = False
        self._cluster.sessions -= 1
