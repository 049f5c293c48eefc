"""Replica lag on a real PostgreSQL primary and its standby."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from chaoskit.clients import postgres, standby
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.containers.cleanup.owner import run_folder
from chaoskit.containers.started import takeback
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.faults import Evidence, Obligation, ReplicaLag
from chaoskit.faults.base import check
from chaoskit.runtime.undolog import UndoLog, pending
from chaoskit.system import System
from tests.images import needed

pytestmark = pytest.mark.docker

IMAGE = "marketplace/postgres:1"
MARKET = {"POSTGRES_USER": "market", "POSTGRES_PASSWORD": "market", "POSTGRES_DB": "market"}
SERVER = {
    "image": IMAGE,
    "shm_size": "256m",
    "stop_signal": "SIGINT",
    "healthcheck": {
        "test": ["CMD", "pg_isready", "--quiet", "--username=market", "--dbname=market"],
        "interval": "2s",
        "start_period": "60s",
        "start_interval": "200ms",
    },
}
SERVICES = {
    "main": {**SERVER, "command": ["primary"], "environment": MARKET},
    "standby": {
        **SERVER,
        "command": ["replica"],
        "environment": {**MARKET, "PRIMARY_HOST": "main", "PRIMARY_PORT": "5432"},
        "depends_on": {"main": {"condition": "service_healthy"}},
    },
}


@pytest.fixture(scope="module")
def running(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRuntime]:
    """A primary that receives writes, and its standby."""
    needed(client, IMAGE)
    path = tmp_path_factory.mktemp("system") / "compose.yaml"
    path.write_text(json.dumps({"services": SERVICES}))
    with DockerRuntime(System(compose=(path,), journeys=())) as runtime, written_to(runtime):
        yield runtime


@contextlib.contextmanager
def written_to(runtime: DockerRuntime) -> Iterator[None]:
    """Inserts a small row into the primary thirty times a second."""
    ended = threading.Event()
    with postgres.session(runtime, "main", Credentials(), "writer") as session:
        session.rows("create table ticks (at timestamptz default now(), filler text)")

        def write() -> None:
            while not ended.wait(1 / 30):
                session.rows("insert into ticks (filler) values (repeat('x', 500))")

        writer = threading.Thread(target=write, name="writer")
        writer.start()
        try:
            yield
        finally:
            ended.set()
            writer.join(10.0)


def until(look: Callable[[], Evidence], within: float) -> Evidence:
    """Look again and again, as an experiment does; returns the last evidence."""
    end = time.monotonic() + within
    while not (evidence := look()).holds and time.monotonic() < end:
        time.sleep(0.05)
    return evidence


def paused(runtime: DockerRuntime) -> bool:
    """The answer of the standby, once it answers."""
    end = time.monotonic() + 30.0
    while True:
        try:
            with postgres.session(runtime, "standby", Credentials(), "look") as session:
                return standby.paused(session)
        except PostgresRefused:
            assert time.monotonic() < end, "the standby does not answer"
            time.sleep(0.1)


def lag_of_rows(runtime: DockerRuntime) -> float:
    """Seconds by which the standby's newest row is older than the primary's, which is what users see."""
    newest = "select extract(epoch from max(at)) from ticks"
    with postgres.session(runtime, "standby", Credentials(), "look") as session:
        shown = float(session.rows(newest)[0][0])
    with postgres.session(runtime, "main", Credentials(), "look") as session:
        return float(session.rows(newest)[0][0]) - shown


@pytest.mark.parametrize(
    "fault",
    [
        ReplicaLag("standby"),
        ReplicaLag("standby", by="link"),
        ReplicaLag("standby", by="link", at_least=1.0, at_least_bytes=50_000),
    ],
    ids=lambda fault: f"{fault.by}-{fault.at_least_bytes}",
)
def test_a_standby_falls_behind_and_catches_up(running: DockerRuntime, fault: ReplicaLag) -> None:
    """The fault lands with bytes and seconds that the rows confirm, holds, is gone after the lift, and the
    standby catches up in time."""
    check(fault, running)
    assert lag_of_rows(running) < fault.at_least
    injection = fault.inject(running)
    try:
        landed = until(injection.landed, 15.0)
        assert landed.holds, landed.says
        assert landed.figures["behind_seconds"] >= fault.at_least
        assert landed.figures["behind_bytes"] > max(1000, fault.at_least_bytes)
        assert lag_of_rows(running) > fault.at_least - 0.3
        time.sleep(3.0)  # the fault window
        held = injection.holding()
        assert held.holds, held.says
        assert not injection.gone().holds
    finally:
        lifted = time.monotonic()
        injection.lift()
    gone = until(injection.gone, 10.0)
    assert gone.holds, gone.says
    owed: list[Obligation] = []

    def settled() -> Evidence:
        owed[:] = injection.obligations(time.monotonic() - lifted)
        return Evidence(owed[0].kept is not None, owed[0].says)

    assert until(settled, 35.0).holds
    assert owed[0].kept, owed[0].says
    assert owed[0].figures["owed_bytes"] > 1000
    assert lag_of_rows(running) < 1.0


@pytest.mark.parametrize("by", ["replay", "link"])
def test_it_is_taken_back_without_the_process_that_injected_it(
    running: DockerRuntime, tmp_path: Path, by: str
) -> None:
    """The undo log and the engine are enough: the standby is restarted, or its link is fast again."""
    fault = ReplicaLag("standby", by="link" if by == "link" else "replay")
    folder = run_folder(running.run_id)
    log = UndoLog(folder / "undo.jsonl")
    log.ahead(fault.undo(running))
    before = running.state("standby").started_at
    injection = fault.inject(running)
    try:
        assert until(injection.landed, 15.0).holds
        takeback.replay(log.path)
        assert not pending(log.path)
        assert (running.state("standby").started_at != before) is (by == "replay")
        running.wait_ready(["standby"], 30.0)
        assert not paused(running)
        assert injection.gone().holds
    finally:
        injection.lift()
    end = time.monotonic() + 30.0
    while lag_of_rows(running) > 1.0:
        assert time.monotonic() < end, "the standby does not catch up"
        time.sleep(0.1)
    assert until(lambda: Evidence(all(each.kept for each in injection.obligations(0.0)), ""), 30.0).holds


def test_a_primary_is_not_a_standby(running: DockerRuntime) -> None:
    """The primary is refused as a replica, with the name of the standby."""
    (reason,) = ReplicaLag("main").misfits(running)
    assert "main is not a standby" in reason
    assert reason.endswith("other PostgreSQL servers here: standby")
