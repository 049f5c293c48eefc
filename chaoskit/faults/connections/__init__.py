"""Connection exhaustion: somebody has taken every connection that the database gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.faults.base import Fault, Injection, targets, unknown
from chaoskit.faults.connections.slots import Slots
from chaoskit.faults.connections.statements import Statements
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact

By = Literal["slots", "statements"]

_FASTEST = 50.0
"""Statements a second at most: each has a thread and a connection of its own."""


@dataclass(frozen=True)
class ConnectionExhaustion(Fault):
    """Real connections are taken from PostgreSQL, by holding slots or by statements that do not end.

    5,000 users: each process of a growing fleet opens its own connections, and one day the next one
    is refused with SQLSTATE 53300. Or a few slow statements a second each keep a connection, until a
    pool has no other left. The server still works for whoever holds a connection, so a system that
    pools with a bound, and bounds the time of a statement, does not notice: journeys that need the
    database must keep their SLO.

    The connections are real and go through the harness's own link, which no other fault touches. With
    ``slots`` they are kept: one that comes free is taken at once. With ``statements`` each carries one
    statement that is sent and left running, and is closed when the statement ends or is cancelled.

    Two promises can be asked of the database itself. ``limit``: it refuses this role (``user``) after
    that many connections ("connection limit"). ``ends_within``: it lets no statement run longer than
    that, give or take a second ("statement limit"); the fault window then lasts until that can be told.
    A statement's time counts from when it was sent, so what it waits for in a pooler is part of it.

    Attributes:
        component: a PostgreSQL server; for ``statements`` also a pooler before it. Credentials are
            taken from its environment (``POSTGRES_USER``, ``POSTGRES_PASSWORD``, ``POSTGRES_DB``)
            unless given.
        spare: connections that are left free.
        user, password, database: credentials, where the environment does not have them.
        by: ``slots`` or ``statements``.
        limit: connections after which this role is owed a refusal.
        per_s: statements a second that are begun.
        statement: SQL that does not end by itself before the fault is lifted.
        ends_within: seconds within which the server is owed to end a statement.
    """

    stage: ClassVar[str] = "5,000 users"
    evidence: ClassVar[str] = (
        "a new connection is refused by the server with SQLSTATE 53300 (with ``spare``: the server counts "
        "no more free connections than that); by ``statements``: the server runs one for half a second, or "
        "has cancelled one"
    )
    owes: ClassVar[str] = (
        "``connection limit``, where ``limit`` is given: the server refuses its role more than that; "
        "``statement limit``, where ``ends_within`` is given: it ends each statement within that time"
    )

    component: str
    spare: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    database: str | None = None
    by: By = "slots"
    limit: int | None = None
    per_s: float = 1.5
    statement: str = "SELECT pg_sleep(60)"
    ends_within: float | None = None

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits one PostgreSQL server, or pooler, that lets the harness in."""
        reasons = [*unknown(self.component, runtime.components), *self._contradictions()]
        if reasons:
            return reasons
        names = targets(self.component, runtime.components)
        if len(names) > 1:
            return [f"{self.component!r} means {', '.join(names)}; name one of them"]
        fitting = (postgres.PORT,) if self.by == "slots" else (postgres.PORT, postgres.POOLER_PORT)
        if postgres.served(runtime, names[0], *fitting) is None:
            served = ", ".join(map(str, runtime.ports(names[0]))) or "none"
            return [
                f"{names[0]} serves no port {' or '.join(map(str, fitting))} (its ports: {served}); "
                f"by={self.by!r} knows PostgreSQL. For another engine write a Fault of your own; "
                "ConnectionExhaustion is the pattern"
            ]
        try:
            with postgres.session(runtime, names[0], self.credentials, "chaoskit-look") as session:
                limit = session.figure("show max_connections")
        except PostgresRefused as error:
            return [f"{names[0]} does not let the harness in: {error}; give user= and password="]
        return [f"spare is {self.spare}, of {limit} connections in all"] if self.spare >= limit else []

    def _contradictions(self) -> list[str]:
        reasons = []
        if self.by not in get_args(By):
            reasons.append(f"by={self.by!r} is none of {', '.join(get_args(By))}")
        if self.spare < 0:
            reasons.append(f"spare is {self.spare}; it must be zero or more")
        if self.limit is not None and self.limit < 1:
            reasons.append(f"limit is {self.limit}; it must be one or more")
        if self.limit is not None and self.spare:
            reasons.append("limit= is judged by a refusal, and spare= stops before one; give one of them")
        if self.by == "statements" and (self.limit is not None or self.spare):
            reasons.append("limit= and spare= are about slots; by='statements' knows ends_within=")
        if self.by == "slots" and self.ends_within is not None:
            reasons.append("ends_within= is about statements; give by='statements' too")
        if not 0 < self.per_s <= _FASTEST:
            reasons.append(f"per_s is {self.per_s:g}; it must be above 0 and at most {_FASTEST:g}")
        if self.ends_within is not None and self.ends_within <= 0:
            reasons.append(f"ends_within is {self.ends_within:g} s; it must be above 0")
        return reasons

    @property
    def credentials(self) -> Credentials:
        """Who the harness is to the server."""
        return Credentials(self.user, self.password, self.database)

    def impact(self, runtime: Runtime) -> Impact:
        """The server is strained, not lost: whoever holds a connection is still served."""
        return Impact(strained=frozenset(targets(self.component, runtime.components)))

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """The connections end with this process; the step says by which name to look for them.

        A statement that runs when this process is killed goes on until the server notices: when it next
        writes to its client, or ends the statement, or is itself removed with the run.
        """
        detail = {"application_name": _application(runtime)}
        return tuple(Undo("disconnect", name, detail) for name in targets(self.component, runtime.components))

    def inject(self, runtime: Runtime) -> Injection:
        """Begin to take connections."""
        (component,) = targets(self.component, runtime.components)
        application = _application(runtime)
        injection: Slots | Statements
        if self.by == "slots":
            injection = Slots(
                runtime, component, self.credentials, application, spare=self.spare, limit=self.limit
            )
        else:
            injection = Statements(
                runtime,
                component,
                self.credentials,
                application,
                statement=self.statement,
                per_s=self.per_s,
                ends_within=self.ends_within,
            )
        injection.start()
        return injection


def _application(runtime: Runtime) -> str:
    return f"chaoskit-{runtime.run_id}"
