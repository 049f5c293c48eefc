"""A standby and the primary that it follows, found from what the servers say and from their links."""

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
    """A standby and its primary.

    Attributes:
        replica: the standby.
        primary: the server that takes the writes.
        links: the links from the standby, which opens the connection, to its primary.
        may_pause: whether the harness may pause replay on the standby.
    """

    replica: str
    primary: str
    links: tuple[Link, ...]
    may_pause: bool


def pair_of(
    replica: str, primary: str | None, credentials: Credentials, runtime: Runtime
) -> Pair | list[str]:
    """Find the two servers, or say why they cannot be found. Only looks, changes nothing.

    Args:
        replica: the standby: a component, or a service with one replica.
        primary: the server that it follows. If it is not given, the standby's WAL receiver names it; else it
            is the only other PostgreSQL server that the standby is linked to.
        credentials: the credentials for both servers.
        runtime: the runtime of the system.
    """
    follower = _server(replica, runtime)
    if isinstance(follower, list):
        return follower
    try:
        with postgres.session(runtime, follower, credentials, "chaoskit-look") as session:
            if not standby.in_recovery(session):
                return [
                    f"{follower} is not a standby: it takes writes itself (pg_is_in_recovery is false); "
                    f"other PostgreSQL servers here: {_listed(standby.others(runtime, follower))}"
                ]
            if standby.paused(session):
                return [
                    f"replay on {follower} is paused already; end that with select pg_wal_replay_resume()"
                ]
            host, may_pause = standby.sender(session), standby.may_pause(session)
    except PostgresRefused as error:
        return [f"{follower} does not let the harness in: {error}; give user= and password="]
    name = primary or standby.find_primary(runtime, follower, host)
    if name is None:
        said = f"names {host!r}, which is not one component" if host else "names no host"
        return [
            f"the primary of {follower} is not known: its WAL receiver {said}; PostgreSQL servers that it is "
            f"linked to: {_listed(standby.linked(runtime, follower))}. Name the primary with primary="
        ]
    leader = _server(name, runtime)
    if isinstance(leader, list):
        return leader
    try:
        with postgres.session(runtime, leader, credentials, "chaoskit-look") as session:
            if standby.in_recovery(session):
                return [f"{leader} is itself a standby; name the server that takes the writes with primary="]
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
            "ReplicaLag works on PostgreSQL only. For another database, subclass Fault and take ReplicaLag "
            "as the pattern"
        ]
    return names[0]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
