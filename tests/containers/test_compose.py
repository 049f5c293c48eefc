"""Reading compose files with Compose itself, which needs no engine, and running Compose.

``docker compose up`` runs in a thread of its own: its failure is reported, and it can be ended at any moment.
"""

from __future__ import annotations

import os
import select
import subprocess
import threading
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from chaoskit.containers.compose import Compose, ComposeUp, parse_routes, resolve
from chaoskit.errors import ComposeError, EngineUnavailable, StartFailed
from chaoskit.system import System

Write = Callable[[str], Path]

compose_reads = pytest.mark.docker  # needs Docker's command line, not its engine


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a compose file and return its path."""

    def to_disk(text: str) -> Path:
        path = tmp_path / "compose.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_disk


@compose_reads
def test_compose_reads_the_files(tmp_path: Path, write: Write) -> None:
    """Compose combines several files, env files, profiles and variables."""
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
    """Nothing runs if a file is missing, and the error names the file and says how it is found."""
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
    """The evidence is Compose's own message, and the remedy is the command that shows it again."""
    with pytest.raises(ComposeError) as caught:
        resolve(System.from_compose(write(text), journeys=()))
    assert said in (caught.value.evidence or "")
    assert "docker compose -f" in (caught.value.remedy or "")


def test_without_docker_it_is_the_machine_that_lacks(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing ``docker`` command, or one without Compose, is not a mistake in the file."""
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
    """Reading a file needs no engine; only the ports that images expose are then unknown."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    found = resolve(System.from_compose(write("services: {web: {image: x}}"), journeys=()))
    assert set(found.config["services"]) == {"web"}
    assert found.exposed == {}


def test_the_project_is_named_before_the_command(tmp_path: Path) -> None:
    """Project and folder come where Compose wants them, followed by the files and profiles to read."""
    compose = Compose(
        tmp_path,
        [Path("x.yaml"), Path("y.yaml")],
        [Path("vars")],
        ["dev"],
        {},
        "p",
        project_directory=Path("/d"),
    )
    ours = ["--project-name", "p", "--project-directory", "/d"]
    read = ["-f", "x.yaml", "-f", "y.yaml", "--profile", "dev", "--env-file", "vars"]
    assert compose.command[1:] == ["compose", *ours, *read]
    assert Compose(tmp_path).command[1:] == ["compose"]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Put a shell script in place of ``docker``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def to_disk(script: str) -> Path:
        path = folder / "docker"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    return to_disk


def test_the_command_leads_a_group_of_its_own(tmp_path: Path, docker: Write) -> None:
    """Its process id is reported while it runs and is its group's; it has the given variables and folder."""
    told: list[int] = []
    docker('echo "$GIVEN" $$; ps -o pgid= -p $$; pwd; echo "$@"')
    done = Compose(tmp_path, environment={"GIVEN": "yes"}, spawned=told.append).run("up", "--detach")
    said = done.stdout.decode().split()
    assert said == ["yes", str(told[0]), str(told[0]), str(tmp_path), "compose", "up", "--detach"]


def test_a_failure_carries_what_was_said(
    tmp_path: Path, docker: Write, caplog: pytest.LogCaptureFixture
) -> None:
    """The error, which callers turn into their own, holds both streams, and nothing is logged."""
    docker("echo out; echo err >&2; exit 3")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        Compose(tmp_path).run("up")
    assert (caught.value.returncode, caught.value.stdout, caught.value.stderr) == (3, b"out\n", b"err\n")
    assert not caplog.records


def test_a_folder_that_is_missing_is_not_taken_for_a_missing_docker(tmp_path: Path, docker: Write) -> None:
    """The error names the missing folder."""
    docker("exit 0")
    with pytest.raises(FileNotFoundError, match="gone"):
        Compose(tmp_path / "gone").run("up")


def test_an_interruption_ends_the_whole_group(tmp_path: Path, docker: Write) -> None:
    """Ctrl-C while Compose works leaves none of its processes running."""
    os.mkfifo(tmp_path / "child")
    child = os.open(tmp_path / "child", os.O_RDONLY | os.O_NONBLOCK)

    def said() -> bytes:
        assert select.select([child], [], [], 10.0)[0], "the child lives and says nothing"
        return os.read(child, 100)

    def interrupt(pid: int) -> None:
        assert said() == b"here\n"
        raise KeyboardInterrupt

    docker("(echo here; exec sleep 60) > child & wait")
    with pytest.raises(KeyboardInterrupt):
        Compose(tmp_path, spawned=interrupt).run("up")
    assert said() == b"", "the end of what the child says is the child's end"
    os.close(child)


def test_the_kernels_routes_are_read() -> None:
    """Destinations and masks are read as little-endian numbers, and the default route is left out."""
    table = (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert list(parse_routes(table)) == [IPv4Network("192.168.0.0/24")]


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    """A failure is raised in the waiting thread and not in Compose's, where it would be lost."""

    def fail() -> None:
        raise StartFailed("no")

    up = ComposeUp(fail)
    up.start()
    up.end()
    with pytest.raises(StartFailed, match="no"):
        up.check()


def test_ending_kills_the_process_group() -> None:
    """Ending kills Compose and its children at once, and ends the thread."""
    process: list[subprocess.Popen[bytes]] = []
    spawned = threading.Event()

    def work() -> None:
        with subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True) as child:
            process.append(child)
            up.spawned(child.pid)
            spawned.set()

    up = ComposeUp(work)
    up.start()
    spawned.wait()
    up.end()
    assert up.done
    assert process[0].returncode == -9


def test_a_process_that_comes_after_the_end_is_killed_too() -> None:
    """An interrupt between Compose's start and the report of its process id leaves nothing running."""
    up = ComposeUp(lambda: None)
    up.start()
    up.end()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as late:
        up.spawned(late.pid)
        assert late.wait(5) == -9


def test_what_was_ended_before_it_started_does_nothing() -> None:
    """Closing may come at any time: it is no error, and what starts afterwards starts no Compose."""
    worked: list[str] = []
    up = ComposeUp(lambda: worked.append("up"))
    up.end()
    up.start()
    up.end()
    assert up.done
    assert worked == []
