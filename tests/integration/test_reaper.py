"""A harness that is killed leaves nothing behind, whenever it dies."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import docker
import pytest

from chaoskit.containers.cleanup.removal import remove_run
from chaoskit.containers.leftovers import clean, runs
from chaoskit.interpose import RUN_LABEL
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

WITHIN = 10.0
"""Seconds after its death within which nothing of the harness is left: the promise."""

SEED = "CHAOSKIT_MOMENT_SEED"
"""The variable that chooses the moments at which harnesses die; by default they differ from run to run."""

# A harness: prints "here" once its reaper runs, then starts what its arguments name until it is killed.
HARNESS = """
import subprocess, sys, time
import docker
from chaoskit.interpose import RUN_LABEL
from chaoskit.containers.cleanup.reaper import Reaper
run_id, image, compose, keep, replay = sys.argv[1:]
reaper = Reaper.start(run_id, keep=keep == "keep", replay=replay or None)
print("here", reaper.pid, flush=True)
if compose:
    command = ["docker", "compose", "--project-name", run_id, "--file", compose, "up", "--wait"]
    child = subprocess.Popen(command, process_group=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reaper.register(child.pid)
    time.sleep(600)
client = docker.from_env()
labels = {RUN_LABEL: run_id}
network = client.networks.create(run_id, labels=labels)
client.volumes.create(run_id, labels=labels)
for number in range(600):
    container = client.containers.create(
        image, ["sleep", "infinity"], labels=labels, network=run_id, volumes=[f"{run_id}:/data", "/anonymous"]
    )
    container.start()
    print("started", number, flush=True)
"""


class Harness:
    """A process that runs :data:`HARNESS`."""

    def __init__(self, run_id: str, image: str, compose: str = "", keep: str = "", replay: str = "") -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", HARNESS, run_id, image, compose, keep, replay]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.reaper = int(self.line().split()[1])

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def kill(self) -> float:
        """Send SIGKILL; returns the time."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return time.monotonic()


@pytest.fixture
def image(client: docker.DockerClient) -> str:
    """The image from which the test containers are made."""
    return base_image(client)


@pytest.fixture
def compose(tmp_path: Path, run_id: str, image: str) -> str:
    """Eight services with a volume and a network, all with the run's label; two never become ready."""
    labels = {RUN_LABEL: run_id}
    service = {
        "image": image,
        "command": ["sleep", "infinity"],
        "labels": labels,
        "volumes": ["data:/data"],
        "restart": "always",
        "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
    }
    services = {f"s{number}": dict(service) for number in range(8)}
    services["s0"]["healthcheck"] = {"test": ["CMD", "false"], "interval": "1s"}
    services["s1"]["depends_on"] = {"s0": {"condition": "service_healthy"}}
    path = tmp_path / "compose.json"
    content = {
        "services": services,
        "networks": {"default": {"labels": labels}},
        "volumes": {"data": {"labels": labels}},
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def nothing_left(client: docker.DockerClient, run_id: str) -> bool:
    """Whether the engine and this machine have no trace of the run."""
    return all(run.run_id != run_id for run in runs(client))


def ended(pid: int) -> bool:
    """Whether a process has ended (a zombie, whose parent was killed, has)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def wait_until_gone(client: docker.DockerClient, run_id: str, harness: Harness, died: float) -> None:
    """Check that everything is removed in time, and that nothing comes back after the reaper has ended."""
    while not nothing_left(client, run_id):
        assert time.monotonic() < died + WITHIN, f"{runs(client)} after {WITHIN:g} s"
        time.sleep(0.05)
    while not ended(harness.reaper):
        assert time.monotonic() < died + 2 * WITHIN, "the reaper does not end"
        time.sleep(0.05)
    assert nothing_left(client, run_id)


def some_moment(within: float, since: str) -> None:
    """Let a random time go by, another one each time; a failing test shows how to have it again."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(1_000_000))
    seconds = random.Random(f"{seed} {since}").uniform(0.0, within)
    told = "killed %.4f s later than %s; the same moment again: %s=%d"
    logging.getLogger(__name__).warning(told, seconds, since, SEED, seed)
    time.sleep(seconds)


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("number", [0, 1, 4])
def test_a_killed_harness_leaves_nothing(
    client: docker.DockerClient, run_id: str, image: str, number: int
) -> None:
    """Containers, networks, volumes and the run's folder are gone soon after SIGKILL, at a random moment."""
    harness = Harness(run_id, image)
    for _ in range(number):
        harness.line()
    some_moment(0.3, f"after {number} containers")
    anonymous = len(client.volumes.list(filters={"dangling": True}))
    wait_until_gone(client, run_id, harness, harness.kill())
    assert len(client.volumes.list(filters={"dangling": True})) <= anonymous


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize("after", [0.2, 0.6, 1.2, 2.5])
def test_a_harness_that_is_killed_while_compose_starts_leaves_nothing(
    client: docker.DockerClient, run_id: str, image: str, compose: str, after: float
) -> None:
    """A running ``docker compose up`` is ended too, with all that it was creating."""
    harness = Harness(run_id, image, compose)
    time.sleep(after)
    some_moment(0.2, f"{after:g} s after the harness was there")
    wait_until_gone(client, run_id, harness, harness.kill())


@pytest.mark.usefixtures("state")
def test_signals_of_the_terminal_do_not_end_the_reaper(
    client: docker.DockerClient, run_id: str, image: str
) -> None:
    """Interrupting, hanging up or terminating all processes still leaves a clean machine."""
    harness = Harness(run_id, image)
    harness.line()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        os.kill(harness.reaper, number)
    wait_until_gone(client, run_id, harness, harness.kill())


def test_a_kept_run_stays_and_its_faults_are_taken_back(
    client: docker.DockerClient, run_id: str, image: str, state: Path
) -> None:
    """With ``keep`` nothing is removed, the undo log is replayed, and ``clean`` removes the run later."""
    undo = state / "runs" / run_id / "undo.jsonl"
    harness = Harness(run_id, image, keep="keep", replay="tests.integration.test_reaper:replay")
    harness.line()
    undo.write_text("a step", encoding="utf-8")
    harness.kill()
    while not ended(harness.reaper):
        time.sleep(0.05)
    assert undo.read_text(encoding="utf-8") == "a step, taken"
    (run,) = (run for run in runs(client) if run.run_id == run_id)
    assert (run.alive, run.known, run.containers > 0) == (False, True, True)
    assert clean_only(client, run_id)
    assert nothing_left(client, run_id)


def test_clean_leaves_the_living_alone(
    client: docker.DockerClient, run_id: str, image: str, state: Path
) -> None:
    """A run whose harness lives is named and not touched, even if other harnesses were killed."""
    harness = Harness(run_id, image)
    harness.line()
    try:
        assert not clean_only(client, run_id)
        (run,) = (run for run in runs(client) if run.run_id == run_id)
        assert run.alive
        assert run.containers > 0
    finally:
        wait_until_gone(client, run_id, harness, harness.kill())


@pytest.mark.usefixtures("state")
def test_what_nobody_here_has_started_is_left_alone(client: docker.DockerClient, run_id: str) -> None:
    """A run without a folder may be another user's and alive, so it is named, and removed only on request."""
    client.volumes.create(run_id, labels={RUN_LABEL: run_id})
    assert not clean_only(client, run_id)
    (run,) = (run for run in runs(client) if run.run_id == run_id)
    assert (run.known, run.volumes) == (False, 1)
    assert clean_only(client, run_id, unknown=True)


def test_what_has_no_label_is_never_touched(client: docker.DockerClient, run_id: str) -> None:
    """A volume and a network with the run's name but without its label survive its removal."""
    network = client.networks.create(run_id)
    volume = client.volumes.create(run_id)
    try:
        assert remove_run(client, run_id).networks == ()
        network.reload()
        volume.reload()
    finally:
        network.remove()
        volume.remove()


def test_a_paused_container_is_removed_too(client: docker.DockerClient, run_id: str, image: str) -> None:
    """A component that an experiment froze is removed like any other."""
    container = client.containers.create(image, ["sleep", "infinity"], labels={RUN_LABEL: run_id})
    container.start()
    container.pause()
    assert remove_run(client, run_id).containers == (container.name,)


def replay(path: Path) -> None:
    """A stand-in for the function that lifts the faults; it runs in the reaper."""
    path.write_text(path.read_text(encoding="utf-8") + ", taken", encoding="utf-8")


def clean_only(client: docker.DockerClient, run_id: str, *, unknown: bool = False) -> bool:
    """``clean`` for one run, on an engine that others use too; returns whether it was removed."""
    return run_id in clean(client, unknown=unknown, only=frozenset([run_id])).removed
