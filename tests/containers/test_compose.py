"""Compose itself reads the files here; it needs no engine for that.

Compose in a thread of its own: its failure is told, and it can be ended at any moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from chaoskit.containers.compose import Compose, Up, parse_routes, resolve
from chaoskit.errors import ComposeError, EngineUnavailable, StartFailed
from chaoskit.system import System

Write = Callable[[str], Path]

compose_reads = pytest.mark.docker  # its command line, not its engine


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a compose file and say where it is."""

    def to_disk(text: str) -> Path:
        path = tmp_path / "compose.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_disk


@compose_reads
def test_compose_reads_the_files(tmp_path: Path, write: Write) -> None:
    """Several files, env files, profiles and variables come together as Compose puts them together."""
    first = write("services: {web: {image: 'web:${TAG}', environment: {A: '${FROM_FILE}'}}}")
    second = tmp_path / "override.yaml"
    second.write_text(
        "services: {web: {command: [go]}, debug: {image: d, profiles: [dev]}}", encoding="utf-8"
    )
    variables = tmp_path / "vars"
    variables.write_text("FROM_FILE=seen\n", encoding="utf-8")
    system = System.from_compose(
        [first, second], journeys=(), profiles=["dev"], env_files=[variables], environment={"TAG": "7"}
    )
    found = resolve(system)
    services = found.config["services"]
    assert set(services) == {"web", "debug"}
    assert services["web"]["image"] == "web:7"
    assert services["web"]["command"] == ["go"]
    assert services["web"]["environment"] == {"A": "seen"}
    assert found.directory == tmp_path


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Nothing runs if a file is not there: the error says which, and how it is found."""
    system = System.from_compose(tmp_path / "nowhere.yaml", journeys=(), env_files=[tmp_path / "gone"])
    with pytest.raises(ComposeError) as caught:
        resolve(system)
    assert "nowhere.yaml" in str(caught.value)
    assert "gone" in str(caught.value)


@compose_reads
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: [", "yaml"),
        ("services: {web: {imagine: x}}", "imagine"),
        ("services: {web: {image: x, depends_on: [db]}}", "db"),
    ],
)
def test_compose_says_what_is_wrong(write: Write, text: str, said: str) -> None:
    """The evidence is what Compose says, and the remedy how to hear it again."""
    with pytest.raises(ComposeError) as caught:
        resolve(System.from_compose(write(text), journeys=()))
    assert said in (caught.value.evidence or "")
    assert "docker compose -f" in (caught.value.remedy or "")


def test_without_docker_it_is_the_machine_that_lacks(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ``docker`` command, or one without Compose, is no mistake in the file."""
    system = System.from_compose(write("services: {web: {image: x}}"), journeys=())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="no `docker compose`"):
        resolve(system)
    docker = tmp_path / "docker"
    docker.write_text(
        "#!/bin/sh\necho \"docker: 'compose' is not a docker command.\" >&2\nexit 1\n", encoding="utf-8"
    )
    docker.chmod(0o755)
    with pytest.raises(EngineUnavailable, match="is not a docker command"):
        resolve(system)


@compose_reads
def test_an_engine_that_does_not_answer_is_no_obstacle(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a file needs no engine: what the images expose is then unknown."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    found = resolve(System.from_compose(write("services: {web: {image: x}}"), journeys=()))
    assert set(found.config["services"]) == {"web"}
    assert found.exposed == {}


def test_the_project_is_named_before_the_command() -> None:
    """Project and folder stand where Compose wants them."""
    compose = Compose(context=".", compose_file_name="x.yaml", project="p", project_directory=Path("/d"))
    words = compose.compose_command_property
    assert words[1:] == ["compose", "--project-name", "p", "--project-directory", "/d", "-f", "x.yaml"]


def test_the_command_leads_a_group_of_its_own(tmp_path: Path) -> None:
    """Its process id is told while it runs, and is the group's; it has our variables."""
    told: list[int] = []
    compose = Compose(context=tmp_path, environment={"GIVEN": "yes"}, spawned=told.append)
    done = compose._run_command(["sh", "-c", 'echo "$GIVEN" $$; ps -o pgid= -p $$'])
    said = done.stdout.decode().split()
    assert said == ["yes", str(told[0]), str(told[0])]


def test_a_failure_carries_what_was_said(tmp_path: Path) -> None:
    """Callers turn it into errors; it holds both streams."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        Compose(context=tmp_path)._run_command(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (caught.value.returncode, caught.value.stdout, caught.value.stderr) == (3, b"out\n", b"err\n")


def test_an_interruption_ends_the_whole_group(tmp_path: Path) -> None:
    """Ctrl-C while Compose works leaves none of its processes behind."""
    told: list[int] = []

    def interrupt(pid: int) -> None:
        told.append(pid)
        raise KeyboardInterrupt

    compose = Compose(context=tmp_path, spawned=interrupt)
    with pytest.raises(KeyboardInterrupt):
        compose._run_command(["sh", "-c", "sleep 60 & sleep 60"])
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.killpg(told[0], 0)
            threading.Event().wait(0.01)
            continue
        return
    os.killpg(told[0], signal.SIGKILL)
    pytest.fail("the group outlived the interruption")


def test_the_kernels_routes_are_read() -> None:
    """Destinations and masks are little-endian; the default route is left out."""
    table = (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert list(parse_routes(table)) == [IPv4Network("192.168.0.0/24")]


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    """Not in the thread, where nobody would see it."""

    def fail() -> None:
        raise StartFailed("no")

    up = Up(fail)
    up.start()
    up.end()
    with pytest.raises(StartFailed, match="no"):
        up.check()


def test_ending_kills_the_process_group() -> None:
    """Compose and its children go at once, and the thread with them."""
    process: list[subprocess.Popen[bytes]] = []
    spawned = threading.Event()

    def work() -> None:
        with subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True) as child:
            process.append(child)
            up.spawned(child.pid)
            spawned.set()

    up = Up(work)
    up.start()
    spawned.wait()
    up.end()
    assert up.done
    assert process[0].returncode == -9


def test_a_process_that_comes_after_the_end_is_killed_too() -> None:
    """An interrupt between Compose's birth and our knowing of it leaves nothing running."""
    up = Up(lambda: None)
    up.start()
    up.end()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as late:
        up.spawned(late.pid)
        assert late.wait(5) == -9


def test_ending_what_never_started_is_no_error() -> None:
    """Closing may come at any time."""
    Up(lambda: None).end()
