"""A standby and the primary that it follows: what faults of replication are about."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.clients import postgres, standby
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.faults.base import targets, unknown
from chaoskit.faults.links import select
from chaoskit.runtime import Runtime
from chaoskit.system import Link


@dataclass(frozen=True, slots=True)
class Pair:
    """Who follows whom.

    Attributes:
        replica: the standby.
        primary: the server that takes the writes.
        links: the links from the standby, which dials, to its primary.
        may_pause: whether the harness may pause replay on the standby.
    """

    replica: str
    primary: str
    links: tuple[Link, ...]
    may_pause: bool


def pair_of(
    replica: str, primary: str | None, credentials: Credentials, runtime: Runtime
) -> Pair | list[str]:
    """Find the two, or say why they cannot be found. Looks only, changes nothing.

    Args:
        replica: the standby, a component or a service with one replica.
        primary: whom it follows. If it is not given, the standby's WAL receiver names it, or else it
            is the only other PostgreSQL that the standby is linked to.
        credentials: who the harness is to both.
        runtime: where they run.
    """
    follower = _server(replica, runtime)
    if isinstance(follower, list):
        return follower
    try:
        with postgres.session(runtime, follower, credentials, "chaoskit-look") as session:
            if not standby.in_recovery(session):
                return [
                    f"{follower} is no standby: it takes writes itself (pg_is_in_recovery is false); other "
                    f"PostgreSQL servers here: {_listed(standby.others(runtime, follower))}"
                ]
            if standby.paused(session):
                return [f"replay on {follower} is paused already; select pg_wal_replay_resume() ends that"]
            host, may_pause = standby.sender(session), standby.may_pause(session)
    except PostgresRefused as error:
        return [f"{follower} does not let the harness in: {error}; give user= and password="]
    name = primary or standby.find_primary(runtime, follower, host)
    if name is None:
        said = f"names {host!r}, which is no single component" if host else "names no host"
        return [
            f"the primary of {follower} is not known: its WAL receiver {said}; PostgreSQL servers that it is "
            f"linked to: {_listed(standby.linked(runtime, follower))}. Say which with primary="
        ]
    leader = _server(name, runtime)
    if isinstance(leader, list):
        return leader
    try:
        with postgres.session(runtime, leader, credentials, "chaoskit-look") as session:
            if standby.in_recovery(session):
                return [f"{leader} is itself a standby; give the server that takes the writes as primary="]
    except PostgresRefused as error:
        return [f"{leader} does not let the harness in: {error}; give user= and password="]
    return Pair(follower, leader, select(f"{follower}→{leader}:{postgres.PORT}", runtime), may_pause)


def _server(name: str, runtime: Runtime) -> str | list[str]:
    """The one PostgreSQL server of that name, or why there is none."""
    reasons = unknown(name, runtime.components)
    if reasons:
        return reasons
    names = targets(name, runtime.components)
    if len(names) > 1:
        return [f"{name!r} means {', '.join(names)}; name one of them"]
    ports = runtime.ports(names[0])
    if postgres.PORT not in ports:
        return [
            f"{names[0]} serves no port {postgres.PORT} (its ports: {_listed(tuple(map(str, ports)))}); "
            "replication is known of PostgreSQL only. For another engine write a Fault of your own; "
            "ReplicaLag is the pattern"
        ]
    return names[0]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
