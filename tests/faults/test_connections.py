"""Slots and statements of a PostgreSQL that exists only in memory, on a manual clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.errors import FaultMisfit
from chaoskit.faults import CacheLoss, ConnectionExhaustion, Fault
from chaoskit.faults.base import check
from chaoskit.faults.connections.slots import connection_limit
from chaoskit.faults.connections.statements import (
    RUNNING_AFTER_SECONDS,
    TOLERANCE_SECONDS,
    SentStatement,
    StatementEnd,
    Statements,
    statement_limit,
)
from chaoskit.runtime.memory import MemoryRuntime
from tests.waiting import until


@pytest.fixture
def runtime() -> MemoryRuntime:
    """A server, a pooler, and a component that is neither."""
    links = [("api", "db", 5432), ("api", "pooler", 6432), ("api", "cache", 6379)]
    made = MemoryRuntime(["api", "db", "pooler", "cache"], links)
    made.start()
    return made


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (ConnectionExhaustion("db", by="magic"), "not one of slots, statements"),  # type: ignore[arg-type]
        (ConnectionExhaustion("db", limit=0), "must be one or more"),
        (ConnectionExhaustion("db", limit=5, spare=1), "give one of them"),
        (ConnectionExhaustion("db", by="statements", limit=5), "are for by='slots'"),
        (ConnectionExhaustion("db", ends_within=5.0), "give by='statements' too"),
        (ConnectionExhaustion("db", by="statements", per_s=1000.0), "at most 50"),
        (ConnectionExhaustion("db", by="statements", ends_within=-1.0), "must be above 0"),
        (ConnectionExhaustion("cache", by="statements"), "no port 5432 or 6432 .its ports: 6379"),
        (ConnectionExhaustion("pooler"), "no port 5432 .its ports: 6432"),
        (ConnectionExhaustion("pooler", by="statements"), "does not let the harness in"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_misfit_is_refused_before_anything_happens(runtime: MemoryRuntime, fault: Fault, says: str) -> None:
    """A fault that contradicts itself or does not fit says why, and touches nothing."""
    before = list(runtime.log)
    with pytest.raises(FaultMisfit, match=says):
        check(fault, runtime)
    assert runtime.log == before


@pytest.mark.parametrize(
    "fault", [ConnectionExhaustion("db", password="hush"), CacheLoss("cache", password="hush")]
)
def test_no_report_shows_a_password(fault: Fault) -> None:
    """Neither the name of a fault nor its description nor its repr has a secret."""
    assert "hush" not in f"{fault.name} {fault.describe()} {fault!r}"
    assert fault.describe()["password"] == "***"


@pytest.mark.parametrize(
    ("most", "refusals", "kept"), [(5, 3, True), (4, 1, True), (6, 3, False), (6, 0, False), (5, 0, None)]
)
def test_a_limit_is_kept_by_a_refusal(most: int, refusals: int, kept: bool | None) -> None:
    """At most ``limit`` connections and a refusal keep it, more break it, and no refusal proves nothing."""
    owed = connection_limit(5, most, refusals, 60)
    assert owed.kept is kept
    assert owed.figures == {"held": most, "limit": 5, "refusals": refusals, "max_connections": 60}


WITHIN = 2.0
ENDS: tuple[StatementEnd, ...] = ("", "ended", "cancelled", "failed", "lifted")
SENT = st.lists(
    st.builds(
        lambda at, took, end: SentStatement(at, at + took if end else None, end),
        st.integers(0, 50).map(lambda tenths: tenths / 10),
        st.integers(0, 50).map(lambda tenths: tenths / 10),
        st.sampled_from(ENDS),
    ),
    max_size=6,
)


@given(SENT)
def test_a_statement_limit_is_judged_by_the_longest(sent: list[SentStatement]) -> None:
    """One statement that ran too long breaks the limit, whatever the others did; nothing else breaks it."""
    now = 10.0
    owed = statement_limit(sent, WITHIN, now)
    assert (owed.kept is False) == any(each.age(now) > WITHIN + TOLERANCE_SECONDS for each in sent)


@given(SENT)
def test_a_statement_limit_is_kept_only_by_the_server(sent: list[SentStatement]) -> None:
    """Kept means that the server stopped a statement, and none sent before it was left to the lift."""
    if statement_limit(sent, WITHIN, 5.0).kept:
        stopped = [
            each
            for each in sent
            if each.end in ("cancelled", "failed") and each.age(5.0) >= RUNNING_AFTER_SECONDS
        ]
        assert stopped
        first = min(each.at for each in stopped)
        assert not [each for each in sent if each.end in ("", "lifted") and each.at < first]


def test_statements_that_end_by_themselves_prove_no_limit() -> None:
    """The obligation stays undecided if the server had nothing to stop."""
    assert statement_limit([SentStatement(0.0, 1.5, "ended")], WITHIN, 9.0).kept is None
    assert (
        statement_limit([SentStatement(0.0, 0.01, "failed")], WITHIN, 9.0).kept is None
    )  # a mistake in the SQL
    assert statement_limit([SentStatement(0.0, 2.0, "cancelled")], WITHIN, 9.0).kept is True


@pytest.mark.parametrize("earlier", [SentStatement(0.0, 2.5, "lifted"), SentStatement(0.0)])
def test_a_later_one_that_failed_proves_nothing_for_an_earlier_one(earlier: SentStatement) -> None:
    """A pooler that turns away the thirteenth statement does not limit the twelve that run."""
    turned_away = SentStatement(1.0, 2.4, "failed")
    assert statement_limit([earlier, turned_away], WITHIN, 2.5).kept is None


class Server:
    """A PostgreSQL that exists only as its answers: statements run until they are told to end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sessions: list[FakeSession] = []
        self.deaf = False
        """Whether a CancelRequest has no effect."""
        self.refuses = ""
        self.terminated = 0
        monkeypatch.setattr(postgres, "session", self.session)
        monkeypatch.setattr(postgres, "PostgresSession", FakeSession)

    @contextmanager
    def session(
        self, runtime: Any, component: str, who: Any, application: str, timeout: float = 5.0
    ) -> Iterator[Any]:
        """A connection, as chaoskit.clients.postgres.session gives it."""
        if self.refuses:
            raise PostgresRefused("53300", self.refuses)
        made = FakeSession(self, application)
        if application != "chaoskit-look":
            self.sessions.append(made)
        yield made
        made.closed = True

    @property
    def active(self) -> int:
        """How many statements are running."""
        return sum(each.active for each in self.sessions)


class FakeSession:
    """A connection to that server."""

    def __init__(self, server: Server, application: str) -> None:
        self.server, self.application = server, application
        self.over = threading.Event()
        self.answer: PostgresRefused | None = None
        self.active = self.closed = False

    def run_without_limit(self, statement: str) -> None:
        """Run until the test or the harness ends it."""
        self.active = True
        assert self.over.wait(10.0)
        if self.answer is None:
            self.active = False
            return
        if self.answer.sqlstate:
            self.active = False
        raise self.answer

    def end(self, sqlstate: str | None = None) -> None:
        """The server, or the network, ends the statement."""
        self.answer = PostgresRefused(sqlstate, "canceling statement") if sqlstate else None
        self.over.set()

    def cancel(self) -> None:
        """A CancelRequest."""
        if not self.server.deaf:
            self.end(postgres.QUERY_CANCELED)

    def hang_up(self) -> None:
        """The client is gone, and the server does not notice."""
        self.answer = PostgresRefused(None, "network error")
        self.over.set()

    def figure(self, query: str) -> int:
        """How many statements are running; ends them if the query asks for that."""
        assert f"application_name = '{self.server.sessions[0].application}'" in query
        active = self.server.active
        if "pg_terminate_backend" in query:
            self.server.terminated += active
            for each in self.server.sessions:
                each.active = False
        return active


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server."""
    return Server(monkeypatch)


def begin(runtime: MemoryRuntime, **options: Any) -> Statements:
    """Statements, a thousand a second."""
    made = Statements(
        runtime, "db", Credentials(), "chaoskit-memory", statement="SELECT 1", per_s=1000.0, **options
    )
    made.start()
    return made


def test_statements_land_when_one_runs_for_a_while(runtime: MemoryRuntime, server: Server) -> None:
    """Statements land after half a second without an answer, if the server shows them; the lift ends all."""
    injection = begin(runtime)
    until(lambda: server.active >= 3)
    assert not injection.landed().holds
    runtime.clock.sleep(RUNNING_AFTER_SECONDS)
    landed = injection.landed()
    assert landed.holds
    assert landed.figures["active"] >= 3
    assert landed.figures["oldest"] >= RUNNING_AFTER_SECONDS
    assert not injection.gone().holds
    injection.lift()
    injection.lift()
    assert injection.gone().holds
    assert all(each.closed for each in server.sessions)
    assert (server.terminated, injection.obligations(0.0)) == (0, ())
    assert injection.landed().figures["cancelled"] == 0  # the lift's cancelling is not the server's limit


def test_what_the_server_does_not_show_has_not_landed(runtime: MemoryRuntime, server: Server) -> None:
    """A statement without an answer that the server does not run waits in some queue: no evidence."""
    injection = begin(runtime)
    until(lambda: server.active >= 1)
    runtime.clock.sleep(RUNNING_AFTER_SECONDS)
    real, server.sessions = server.sessions, [FakeSession(server, "chaoskit-memory")]
    assert not injection.landed().holds
    server.sessions = real + server.sessions[1:]
    for each in real:
        each.end()
    injection.lift()


def test_a_cancelled_statement_is_evidence_and_its_connection_is_closed(
    runtime: MemoryRuntime, server: Server
) -> None:
    """SQLSTATE 57014 proves that the statement ran, and keeps the limit."""
    injection = begin(runtime, ends_within=WITHIN)
    until(lambda: server.active >= 1)
    first = server.sessions[0]
    assert injection.under_way()
    runtime.clock.sleep(1.0)
    first.end(postgres.QUERY_CANCELED)
    until(lambda: first.closed)
    landed = injection.landed()
    assert landed.holds
    assert landed.figures["cancelled"] == 1
    injection.lift()
    (owed,) = injection.obligations(0.0)
    assert owed.figures["longest"] == 1.0


def test_a_statement_that_outlasts_its_limit_breaks_it(runtime: MemoryRuntime, server: Server) -> None:
    """The fault window lasts until the limit is decided."""
    injection = begin(runtime, ends_within=WITHIN)
    until(lambda: server.active >= 1)
    assert injection.under_way()
    runtime.clock.sleep(WITHIN + TOLERANCE_SECONDS + 0.1)
    assert not injection.under_way()
    injection.lift()
    (owed,) = injection.obligations(0.0)
    assert owed.kept is False


def test_what_cannot_be_cancelled_is_cut_and_terminated(
    runtime: MemoryRuntime, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements whose CancelRequest has no effect are terminated in a session, which also sees them gone."""
    monkeypatch.setattr("chaoskit.faults.connections.statements._END_WAIT_SECONDS", 0.02)
    injection = begin(runtime)
    until(lambda: server.active >= 2)
    server.deaf = True
    injection.lift()
    assert server.terminated >= 2
    until(lambda: injection.gone().holds)  # an experiment asks again and again, too


def test_refused_connections_are_reported(runtime: MemoryRuntime, server: Server) -> None:
    """Nothing lands if the server lets no connection in, and the evidence has the refusal."""
    server.refuses = "sorry, too many clients already"
    injection = begin(runtime)
    until(lambda: injection.landed().figures["failed"] >= 2)
    landed = injection.landed()
    assert not landed.holds
    assert "SQLSTATE 53300: sorry, too many clients" in landed.says
    injection.lift()
    assert not injection.gone().holds
