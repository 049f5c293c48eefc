"""A kept run whose harness is killed while faults are active becomes healthy again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import docker
import pytest

from chaoskit.containers.engine.client import containers, state_of
from chaoskit.containers.leftovers import clean
from chaoskit.runtime.undolog import pending
from tests.integration.test_up import FILE
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

HARNESS = f"""
import time
from chaoskit.faults import CutLink, Kill, Latency, Pause
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.containers.cleanup.owner import run_folder
from chaoskit.system import System
from chaoskit.runtime.undolog import UndoLog

runtime = DockerRuntime(System.from_compose({str(FILE)!r}, journeys=[]), keep=True)
runtime.start()
log = UndoLog(run_folder(runtime.run_id) / "undo.jsonl")
faults = [
    Pause("mailer"), Kill("carts"), Latency("web→api", delay=2.0),
    CutLink("api→user_db"), CutLink("api→mailer", how="silent"), CutLink("outside→web", how="hang"),
]
for fault in faults:
    log.ahead(fault.undo(runtime))
    fault.inject(runtime)
print(runtime.run_id, flush=True)
time.sleep(600)
"""

WITHIN = 30.0


def test_faults_of_a_kept_run_are_taken_back(client: docker.DockerClient, state: Path) -> None:
    """After SIGKILL the reaper replays the undo log, and nothing is cut, slow, paused or down."""
    environment = {**os.environ, "BASE_IMAGE": base_image(client)}
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS], env=environment, stdout=subprocess.PIPE, text=True
    )
    with harness:
        assert harness.stdout is not None
        run_id = harness.stdout.readline().strip()
        log = state / "runs" / run_id / "undo.jsonl"
        assert len(pending(log)) == 6
        harness.send_signal(signal.SIGKILL)
        harness.wait()
    try:
        until = time.monotonic() + WITHIN
        while pending(log) and time.monotonic() < until:
            time.sleep(0.1)
        note = log.with_name("note.txt")
        assert not pending(log), note.read_text() if note.exists() else "the reaper said nothing"
        kept = containers(client, run_id)
        assert {"mailer", "carts", "web"} <= kept.keys()
        for name, container in kept.items():
            if not name.startswith(("toxiproxy", "sidecar")):
                assert state_of(client.api.inspect_container(container)).status == "running", name
    finally:
        cleaned = clean(client, only={run_id})
    assert run_id in cleaned.removed
    assert containers(client, run_id) == {}
