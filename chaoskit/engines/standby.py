"""PostgreSQL's physical replication: what a standby and its primary say of themselves.

Positions in the write-ahead log (WAL) are bytes from its beginning. PostgreSQL 11 or newer.
Sources: PostgreSQL manual, "Backup Control Functions", "Recovery Control Functions" and
"pg_stat_wal_receiver".
"""

from __future__ import annotations

from chaoskit.engines.postgres import PORT, Session
from chaoskit.runtime import Runtime
from chaoskit.system import members


def in_recovery(session: Session) -> bool:
    """Whether the server follows another one (or is still recovering from a crash)."""
    return bool(session.rows("select pg_is_in_recovery()")[0][0])


def written(primary: Session) -> int:
    """How far the primary has written its WAL, in bytes.

    Raises:
        Refused: also where the server is itself in recovery.
    """
    return primary.figure("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")


def replayed(standby: Session) -> int:
    """How far the standby has replayed it: what its readers see, in bytes."""
    return standby.figure("select pg_wal_lsn_diff(coalesce(pg_last_wal_replay_lsn(), '0/0'), '0/0')::bigint")


def may_pause(standby: Session) -> bool:
    """Whether this user may pause and resume replay."""
    query = (
        "select has_function_privilege('pg_wal_replay_pause()', 'execute') "
        "and has_function_privilege('pg_wal_replay_resume()', 'execute')"
    )
    return bool(standby.rows(query)[0][0])


def paused(standby: Session) -> bool:
    """Whether replay is paused, or was asked to be."""
    return bool(standby.rows("select pg_is_wal_replay_paused()")[0][0])


def pause(standby: Session) -> None:
    """Ask replay to pause; WAL is received all the same. Does not outlive the server's process."""
    standby.rows("select pg_wal_replay_pause()")


def resume(standby: Session) -> None:
    """Let replay go on; one that is not paused is no error."""
    standby.rows("select pg_wal_replay_resume()")


def sender(standby: Session) -> str:
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
