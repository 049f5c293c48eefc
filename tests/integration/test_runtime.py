"""The Docker runtime on a real engine: starting, acting on components, and leaving nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from chaoskit.containers.cleanup.owner import run_folder
from chaoskit.containers.started import startup
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.errors import ImageUnavailable, NotReady, RuntimeFailure, StartFailed
from chaoskit.factories import environment_for
from chaoskit.interpose import RUN_LABEL
from chaoskit.load.user import User
from chaoskit.runtime import Undo
from chaoskit.system import HARNESS, Link, Slo, System, journey
from tests.integration.pair import PORT, PROVIDER
from tests.integration.world import base_image

pytestmark = pytest.mark.docker


@journey(rate=1, needs=["web"], slo=Slo(availability=0.9))
async def look(user: User) -> None:
    """A journey, which a declaration needs; it is not driven here."""
    await user.get("/")


SIDE = 7100 + os.getpid() % 800
"""Another port each time: one that was seen to listen in an earlier run is a link from the start."""


def perl(*arguments: str) -> list[str]:
    """The pair's provider, as a compose command."""
    return ["perl", "-e", PROVIDER.replace("$", "$$"), *arguments]


@pytest.fixture
def system(client: docker.DockerClient, tmp_path: Path) -> Callable[..., System]:
    """Makes a system of services, with the image filled in."""

    def make(ready_timeout: float = 40.0, **services: dict[str, Any]) -> System:
        image = base_image(client)
        for spec in services.values():
            spec.setdefault("image", image)
            spec.setdefault("stop_grace_period", "2s")
        path = tmp_path / "compose.yaml"
        path.write_text(json.dumps({"services": services}))
        return System(compose=(path,), journeys=(), ready_timeout=ready_timeout)

    return make


@pytest.fixture(scope="module")
def running(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRuntime]:
    """Two components that serve, one with a restart policy, and a migration that is done."""
    image = base_image(client)
    services = {
        "web": {
            "image": image,
            "command": perl(str(PORT), "0", "0"),
            "ports": [str(PORT)],
            "depends_on": {
                "db": {"condition": "service_healthy"},
                "migrate": {"condition": "service_completed_successfully"},
            },
        },
        "db": {
            "image": image,
            "command": perl(str(PORT), "0.5", "0"),
            "expose": [str(PORT)],
            "restart": "always",
            "environment": {"DB_USER": "shop=1"},
            "healthcheck": {
                "test": ["CMD-SHELL", f"grep -q :{PORT:04X} /proc/net/tcp"],
                "interval": "1s",
                "start_period": "20s",
                "start_interval": "100ms",
            },
        },
        "migrate": {"image": image, "command": ["true"]},
    }
    path = tmp_path_factory.mktemp("system") / "compose.yaml"
    path.write_text(json.dumps({"services": services}))
    with DockerRuntime(System(compose=(path,), journeys=())) as runtime:
        yield runtime


def greeting(address: tuple[str, int], timeout: float = 3.0) -> bytes:
    """The provider's greeting to a client; empty if it closes."""
    with socket.create_connection(address, timeout) as connection:
        connection.settimeout(timeout)
        return connection.recv(100)


def left(client: docker.DockerClient, run_id: str) -> list[Any]:
    """Every object on the engine with the run's label."""
    label: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={run_id}"}
    return [
        *client.containers.list(all=True, filters=label, ignore_removed=True),
        *client.networks.list(filters=label),
        *client.volumes.list(filters=label),
    ]


def test_a_started_system_is_ready_at_every_entry(running: DockerRuntime) -> None:
    """Entries answer, links are known by name, and the harness has its own links."""
    host, _, port = running.entries[f"web:{PORT}"].partition(":")
    assert host == "127.0.0.1"
    assert greeting((host, int(port))) == b"hello\n"
    assert greeting(running.address("db", PORT)) == b"hello\n"
    assert Link("web", "db", PORT) in running.links
    assert all(link.consumer != HARNESS for link in running.links)
    assert {each.name for each in running.components} == {"web", "db", "migrate"}
    assert running.state("migrate").exit_code == 0
    assert running.environment("db")["DB_USER"] == "shop=1"
    assert PORT in running.ports("db")
    running.wait_ready(timeout=5)


def test_a_killed_component_stays_down_whatever_its_restart_policy(running: DockerRuntime) -> None:
    """restart: always does not restart it before it is started; then the policy holds again."""
    before = running.state("db").started_at
    running.kill("db")
    time.sleep(1.5)  # the engine would restart it after 0.1 s, which must not happen
    state = running.state("db")
    assert (state.status, state.exit_code) == ("exited", 137)
    running.kill("db")  # killing a component that is already down is not an error
    running.start_component("db")
    running.wait_ready(["db"], 20)
    after = running.state("db")
    assert after.started_at != before
    running.execute("db", ["sh", "-c", "kill -TERM 1"])
    deadline = time.monotonic() + 20
    while running.state("db").started_at == after.started_at or running.state("db").status != "running":
        assert time.monotonic() < deadline, "its restart policy is lost"
        time.sleep(0.1)
    running.wait_ready(["db"], 20)


@pytest.mark.parametrize("down", ["kill", "stop"])
def test_when_a_call_returns_its_consumers_meet_what_it_did(running: DockerRuntime, down: str) -> None:
    """Its links refuse once kill or stop has returned, and are open once wait_ready has."""
    link = Link("web", "db", PORT)
    assert running.connect(link) == "open"
    getattr(running, down)("db")
    assert running.connect(link) == "refused"
    running.start_component("db")
    running.wait_ready(["db"], 20)
    assert running.connect(link) == "open"


def test_a_paused_component_accepts_and_is_silent(running: DockerRuntime) -> None:
    """The kernel still accepts for it, as without chaoskit, and its proxy stays enabled."""
    address = running.address("db", PORT)
    running.pause("db")
    try:
        running.pause("db")
        assert running.state("db").status == "paused"
        with pytest.raises(TimeoutError):
            greeting(address, 0.5)
    finally:
        running.resume("db")
    running.resume("db")
    running.wait_ready(["db"], 20)
    assert greeting(address) == b"hello\n"


def test_a_paused_component_can_be_killed(running: DockerRuntime) -> None:
    """A frozen process does not outlive SIGKILL."""
    running.pause("db")
    running.kill("db")
    assert running.state("db").status == "exited"
    running.start_component("db")
    running.wait_ready(["db"], 20)


def test_a_restart_is_a_new_start(running: DockerRuntime) -> None:
    """Its start time differs, and it serves again."""
    before = running.state("db").started_at
    running.restart("db", 1)
    running.wait_ready(["db"], 20)
    after = running.state("db").started_at
    assert after != before
    running.undo(Undo("restart", "db"))
    running.wait_ready(["db"], 20)
    assert running.state("db").started_at not in (before, after)


def test_a_cut_link_stays_refused_while_its_provider_comes_and_goes(running: DockerRuntime) -> None:
    """The watcher does not enable a proxy that a cut disabled; mending brings it in step again."""
    link = Link("web", "db", PORT)
    running.cut(link, "refuse")
    running.restart("db", 1)
    running.wait_ready(["db"], 20)
    assert running.connect(link) == "refused"
    assert running.cuts() == {link: "refuse"}
    running.undo(Undo("mend", link.proxy))
    running.undo(Undo("mend", link.proxy))
    assert running.connect(link) == "open"
    assert not running.cuts()


def test_a_port_found_at_run_time_gets_its_links(running: DockerRuntime) -> None:
    """An undeclared port becomes a link once it is found, and the harness reaches it on demand."""
    script = f"exec perl -e '{PROVIDER}' {SIDE} 0 0".replace("$stop = time }", "exit 0 }")
    running.execute("db", ["sh", "-c", f"(timeout 8 {script.removeprefix('exec ')}) >/dev/null 2>&1 &"])
    deadline = time.monotonic() + 5
    while Link("web", "db", SIDE) not in running.links:
        assert time.monotonic() < deadline, running.links
        time.sleep(0.02)
    assert SIDE in running.ports("db")
    assert running.connect(Link("web", "db", SIDE)) == "open"
    assert greeting(running.address("db", SIDE)) == b"hello\n"


def test_used_links_are_those_that_carried_something(running: DockerRuntime) -> None:
    """A link that carried nothing is left out; an open connection counts before it is closed."""
    host, _, port = running.entries[f"web:{PORT}"].partition(":")
    with socket.create_connection((host, int(port)), 3) as held:
        assert held.recv(10)
        used = running.used_links()
    assert Link("outside", "web", PORT) in used
    assert Link("db", "web", PORT) not in used


def test_a_command_ends_at_its_limit(running: DockerRuntime) -> None:
    """It is killed, and the error shows what it had printed."""
    assert running.execute("db", ["sh", "-c", "echo out; echo err >&2; exit 3"]).exit_code == 3
    with pytest.raises(RuntimeFailure) as caught:
        running.execute("db", ["sh", "-c", "echo begun; exec sleep 4242"], timeout=0.5)
    assert "0.5 s" in str(caught.value)
    assert "begun" in str(caught.value)
    assert "4242" not in running.execute("db", ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).output


def test_figures_of_a_component(running: DockerRuntime) -> None:
    """CPU time, memory and processes have plausible values."""
    stats = running.stats("db")
    assert stats["memory_bytes"] > 100_000
    assert stats["processes"] >= 1
    assert stats["cpu_seconds"] > 0
    assert "listening" in running.logs("db", 5)


def test_log_lines_bear_the_moments_of_the_runs_clock(running: DockerRuntime) -> None:
    """A line that is written now is found now, by the engine's time stamp and its clock's offset; a line
    that was written before is not.
    """
    before = running.clock.now()
    running.execute("db", ["sh", "-c", "echo a line to find >/proc/1/fd/1"])
    after = running.clock.now()
    offset = running.wall_offset()
    until = after + 5.0
    while not (found := running.log_lines("db", before + offset, after + offset + 1.0)):
        assert running.clock.now() < until, "the line never came"
        running.clock.sleep(0.02)
    assert [line.text for line in found] == ["a line to find"]
    assert before - 0.05 <= found[0].written - offset <= after + 0.05
    assert running.log_lines("db", after + offset + 60.0, after + offset + 61.0) == []


def test_an_unknown_component_or_link_is_told_with_those_that_there_are(running: DockerRuntime) -> None:
    """A mistyped name in a fault gives an error with the existing names."""
    with pytest.raises(RuntimeFailure, match="nosuch") as caught:
        running.kill("nosuch")
    assert "db" in str(caught.value)
    with pytest.raises(RuntimeFailure, match="nosuch→db:1") as caught:
        running.cut(Link("nosuch", "db", 1), "refuse")
    assert f"web→db:{PORT}" in str(caught.value)


def test_closing_leaves_nothing_and_may_be_repeated(
    client: docker.DockerClient, system: Callable[..., System]
) -> None:
    """Containers, networks, named and anonymous volumes, threads and the run's folder are gone."""
    threads = set(threading.enumerate())
    web = {"command": perl(str(PORT), "0", "0"), "ports": [str(PORT)], "volumes": ["/anonymous"]}
    runtime = DockerRuntime(system(web=web))
    runtime.start()
    assert left(client, runtime.run_id)
    assert run_folder(runtime.run_id).is_dir()
    ours: dict[str, str | list[str] | bool] = {"label": f"{RUN_LABEL}={runtime.run_id}"}
    mounts = [mount for each in client.containers.list(filters=ours) for mount in each.attrs["Mounts"]]
    volumes = {mount["Name"] for mount in mounts if mount["Type"] == "volume"}
    assert volumes
    runtime.close()
    runtime.close()
    assert not left(client, runtime.run_id)
    assert not volumes & {each.id for each in client.volumes.list()}
    assert not run_folder(runtime.run_id).exists()
    assert not {each.name for each in set(threading.enumerate()) - threads}


@pytest.mark.usefixtures("state")
def test_a_start_resolves_and_rewrites_once(
    system: Callable[..., System], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The declaration is checked against the system that is started: Compose runs once for both."""
    calls: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        true = getattr(startup, name)

        def call(*args: Any, **options: Any) -> Any:
            calls[name] += 1
            return true(*args, **options)

        return call

    for name in ("resolve", "interpose"):
        monkeypatch.setattr(startup, name, counted(name))
    web = {"command": perl(str(PORT)), "ports": [str(PORT)]}
    environment = environment_for(replace(system(web=web), journeys=(look,)))
    try:
        assert [each.name for each in environment.runtime.components] == ["web"]
    finally:
        environment.close()
    assert calls == {"resolve": 1, "interpose": 1}


def test_a_kept_system_stays(client: docker.DockerClient, system: Callable[..., System], run_id: str) -> None:
    """With keep it stays running, and the progress says how to remove it."""
    told: list[str] = []
    web = {"command": perl(str(PORT), "0", "0"), "ports": [str(PORT)]}
    with DockerRuntime(system(web=web), run_id=run_id, keep=True, progress=told.append) as runtime:
        host, _, port = runtime.entries[f"web:{PORT}"].partition(":")
    assert greeting((host, int(port))) == b"hello\n"
    assert "chaoskit clean" in told[-1]
    assert left(client, run_id)


def test_a_component_that_never_is_ready_says_why(
    client: docker.DockerClient, system: Callable[..., System]
) -> None:
    """The error has component, condition, health check and log, and nothing is left."""
    check = {"test": ["CMD-SHELL", "echo disk full; exit 1"], "interval": "200ms", "retries": 2}
    web = {"command": ["sh", "-c", "echo waiting for godot; sleep 60"], "init": True, "healthcheck": check}
    runtime = DockerRuntime(system(web=web, ready_timeout=4))
    with pytest.raises(NotReady) as caught:
        runtime.start()
    for part in ("web is not ready", "health check passes", "unhealthy", "disk full", "waiting for godot"):
        assert part in str(caught.value)
    assert not left(client, runtime.run_id)


def test_a_crash_fails_at_once(system: Callable[..., System]) -> None:
    """A component that nothing restarts is not waited for; the error has its exit code and last output."""
    began = time.monotonic()
    with pytest.raises(NotReady, match="web has ended") as caught:
        DockerRuntime(system(web={"command": ["sh", "-c", "echo no such table; exit 4"]})).start()
    assert time.monotonic() - began < 30
    assert "exit code 4" in str(caught.value)
    assert "no such table" in str(caught.value)


def test_a_crash_loop_is_not_ready(system: Callable[..., System]) -> None:
    """A component that runs for a moment between two restarts is not ready."""
    web = {"command": ["sh", "-c", "sleep 0.2; exit 4"], "restart": "always"}
    with pytest.raises(NotReady, match="web is not ready") as caught:
        DockerRuntime(system(web=web, ready_timeout=6)).start()
    assert "restarted" in str(caught.value)


def test_composes_own_failure_is_told_in_its_words(
    client: docker.DockerClient, system: Callable[..., System]
) -> None:
    """For a missing command the error has the engine's reason, without Compose's progress."""
    runtime = DockerRuntime(system(web={"command": ["/no/such/binary"]}))
    with pytest.raises(StartFailed) as caught:
        runtime.start()
    assert "/no/such/binary" in str(caught.value)
    assert "Creating" not in str(caught.value)
    assert not left(client, runtime.run_id)


def test_an_image_that_cannot_be_had_is_named_before_anything_starts(system: Callable[..., System]) -> None:
    """One error names the image and the service."""
    with pytest.raises(ImageUnavailable, match=r"localhost:1/no/such:9\.9") as caught:
        DockerRuntime(system(web={"image": "localhost:1/no/such:9.9"})).start()
    assert "service web" in str(caught.value)


@pytest.mark.parametrize("after", [0.2, 0.7, 1.2, 2.0])
def test_an_interrupt_at_any_moment_leaves_nothing(
    client: docker.DockerClient, system: Callable[..., System], after: float
) -> None:
    """Ctrl-C while Compose works kills Compose first, and then everything is removed."""
    never = {"command": ["sleep", "60"], "init": True, "healthcheck": {"test": ["CMD", "false"]}}
    cleaning = threading.Event()

    class Watched(DockerRuntime):
        def _finish(self, *, keep: bool) -> None:
            cleaning.set()
            super()._finish(keep=keep)

    def interrupt() -> None:
        # Python loses an interrupt that comes within a weak reference's callback, so press again.
        while not cleaning.wait(after):
            os.kill(os.getpid(), signal.SIGINT)
            if cleaning.wait(20):  # a busy machine takes seconds, and a second one would end the test run
                return

    runtime = Watched(system(a=never, b={**never, "depends_on": ["a"]}))
    presser = threading.Thread(target=interrupt)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        runtime.start()
    presser.join()
    assert not left(client, runtime.run_id)
    assert not run_folder(runtime.run_id).exists()


def test_a_provider_under_traffic_comes_back_to_all_of_its_consumers(
    system: Callable[..., System],
) -> None:
    """However often consumers dial while it is down, every link is open after its start."""
    dial = "while true; do (exec 3<>/dev/tcp/db/7000) 2>/dev/null; done"
    hammer = {"command": ["bash", "-c", " & ".join([dial] * 4)]}
    declared = system(
        db={"command": perl(str(PORT), "0", "0"), "expose": [str(PORT)]}, a=hammer, b=dict(hammer)
    )
    with DockerRuntime(declared) as runtime:
        links = [link for link in runtime.links if link.provider == "db"]
        assert {link.consumer for link in links} == {"a", "b"}
        for _ in range(3):
            runtime.kill("db")
            assert runtime.out_of_step("db") == ()
            assert [runtime.connect(link) for link in links] == ["refused", "refused"]
            runtime.start_component("db")
            runtime.wait_ready(["db"])
            assert runtime.out_of_step("db") == ()
            assert [runtime.connect(link) for link in links] == ["open", "open"]
