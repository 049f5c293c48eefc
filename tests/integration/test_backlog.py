"""Backlogs and exhausted connections on a real Redis, PostgreSQL and PgBouncer, with workers in bash."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from chaoskit import faults
from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.errors import FaultMisfit
from chaoskit.faults import (
    ConnectionExhaustion,
    Evidence,
    Injection,
    Obligation,
    PostgresTable,
    Queue,
    RedisList,
    RedisStream,
    WorkerBacklog,
)
from chaoskit.faults.backlog import How
from chaoskit.faults.base import check
from chaoskit.system import System

pytestmark = pytest.mark.docker

Seen = TypeVar("Seen")

MARKET = {"POSTGRES_USER": "market", "POSTGRES_PASSWORD": "market", "POSTGRES_DB": "market"}

# Ten jobs a second are put, up to a hundred a second are done.
PRODUCER = "while true; do n=$$((n+1)); redis-cli -h queue RPUSH jobs job-$$n >/dev/null; sleep 0.1; done"
WORKER = "while true; do redis-cli -h queue BLPOP jobs 1 >/dev/null; sleep 0.005; done"

TABLE_WORKER = """
while true; do
  PGPASSWORD=market psql -q -h db -U market market -c "UPDATE jobs SET done_at = now() WHERE id IN
    (SELECT id FROM jobs WHERE done_at IS NULL ORDER BY id LIMIT 20)" >/dev/null 2>&1
  sleep 0.1
done"""

# Three connections for all, and two seconds for a statement.
POOLER = """
cd /tmp && echo '"market" "market"' > users.txt && cat > pgbouncer.ini <<INI && exec pgbouncer pgbouncer.ini
[databases]
market = host=db port=5432 connect_query='SET statement_timeout = 2000'
[pgbouncer]
listen_addr = *
unix_socket_dir =
auth_type = md5
auth_file = users.txt
pool_mode = transaction
default_pool_size = 3
query_wait_timeout = 3
INI"""

SERVICES = {
    "queue": {"image": "marketplace/redis:1", "command": ["--save", ""]},
    "producer": {"image": "marketplace/redis:1", "entrypoint": ["bash", "-c", PRODUCER], "init": True},
    "worker": {"image": "marketplace/redis:1", "entrypoint": ["bash", "-c", WORKER], "init": True},
    "db": {"image": "marketplace/postgres:1", "environment": MARKET, "stop_signal": "SIGINT"},
    "pooler": {
        "image": "marketplace/pgbouncer:1",
        "entrypoint": ["bash", "-c", POOLER],
        "environment": MARKET,
        "stop_signal": "SIGINT",
        "depends_on": ["db"],
    },
    "table-worker": {
        "image": "marketplace/pgbouncer:1",
        "entrypoint": ["bash", "-c", TABLE_WORKER],
        "init": True,
    },
}

TABLE = PostgresTable(
    "db", "jobs", insert="INSERT INTO jobs (title) SELECT 'job ' || g FROM generate_series(1, {n}) AS g"
)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRuntime]:
    """A queue in Redis and one in PostgreSQL, each with its worker."""
    path = tmp_path_factory.mktemp("backlog") / "compose.yaml"
    path.write_text(json.dumps({"services": SERVICES}))
    with DockerRuntime(System(compose=(path,), journeys=())) as started:
        sql(
            started,
            "CREATE TABLE jobs (id bigserial PRIMARY KEY, title text, created_at timestamptz DEFAULT now(), "
            "done_at timestamptz)",
            "CREATE ROLE bounded LOGIN PASSWORD 'b' CONNECTION LIMIT 5",
            "CREATE ROLE brief LOGIN PASSWORD 'b'",
            "ALTER ROLE brief SET statement_timeout = '800ms'",
        )
        yield started


def sql(runtime: DockerRuntime, *statements: str) -> None:
    """Run SQL as the owner of the database."""
    with postgres.session(runtime, "db", Credentials(), "test") as session:
        for each in statements:
            session.row(each, 5.0)


def cli(runtime: DockerRuntime, *words: str) -> str:
    """What redis-cli prints."""
    done = runtime.execute("queue", ["redis-cli", *words])
    assert done.exit_code == 0, done.output
    return done.output.strip()


def until(look: Callable[[], Seen], holds: Callable[[Seen], bool], timeout: float = 20.0) -> Seen:
    """Look until the condition holds."""
    end = time.monotonic() + timeout
    while not holds(seen := look()):
        assert time.monotonic() < end, f"waited {timeout:g} s in vain; last: {seen}"
        time.sleep(0.05)
    return seen


def until_proven(look: Callable[[], Evidence], timeout: float = 20.0) -> Evidence:
    """Look until the evidence holds."""
    return until(look, lambda seen: seen.holds, timeout)


def until_decided(injection: Injection, timeout: float = 100.0) -> Obligation:
    """Ask until the only obligation is decided."""
    began = time.monotonic()
    (owed,) = until(
        lambda: injection.obligations(time.monotonic() - began), lambda all: all[0].kept is not None, timeout
    )
    return owed


def test_a_list_tells_its_depth_and_a_lower_bound_of_its_age(runtime: DockerRuntime) -> None:
    """Depth is LLEN; the age counts from the first look, or is exact where jobs tell when they were put."""
    plain = RedisList("queue", "plain", payload="job-{n}")
    assert plain.misfits(runtime) == []
    assert (plain.depth(runtime), plain.oldest(runtime)) == (0, None)
    plain.put(runtime, 2500)
    assert plain.depth(runtime) == 2500
    assert cli(runtime, "LINDEX", "plain", "0") == "job-1"
    assert plain.oldest(runtime) == 0.0
    until(lambda: plain.oldest(runtime), lambda age: age is not None and age > 0.2)
    cli(runtime, "LPOP", "plain")
    assert plain.oldest(runtime) == 0.0
    cli(runtime, "RPUSH", "twins", "same", "same")
    assert RedisList("queue", "twins").oldest(runtime) is None

    put_at = float(cli(runtime, "TIME").split()[0]) - 60
    stamped = RedisList("queue", "stamped", oldest_end="right", payload=str(put_at), enqueued_at=float)
    stamped.put(runtime, 1)
    cli(runtime, "LPUSH", "stamped", str(put_at + 50))
    assert 60 <= (stamped.oldest(runtime) or 0) < 65


def test_a_stream_tells_what_its_group_has_not_done(runtime: DockerRuntime) -> None:
    """Depth is lag plus pending, even if Redis does not know the lag; the age is that of the oldest entry."""
    stream = RedisStream("queue", "stream", group="workers", entry={"title": "job {n}"})
    assert "no consumer group 'workers'" in stream.misfits(runtime)[0]
    cli(runtime, "XGROUP", "CREATE", "stream", "workers", "0", "MKSTREAM")
    assert stream.misfits(runtime) == []
    assert (stream.depth(runtime), stream.oldest(runtime)) == (0, None)
    stream.put(runtime, 10)
    assert stream.depth(runtime) == 10
    until(lambda: stream.oldest(runtime), lambda age: age is not None and 0.2 < age < 5)
    read = cli(runtime, "XREADGROUP", "GROUP", "workers", "one", "COUNT", "4", "STREAMS", "stream", ">")
    ids = [line for line in read.splitlines() if "-" in line and line[0].isdigit()]
    assert len(ids) == 4
    cli(runtime, "XACK", "stream", "workers", *ids[:3])
    assert stream.depth(runtime) == 7  # one pending, six not delivered
    assert (stream.oldest(runtime) or 0) > 0.2
    last = cli(runtime, "XREVRANGE", "stream", "+", "-", "COUNT", "2").splitlines()[3]
    cli(runtime, "XDEL", "stream", last)
    assert "lag\n\n" in cli(runtime, "XINFO", "GROUPS", "stream") + "\n\n"  # Redis no longer knows
    assert stream.depth(runtime) == 6
    assert RedisStream("queue", "stream").depth(runtime) == 9


def test_a_table_tells_its_pending_rows(runtime: DockerRuntime) -> None:
    """Depth counts the rows that are not done, age is that of the oldest, directly and through a pooler."""
    sql(
        runtime,
        "CREATE TABLE letters (id bigserial, created_at timestamptz DEFAULT now(), done_at timestamptz)",
    )
    insert = "INSERT INTO letters (created_at) SELECT now() - interval '1 min' FROM generate_series(1, {n})"
    direct = PostgresTable("db", "letters", insert=insert)
    pooled = PostgresTable("pooler", "letters")
    assert direct.misfits(runtime) == pooled.misfits(runtime) == []
    assert (direct.depth(runtime), direct.oldest(runtime)) == (0, None)
    direct.put(runtime, 300)
    sql(runtime, "UPDATE letters SET done_at = now() WHERE id <= 100")
    for probe in (direct, pooled):
        assert probe.depth(runtime) == 200
        assert 60 <= (probe.oldest(runtime) or 0) < 70
    assert "42P01" in PostgresTable("db", "leters").misfits(runtime)[0]
    assert "INSERT" in PostgresTable("db", "letters", insert="INSERT").misfits(runtime)[0]


@pytest.mark.parametrize(
    ("queue", "workers", "how", "jobs"),
    [
        (RedisList("queue", "jobs", payload="flood-{n}"), "worker", "flood", 150),
        (RedisList("queue", "jobs"), "worker", "stop", 0),
        (RedisList("queue", "jobs"), "worker", "pause", 0),
        (RedisList("queue", "jobs", payload="flood-{n}"), "worker", "crash", 150),
        (TABLE, "table-worker", "stop", 100),
    ],
    ids=["flood", "stop", "pause", "crash", "table"],
)
def test_a_backlog_lands_and_drains(
    runtime: DockerRuntime, queue: Queue, workers: str, how: How, jobs: int
) -> None:
    """The depth proves the backlog, which is still there before the lift; afterwards the queue drains."""
    until(lambda: queue.depth(runtime), lambda depth: depth <= 1)
    fault = WorkerBacklog(queue, workers, jobs=jobs, how=how, every=0.5, drain_within=90.0)
    check(fault, runtime)
    injection = fault.inject(runtime)
    try:
        until_proven(injection.landed)
        if how == "crash":
            until(injection.landed, lambda seen: seen.figures["kills"] >= 3)
        if how in ("stop", "pause"):
            until(injection.holding, lambda seen: (seen.figures["oldest"] or 0) > 0.5)
        assert injection.holding().holds
    finally:
        injection.lift()
    until_proven(injection.gone)
    owed = until_decided(injection)
    assert owed.kept
    assert owed.figures["peak"] >= (jobs // 2 or 5)
    assert queue.depth(runtime) <= 3


def test_a_backlog_that_does_not_drain_in_time_is_seen(runtime: DockerRuntime) -> None:
    """Two thousand jobs take this worker more than two seconds: the drain is broken, with figures."""
    queue = RedisList("queue", "jobs", payload="late-{n}")
    injection = WorkerBacklog(queue, "worker", jobs=2000, drain_within=2.0).inject(runtime)
    until_proven(injection.landed)
    injection.lift()
    owed = until_decided(injection)
    assert owed.kept is False
    assert owed.figures["depth"] > 2
    cli(runtime, "DEL", "jobs")


@pytest.mark.parametrize(("limit", "kept"), [(5, True), (3, False)])
def test_a_role_is_kept_within_its_limit(runtime: DockerRuntime, limit: int, kept: bool) -> None:
    """A role that may have five connections keeps a limit of five and breaks one of three; others get in."""
    fault = ConnectionExhaustion("db", user="bounded", password="b", database="market", limit=limit)
    check(fault, runtime)
    injection = fault.inject(runtime)
    try:
        landed = until_proven(injection.landed)
        assert "of this role" in landed.says
        sql(runtime, "SELECT 1")
    finally:
        injection.lift()
    until_proven(injection.gone)
    owed = until_decided(injection)
    assert (owed.kept, owed.figures["held"]) == (kept, 5)


def test_a_role_without_a_limit_takes_all(runtime: DockerRuntime) -> None:
    """A server that lets one role take all slots breaks the connection limit."""
    injection = ConnectionExhaustion("db", user="brief", password="b", database="market", limit=5).inject(
        runtime
    )
    try:
        landed = until_proven(injection.landed)
        assert "of this role" not in landed.says
    finally:
        injection.lift()
    until_proven(injection.gone)
    owed = until_decided(injection)
    assert owed.kept is False
    assert owed.figures["held"] > 30


UNBOUNDED = "SET LOCAL statement_timeout = 0; SELECT pg_sleep(60)"
"""The pooler sets a time-out of two seconds on its connections."""


@pytest.mark.parametrize(
    ("component", "user", "statement", "bounded"),
    [
        ("db", "brief", "SELECT pg_sleep(60)", True),
        ("db", None, "SELECT pg_sleep(60)", False),
        ("pooler", None, "SELECT pg_sleep(60)", True),
        ("pooler", None, UNBOUNDED, False),
    ],
    ids=["server-bounded", "server", "pooler-bounded", "pooler"],
)
def test_statements_that_do_not_end(
    runtime: DockerRuntime, component: str, user: str | None, statement: str, bounded: bool
) -> None:
    """Statements run or are cancelled, none is running after the lift, and their limit is judged."""
    fault = ConnectionExhaustion(
        component,
        user=user,
        password="b" if user else None,
        database="market",
        by="statements",
        per_s=1.5 if bounded else 4.0,
        statement=statement,
        ends_within=2.5 if bounded else 0.5,
    )
    check(fault, runtime)
    injection = fault.inject(runtime)
    try:
        until_proven(injection.landed)
        if not bounded:  # more than the pooler's three connections, so that some wait in the pooler
            until(injection.landed, lambda seen: seen.figures["running"] >= 6)
        until(injection.under_way, lambda under_way: not under_way)
        assert injection.holding().holds
    finally:
        injection.lift()
    until_proven(injection.gone, 5.0)
    with postgres.session(runtime, "db", Credentials(), "test") as session:
        sleeping = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep%'"
        assert session.figure(f"{sleeping} and pid <> pg_backend_pid()") == 0
    owed = until_decided(injection)
    assert owed.kept is bounded


def test_a_queue_that_is_elsewhere_is_refused(runtime: DockerRuntime) -> None:
    """A wrong server, key or component is refused before anything happens."""
    cli(runtime, "RPUSH", "a-list", "one")
    for queue, says in (
        (RedisList("db", "jobs"), "does not serve it"),
        (RedisStream("queue", "a-list"), "is a list, not a stream"),
        (faults.CallableQueue("nowhere", depth=lambda runtime: 0), "there is no component"),
    ):
        with pytest.raises(FaultMisfit, match=says):
            check(WorkerBacklog(queue, "worker", how="stop"), runtime)
