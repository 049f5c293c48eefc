"""Connection exhaustion: every connection that the database gives is taken."""

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

_MOST_STATEMENTS_PER_S = 50.0
"""The most statements begun each second: each has a thread and a connection of its own."""


@dataclass(frozen=True)
class ConnectionExhaustion(Fault):
    """PostgreSQL has no connection left: the fault holds them, or keeps them busy with endless statements.

    5,000 users: each process of a growing fleet opens connections of its own, and one day the server refuses
    the next one with SQLSTATE 53300. Or a few slow statements each second keep a connection each, until a
    pool has none left. The server still serves every client that holds a connection. So a system that bounds
    its pools and the time of a statement does not notice: journeys that need the database must keep their
    SLO.

    The connections are real and use the harness's own link, which no other fault touches. With ``slots`` the
    fault holds them, and takes each slot that comes free at once. With ``statements`` each connection sends
    one statement, and is closed when the statement ends or is cancelled.

    For example, ``ConnectionExhaustion("postgres")`` takes every slot. ``ConnectionExhaustion("postgres",
    user="reports", password="reports", limit=20)`` is a reporting tool that leaks connections, which the
    server must stop at twenty. ``ConnectionExhaustion("pgbouncer", by="statements", ends_within=2.0)`` sends
    statements through a pooler; the server must end each of them within two seconds.

    The database itself can owe two obligations. With ``limit`` it owes a ``connection limit``: it refuses
    this role (``user``) any connection beyond that many. With ``ends_within`` it owes a ``statement limit``:
    no statement runs longer, within a tolerance of one second. The fault window then lasts until that is
    decided. The time of a statement counts from when it was sent, so it includes waiting in a pooler.

    Attributes:
        component: a PostgreSQL server; with ``statements`` also a pooler in front of one.
        spare: how many connections the fault leaves free. Only with ``slots``.
        user, password, database: credentials. Those that are not given come from the component's environment
            (``POSTGRES_USER``, ``POSTGRES_PASSWORD``, ``POSTGRES_DB``).
        by: ``slots`` holds connections; ``statements`` sends statements that do not end.
        limit: how many connections the role may have before the server must refuse it another one. Only with
            ``slots``, and not together with ``spare``.
        per_s: how many statements the fault begins each second, up to 50.
        statement: SQL that does not end by itself before the lift.
        ends_within: seconds within which the server must end a statement. Only with ``statements``.
    """

    stage: ClassVar[str] = "5,000 users"
    evidence: ClassVar[str] = (
        "``slots``: the server refuses a new connection with SQLSTATE 53300, or, with ``spare``, counts no "
        "more free connections than that; ``statements``: one has run on the server for half a second, or "
        "the server has cancelled one"
    )
    owes: ClassVar[str] = (
        "``connection limit``, if ``limit`` is given: the server refuses the role any connection beyond it; "
        "``statement limit``, if ``ends_within`` is given: the server ends each statement within that time"
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
        """One PostgreSQL server that lets the harness in; with ``statements`` it may be a pooler."""
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
                f"by={self.by!r} works on PostgreSQL only. For another database, subclass Fault and take "
                "ConnectionExhaustion as the pattern"
            ]
        try:
            with postgres.session(runtime, names[0], self.credentials, "chaoskit-look") as session:
                limit = session.figure("show max_connections")
        except PostgresRefused as error:
            return [f"{names[0]} does not let the harness in: {error}; give user= and password="]
        if self.spare < limit:
            return []
        return [f"spare is {self.spare}; it must be less than the server's {limit} connections"]

    def _contradictions(self) -> list[str]:
        reasons = []
        if self.by not in get_args(By):
            reasons.append(f"by={self.by!r} is not one of {', '.join(get_args(By))}")
        if self.spare < 0:
            reasons.append(f"spare is {self.spare}; it must be zero or more")
        if self.limit is not None and self.limit < 1:
            reasons.append(f"limit is {self.limit}; it must be one or more")
        if self.limit is not None and self.spare:
            reasons.append("limit= is judged by a refusal, and spare= stops before it; give one of them")
        if self.by == "statements" and (self.limit is not None or self.spare):
            reasons.append("limit= and spare= are for by='slots'; with by='statements' give ends_within=")
        if self.by == "slots" and self.ends_within is not None:
            reasons.append("ends_within= is for statements; give by='statements' too")
        if not 0 < self.per_s <= _MOST_STATEMENTS_PER_S:
            reasons.append(
                f"per_s is {self.per_s:g}; it must be above 0 and at most {_MOST_STATEMENTS_PER_S:g}"
            )
        if self.ends_within is not None and self.ends_within <= 0:
            reasons.append(f"ends_within is {self.ends_within:g} s; it must be above 0")
        return reasons

    @property
    def credentials(self) -> Credentials:
        """The credentials that the harness connects with."""
        return Credentials(self.user, self.password, self.database)

    def impact(self, runtime: Runtime) -> Impact:
        """The server is strained, not lost: it still serves every client that holds a connection."""
        return Impact(strained=frozenset(targets(self.component, runtime.components)))

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """The connections end with the harness's process. The undo step has the ``application_name`` by which
        the server shows them.

        A statement that is running when that process is killed goes on until the server notices: when the
        server next writes to the client, ends the statement, or is itself removed with the run.
        """
        detail = {"application_name": _application(runtime)}
        return tuple(Undo("disconnect", name, detail) for name in targets(self.component, runtime.components))

    def inject(self, runtime: Runtime) -> Injection:
        """Start to take connections."""
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
