"""PostgreSQL's physical replication: what a standby and its primary say, and how far the standby is behind.

Positions in the write-ahead log (WAL) are bytes from its beginning. PostgreSQL 11 or newer. Sources:
PostgreSQL manual, "Backup Control Functions", "Recovery Control Functions" and "pg_stat_wal_receiver".

The lag in seconds needs no help from the application, no heartbeat table and no clock of the servers. Each
look notes by when the primary's log had grown to its present position. The standby is behind since the first
such moment whose log it has not replayed. (``replay_lag`` of pg_stat_replication covers WAL that was replayed
already, so it says nothing while replay is paused.)
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chaoskit.clients import postgres
from chaoskit.clients.postgres import PORT, Credentials, PostgresRefused, PostgresSession
from chaoskit.errors import HarnessFailure
from chaoskit.runtime import Runtime
from chaoskit.system import members


def in_recovery(session: PostgresSession) -> bool:
    """Whether the server follows another one, or is still recovering from a crash."""
    return bool(session.rows("select pg_is_in_recovery()")[0][0])


def written(primary: PostgresSession) -> int:
    """How far the primary has written its WAL, in bytes.

    Raises:
        PostgresRefused: the server failed, or is itself in recovery.
    """
    return primary.figure("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")


def replayed(standby: PostgresSession) -> int:
    """How far the standby has replayed the WAL, in bytes: its readers see the data up to there."""
    return standby.figure("select pg_wal_lsn_diff(coalesce(pg_last_wal_replay_lsn(), '0/0'), '0/0')::bigint")


def may_pause(standby: PostgresSession) -> bool:
    """Whether this user may pause and resume replay."""
    query = (
        "select has_function_privilege('pg_wal_replay_pause()', 'execute') "
        "and has_function_privilege('pg_wal_replay_resume()', 'execute')"
    )
    return bool(standby.rows(query)[0][0])


def paused(standby: PostgresSession) -> bool:
    """Whether replay is paused, or was asked to be."""
    return bool(standby.rows("select pg_is_wal_replay_paused()")[0][0])


def pause(standby: PostgresSession) -> None:
    """Ask the standby to pause replay; it still receives WAL. The pause ends with the server's process."""
    standby.rows("select pg_wal_replay_pause()")


def resume(standby: PostgresSession) -> None:
    """Resume replay; replay that is not paused is not an error."""
    standby.rows("select pg_wal_replay_resume()")


def sender(standby: PostgresSession) -> str:
    """The host that the standby's WAL receiver is connected to; empty if it is not connected, or if this user
    may not see the host.
    """
    rows = standby.rows("select sender_host from pg_stat_wal_receiver")
    return str(rows[0][0] or "") if rows else ""


def others(runtime: Runtime, component: str) -> tuple[str, ...]:
    """The other PostgreSQL servers of the system."""
    names = (each.name for each in runtime.components)
    return tuple(name for name in names if name != component and PORT in runtime.ports(name))


def find_primary(runtime: Runtime, standby: str, host: str) -> str | None:
    """The component that a standby follows: the one that ``host`` names, else the only other PostgreSQL
    server that the standby is linked to.

    Args:
        runtime: the runtime of the system.
        standby: the standby.
        host: the answer of :func:`sender`.
    """
    named = members(host, runtime.components) - {standby}
    if len(named) == 1:
        return next(iter(named))
    providers = linked(runtime, standby)
    return providers[0] if len(providers) == 1 else None


def linked(runtime: Runtime, standby: str) -> tuple[str, ...]:
    """The other PostgreSQL servers that the standby is linked to."""
    providers = {link.provider for link in runtime.links if link.consumer == standby and link.port == PORT}
    return tuple(name for name in others(runtime, standby) if name in providers)


LOOK_INTERVAL_SECONDS = 0.1
"""Seconds between two looks; the lag in seconds is reported too small by up to that much."""


@dataclass(frozen=True, slots=True)
class StandbyLook:
    """One look at a standby and its primary.

    Attributes:
        moment: when it was taken, in seconds of the run's clock.
        written: how far the primary had written its log, in bytes.
        replayed: how far the standby had replayed that log, in bytes.
        seconds: for how long, at least, the primary's log had been longer than ``replayed``.
    """

    moment: float
    written: int
    replayed: int
    seconds: float

    @property
    def size_bytes(self) -> int:
        """By how many bytes the standby was behind."""
        return max(0, self.written - self.replayed)


class StandbyLag:
    """Works out the lag of a standby from looks. Every figure errs on the small side."""

    def __init__(self) -> None:
        self._grown: list[tuple[int, float]] = []
        self._looks: list[StandbyLook] = []

    @property
    def looks(self) -> Sequence[StandbyLook]:
        """All looks so far, in order."""
        return tuple(self._looks)

    @property
    def written_bytes(self) -> int:
        """What the primary has written since the first look."""
        return self._grown[-1][0] - self._grown[0][0] if self._grown else 0

    def saw(self, moment: float, written: int, replayed: int) -> StandbyLook:
        """Take in one look.

        Args:
            moment: the time after ``written`` and before ``replayed`` was read.
            written: the primary's position, in bytes.
            replayed: the standby's position, in bytes.
        """
        # A primary that crashed may have lost what it had not flushed: its log is shorter again.
        while self._grown and self._grown[-1][0] > written:
            self._grown.pop()
        if not self._grown or written > self._grown[-1][0]:
            self._grown.append((written, moment))
        first = bisect_right(self._grown, replayed, key=lambda each: each[0])
        seconds = moment - self._grown[first][1] if first < len(self._grown) else 0.0
        behind = StandbyLook(moment, written, replayed, seconds)
        self._looks.append(behind)
        return behind


class StandbyWatch:
    """Looks at a standby and its primary all the time, from a thread of its own.

    Args:
        runtime: the runtime of the system; both servers are asked over the harness's own links.
        primary: the primary.
        standby: the standby.
        credentials: the credentials for both servers.

    Attributes:
        lag: the looks so far, and the lag that they show.
        trouble: why the last look failed; empty if it did not.
        owed_bytes: how many bytes the standby had still to replay at the start of the lift.
        caught_up: seconds from the lift until the standby had replayed all that the primary had written by
            then; ``None`` until it has.
    """

    def __init__(self, runtime: Runtime, primary: str, standby: str, credentials: Credentials) -> None:
        self._runtime, self._credentials = runtime, credentials
        self._primary, self._standby = primary, standby
        self._sessions: dict[str, PostgresSession] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaoskit-lag", daemon=True)
        self._lifted: float | None = None
        self._until = float("inf")
        self._target: int | None = None
        self.lag = StandbyLag()
        self.trouble = ""
        self.owed_bytes: int | None = None
        self.caught_up: float | None = None

    def start(self) -> None:
        """Start to look; :meth:`lifted` sets an end."""
        self._thread.start()

    def lifted(self, patience: float) -> None:
        """Note what the standby owes just before the lift, and look until it has caught up, for at most
        ``patience`` seconds.
        """
        with self._lock:
            if self._lifted is not None:
                return
            self._lifted = self._runtime.clock.now()
            self._until = self._lifted + patience
        self.look()

    def look(self) -> StandbyLook | None:
        """Look now; ``None`` if one of the servers does not answer, and then :attr:`trouble` says why."""
        with self._lock:
            try:
                at_primary = self._ask(self._primary, written)
                moment = self._runtime.clock.now()
                at_standby = self._ask(self._standby, replayed)
            except (PostgresRefused, HarnessFailure) as error:
                self.trouble = str(error)
                return None
            finally:
                if self._ended.is_set():
                    self._hang_up()
            self.trouble = ""
            behind = self.lag.saw(moment, at_primary, at_standby)
            if self._lifted is not None and self.caught_up is None:
                self._follow(behind, self._lifted)
            return behind

    def _follow(self, behind: StandbyLook, lifted: float) -> None:
        if self._target is None:
            self._target, self.owed_bytes = behind.written, behind.size_bytes
        if behind.replayed >= self._target:
            self.caught_up = self._runtime.clock.now() - lifted

    def close(self) -> None:
        """Stop looking, and close the connections. May be called again."""
        self._ended.set()
        with self._lock:
            self._hang_up()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_INTERVAL_SECONDS):
            self.look()
            if self.caught_up is not None or self._runtime.clock.now() > self._until:
                break
        self.close()

    def _ask(self, component: str, question: Callable[[PostgresSession], int]) -> int:
        session = self._sessions.get(component)
        if session is None:
            session = postgres.connect(self._runtime, component, self._credentials, "chaoskit-look")
            self._sessions[component] = session
        try:
            return question(session)
        except PostgresRefused:
            # Whatever the reason was, the next look starts with a new connection.
            self._sessions.pop(component).close()
            raise

    def _hang_up(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
