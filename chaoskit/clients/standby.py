"""PostgreSQL's physical replication: what a standby and its primary say of themselves.

Positions in the write-ahead log (WAL) are bytes from its beginning. PostgreSQL 11 or newer.
Sources: PostgreSQL manual, "Backup Control Functions", "Recovery Control Functions" and
"pg_stat_wal_receiver".

How far a standby is behind its primary, in bytes and in seconds.

The seconds need no help of the application, no heartbeat table and no clock of the servers: each
look notes when the primary's log had grown to where it is, and the standby is behind since the
first such moment whose log it has not replayed. (pg_stat_replication's ``replay_lag`` tells of WAL
that was replayed already, so it says nothing while replay is paused.)
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
    """Whether the server follows another one (or is still recovering from a crash)."""
    return bool(session.rows("select pg_is_in_recovery()")[0][0])


def written(primary: PostgresSession) -> int:
    """How far the primary has written its WAL, in bytes.

    Raises:
        Refused: also where the server is itself in recovery.
    """
    return primary.figure("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")


def replayed(standby: PostgresSession) -> int:
    """How far the standby has replayed it: what its readers see, in bytes."""
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
    """Ask replay to pause; WAL is received all the same. Does not outlive the server's process."""
    standby.rows("select pg_wal_replay_pause()")


def resume(standby: PostgresSession) -> None:
    """Let replay go on; one that is not paused is no error."""
    standby.rows("select pg_wal_replay_resume()")


def sender(standby: PostgresSession) -> str:
    """The host that its WAL receiver says it is connected to; empty where it is not connected, or
    this user may not know.
    """
    rows = standby.rows("select sender_host from pg_stat_wal_receiver")
    return str(rows[0][0] or "") if rows else ""


def others(runtime: Runtime, component: str) -> tuple[str, ...]:
    """The other PostgreSQL servers of the system."""
    names = (each.name for each in runtime.components)
    return tuple(name for name in names if name != component and PORT in runtime.ports(name))


def find_primary(runtime: Runtime, standby: str, host: str) -> str | None:
    """The component that a standby follows: the one that ``host`` names, or else the only other
    PostgreSQL that it is linked to.

    Args:
        runtime: where both run.
        standby: the standby.
        host: what :func:`sender` says.
    """
    named = members(host, runtime.components) - {standby}
    if len(named) == 1:
        return next(iter(named))
    providers = linked(runtime, standby)
    return providers[0] if len(providers) == 1 else None


def linked(runtime: Runtime, standby: str) -> tuple[str, ...]:
    """The other PostgreSQL servers that it is linked to."""
    providers = {link.provider for link in runtime.links if link.consumer == standby and link.port == PORT}
    return tuple(name for name in others(runtime, standby) if name in providers)


EVERY = 0.1
"""Seconds between two looks; the seconds behind are told too small by up to as much."""


@dataclass(frozen=True, slots=True)
class StandbyLook:
    """What one look has seen.

    Attributes:
        moment: when, seconds of the run's clock.
        written: how far the primary had written its log, in bytes.
        replayed: how far the standby had replayed it, in bytes.
        seconds: for how long, at least, the primary's log had been longer than that.
    """

    moment: float
    written: int
    replayed: int
    seconds: float

    @property
    def size_bytes(self) -> int:
        """By how much the standby was behind."""
        return max(0, self.written - self.replayed)


class Lag:
    """Works out the lag from looks. Every figure errs on the small side."""

    def __init__(self) -> None:
        self._grown: list[tuple[int, float]] = []
        self._looks: list[StandbyLook] = []

    @property
    def looks(self) -> Sequence[StandbyLook]:
        """All looks so far, in their order."""
        return tuple(self._looks)

    @property
    def written_bytes(self) -> int:
        """What the primary has written since the first look."""
        return self._grown[-1][0] - self._grown[0][0] if self._grown else 0

    def saw(self, moment: float, written: int, replayed: int) -> StandbyLook:
        """Take one look.

        Args:
            moment: when: after ``written`` was read and before ``replayed`` was.
            written: the primary's position, in bytes.
            replayed: the standby's, in bytes.
        """
        while self._grown and self._grown[-1][0] > written:
            self._grown.pop()  # a primary that crashed may have lost what it had not flushed
        if not self._grown or written > self._grown[-1][0]:
            self._grown.append((written, moment))
        first = bisect_right(self._grown, replayed, key=lambda each: each[0])
        seconds = moment - self._grown[first][1] if first < len(self._grown) else 0.0
        behind = StandbyLook(moment, written, replayed, seconds)
        self._looks.append(behind)
        return behind


class Watch:
    """Looks at a standby and its primary all the time, from a thread of its own.

    Args:
        runtime: where both run; they are asked over the harness's own links.
        primary: the primary.
        standby: the standby.
        credentials: who the harness is to both.

    Attributes:
        lag: what was seen.
        trouble: why the last look failed; empty if it did not.
        owed_bytes: what the standby had still to replay when lifting began.
        caught_up: seconds from the lift until it had replayed all that the primary had written
            then; ``None`` as long as it has not.
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
        self.lag = Lag()
        self.trouble = ""
        self.owed_bytes: int | None = None
        self.caught_up: float | None = None

    def start(self) -> None:
        """Look from now on; :meth:`lifted` gives it an end."""
        self._thread.start()

    def lifted(self, patience: float) -> None:
        """The fault is about to be lifted: note what the standby owes, and look until it has caught
        up, for ``patience`` seconds at most.
        """
        with self._lock:
            if self._lifted is not None:
                return
            self._lifted = self._runtime.clock.now()
            self._until = self._lifted + patience
        self.look()

    def look(self) -> StandbyLook | None:
        """Look now; ``None`` if one of them does not answer, and :attr:`trouble` says why."""
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
        """Look no more. May be called again."""
        self._ended.set()
        with self._lock:
            self._hang_up()

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
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
            # Whatever it was, the next look begins with a new connection.
            self._sessions.pop(component).close()
            raise

    def _hang_up(self) -> None:
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
