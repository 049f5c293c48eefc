"""Replacing components by other releases, and deploys under traffic, on a real engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from chaoskit.clients.http import NoAnswer, get
from chaoskit.containers.cleanup.owner import run_folder
from chaoskit.containers.engine.client import containers
from chaoskit.containers.engine.nettools import IMAGE as NETTOOLS
from chaoskit.containers.engine.nettools import TARGET_LABEL
from chaoskit.containers.leftovers import clean
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.containers.started.takeback import replay
from chaoskit.errors import FaultMisfit, RuntimeFailure
from chaoskit.faults import Injection, MidDeployRestart
from chaoskit.faults.base import check
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.runtime.undolog import UndoLog, pending
from chaoskit.system import Link, System
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

PORT = 7300

# Tells its release at /version, a second after its start, so that "starting" can be seen. After SIGTERM
# it ends the request under way first.
SERVER = r"""
use IO::Socket::INET; use Time::HiRes qw(sleep); $| = 1; $SIG{PIPE} = "IGNORE";
my $stop = 0; $SIG{TERM} = sub { $stop = 1 };
if ($ENV{RELEASE} eq "bad") { print "no such table\n"; sleep 0.2 until $stop; exit 0 }
sleep 1;
my $s = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 64, ReuseAddr => 1) or die $!;
print "release $ENV{RELEASE} serves\n";
until ($stop) {
    my $c = $s->accept or next;
    my $first = <$c>; my $line;
    while (defined($line = <$c>)) { last if $line =~ /^\r?\n/ }
    my ($status, $body) = $first =~ m{ /version } ? (200, $ENV{RELEASE}) : (404, "");
    print $c "HTTP/1.1 $status OK\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
    close $c;
}
"""


def compose_file(client: docker.DockerClient, folder: Path) -> Path:
    """Two replicas that tell their release, a consumer of them, and a component with a sidecar."""
    image = base_image(client)
    idle = {"image": image, "init": True, "command": ["sleep", "600"]}
    services: dict[str, Any] = {
        "api": {
            "image": image,
            "command": ["perl", "-e", SERVER.replace("$", "$$"), str(PORT)],
            "environment": {"RELEASE": "1", "KEPT": "a=b"},
            "expose": [str(PORT)],
            "deploy": {"replicas": 2},
            "restart": "always",
            "volumes": ["/anonymous", "shared:/shared"],
            "configs": [{"source": "note", "target": "/etc/note"}],
            "healthcheck": {
                "test": ["CMD-SHELL", f"grep -q :{PORT:04X} /proc/net/tcp"],
                "interval": "1s",
                "start_period": "20s",
                "start_interval": "100ms",
            },
        },
        "web": idle,
        "owner": idle,
        "sidecar": {**idle, "network_mode": "service:owner"},
    }
    path = folder / "compose.yaml"
    configs = {"note": {"content": "text of the compose file"}}
    path.write_text(json.dumps({"services": services, "configs": configs, "volumes": {"shared": {}}}))
    return path


@pytest.fixture(scope="module")
def running(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRuntime]:
    """The system, started; in the end nothing of it is left."""
    volumes = {each.id for each in client.volumes.list()}
    path = compose_file(client, tmp_path_factory.mktemp("system"))
    with DockerRuntime(System(compose=(path,), journeys=())) as runtime:
        yield runtime
    assert not everything(client, runtime.run_id)
    assert {each.id for each in client.volumes.list()} <= volumes


def everything(client: docker.DockerClient, run_id: str, **labels: str) -> list[Any]:
    """The containers of a run, dead or alive."""
    wanted = [f"{RUN_LABEL}={run_id}", *(f"{name}={value}" for name, value in labels.items())]
    return client.containers.list(all=True, filters={"label": wanted}, ignore_removed=True)


def only(client: docker.DockerClient, runtime: DockerRuntime, component: str) -> dict[str, Any]:
    """What the engine says of the only container of a component."""
    (found,) = everything(client, runtime.run_id, **{COMPONENT_LABEL: component})
    return dict(found.attrs)


def version(runtime: DockerRuntime, component: str) -> str:
    """What a component answers over the harness's own link."""
    return get(runtime, component, PORT, "/version").body


def until(holds: Callable[[], bool], within: float = 20.0) -> None:
    """Wait for a condition."""
    last = time.monotonic() + within
    while not holds():
        assert time.monotonic() < last, f"still not so after {within:g} s"
        time.sleep(0.02)


def over(injection: Injection, within: float = 60.0) -> None:
    """Wait until a rollout has run its course."""
    until(lambda: not injection.under_way(), within)


def test_a_release_takes_the_place_of_another(client: docker.DockerClient, running: DockerRuntime) -> None:
    """A replacement keeps name, labels, address, aliases, mounts, files, health check and policy, has other
    variables and fresh anonymous volumes in another container, and its consumer reaches it as before."""
    link, back = Link("web", "api-1", PORT), Link("api-1", "api-2", PORT)
    before = only(client, running, "api-1")
    assert running.connect(link) == "open"
    assert running.connect(back) == "open"  # the probe's sidecar was made beside the old container
    running.execute("api-1", ["sh", "-c", "echo old > /anonymous/x; echo old > /shared/x"])
    running.replace("api-1", environment={"RELEASE": "next", "NEW": "x"})
    assert running.environment("api-1")["RELEASE"] == "next"
    running.wait_ready(["api-1"], 20)
    assert running.out_of_step("api-1") == ()
    assert running.connect(link) == "open"
    assert running.connect(back) == "open"
    beside = {
        each.labels.get(TARGET_LABEL, "").partition("@")[0] for each in everything(client, running.run_id)
    }
    assert before["Id"] not in beside
    assert version(running, "api-1") == "next"
    after = only(client, running, "api-1")
    assert after["Id"] != before["Id"]
    assert after["Name"] == before["Name"]
    assert after["HostConfig"] == before["HostConfig"]
    changed = {key for key, value in before["Config"].items() if after["Config"][key] != value}
    assert changed == {"Env", "Hostname"}
    assert {*after["Config"]["Env"]} - {*before["Config"]["Env"]} == {"RELEASE=next", "NEW=x"}
    ((name, old),) = before["NetworkSettings"]["Networks"].items()
    new = after["NetworkSettings"]["Networks"][name]
    assert new["IPAddress"] == old["IPAddress"]
    assert new["Aliases"] == old["Aliases"]
    seen = running.execute("api-1", ["sh", "-c", "cat /etc/note /shared/x; ls /anonymous"]).output
    assert seen == "text of the compose fileold\n"


def test_everything_that_goes_by_the_component_means_the_new_container(
    client: docker.DockerClient, running: DockerRuntime
) -> None:
    """A replaced component has output and figures, takes commands and faults, keeps its restart policy."""
    running.replace("api-2", environment={"RELEASE": "addressed"})
    running.wait_ready(["api-2"], 20)
    container = only(client, running, "api-2")["Id"]
    assert "release addressed serves" in running.logs("api-2")
    assert running.stats("api-2")["memory_bytes"] > 100_000
    assert running.execute("api-2", ["printenv", "RELEASE"]).output == "addressed\n"
    running.pause("api-2")
    assert client.containers.get(container).status == "paused"
    running.resume("api-2")
    link = Link("web", "api-2", PORT)
    running.kill("api-2")
    assert running.connect(link) == "refused"
    assert client.containers.get(container).status == "exited"
    running.start_component("api-2")
    running.wait_ready(["api-2"], 20)
    assert running.connect(link) == "open"
    started = running.state("api-2").started_at
    running.execute("api-2", ["sh", "-c", "kill -TERM 1"])
    until(lambda: running.state("api-2").started_at != started and running.state("api-2").serving)
    assert only(client, running, "api-2")["Id"] == container


def test_a_release_that_cannot_start_leaves_the_one_before(
    client: docker.DockerClient, running: DockerRuntime
) -> None:
    """Without the image the replica is never stopped; if the new one cannot start, the old one is started."""
    running.wait_ready(timeout=20)
    before = only(client, running, "api-1")
    with pytest.raises(RuntimeFailure, match="is unchanged") as missing:
        running.replace("api-1", image="localhost:1/no/such:9")
    assert "build or pull localhost:1/no/such:9" in str(missing.value)
    assert running.state("api-1").started_at == before["State"]["StartedAt"]
    with pytest.raises(RuntimeFailure, match="the old container was started again") as broken:
        running.replace("api-1", image=NETTOOLS, environment={"BROKEN": "x\0y"})
    assert broken.value.evidence
    running.wait_ready(["api-1"], 20)
    assert only(client, running, "api-1")["Id"] == before["Id"]
    assert running.out_of_step("api-1") == ()


def test_whoever_shares_a_network_is_refused(running: DockerRuntime) -> None:
    """A component with a sidecar is a misfit and an error: the sidecar would lose its network."""
    assert running.sharing("owner") == ("sidecar",)
    for name in ("owner", "sidecar"):
        with pytest.raises(RuntimeFailure, match="cannot be replaced alone"):
            running.replace(name)
        with pytest.raises(FaultMisfit, match="shares a namespace with"):
            check(MidDeployRestart(name, "stop-start", version_path=None), running)


def test_a_rolling_deploy_with_a_restart_in_its_middle(
    client: docker.DockerClient, running: DockerRuntime
) -> None:
    """One replica always answers, the second is killed while it starts, and in the end both are new."""
    fault = MidDeployRestart("api", kill_at="starting", grace=5.0)
    check(fault, running)
    names, rounds = ("api-1", "api-2"), 0
    with ThreadPoolExecutor(2) as pool:
        injection = fault.inject(running)
        while injection.under_way():
            assert any(pool.map(lambda name: heard(running, name), names)), "nobody answered"
            rounds += 1
    assert rounds > 10
    until(lambda: injection.landed().holds)
    held = injection.holding()
    assert held.holds, held.says
    injection.lift()
    until(lambda: injection.gone().holds)
    rollout, one = injection.obligations(0.0)
    assert (rollout.kept, one.kept) == (True, True), (rollout.says, one.says)
    assert "api-2 killed (it was starting) and started" in rollout.says
    assert len({version(running, name) for name in names}) == 1
    made_by_compose = everything(client, running.run_id, **{"com.docker.compose.oneoff": "False"})
    assert {each.id for each in made_by_compose} == {*containers(client, running.run_id).values()}


def heard(runtime: DockerRuntime, component: str) -> str:
    """The version that a component answers, or nothing."""
    try:
        return version(runtime, component)
    except NoAnswer:
        return ""


def test_a_stop_start_deploy_is_a_change_again(running: DockerRuntime) -> None:
    """The same fault once more gives another version; a serving replica is killed, and all come back."""
    before = version(running, "api-1")
    fault = MidDeployRestart("api", "stop-start", kill_at="serving", grace=5.0)
    check(fault, running)
    injection = fault.inject(running)
    over(injection)
    assert injection.landed().holds
    assert injection.holding().holds
    injection.lift()
    until(lambda: injection.gone().holds)
    rollout, one = injection.obligations(0.0)
    assert (rollout.kept, one.kept) == (True, True), (rollout.says, one.says)
    assert "api-2 killed (it was healthy) and started" in rollout.says
    assert before not in one.figures.values()


def test_a_release_that_never_gets_ready_is_rolled_back(running: DockerRuntime) -> None:
    """The rollout is broken, with the last output of the replica, and the system is whole afterwards."""
    before = version(running, "api-1")
    fault = MidDeployRestart("api", environment={"RELEASE": "bad"}, kill_at=None, grace=5.0, ready_within=2.0)
    check(fault, running)
    injection = fault.inject(running)
    over(injection)
    injection.lift()
    until(lambda: injection.gone().holds)
    rollout, one = injection.obligations(0.0)
    assert (rollout.kept, one.kept) == (False, False)
    assert "no such table" in str(rollout.figures["evidence"])
    assert [version(running, name) for name in ("api-1", "api-2")] == [before, before]


@pytest.mark.usefixtures("state")
def test_a_kept_run_is_taken_back_and_cleaned(
    client: docker.DockerClient, tmp_path: Path, run_id: str
) -> None:
    """If the harness dies before the new container is started, the undo log starts the old one; clean finds
    both, and the containers that were replaced before."""
    path = compose_file(client, tmp_path)
    with DockerRuntime(System(compose=(path,), journeys=()), run_id=run_id, keep=True) as runtime:
        runtime.replace("api-1", environment={"RELEASE": "2"})
        assert only(client, runtime, "api-1")["Config"]["Labels"]["com.docker.compose.service"] == "api-1"
        old = only(client, runtime, "api-2")
        new = client.containers.create(base_image(client), labels=old["Config"]["Labels"])
        runtime.stop("api-2", 5.0)
        log = run_folder(run_id) / "undo.jsonl"
        UndoLog(log).ahead(MidDeployRestart("api").undo(runtime))
    replay(log)
    assert not pending(log)
    assert client.containers.get(old["Id"]).status == "running"
    assert client.containers.get(str(new.id)).status == "created"
    until(lambda: run_id in clean(client, only={run_id}).removed)
    assert not everything(client, run_id)
