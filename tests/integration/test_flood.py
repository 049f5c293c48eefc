"""A flood on a real engine: it sends what it reports, and does not outlive its harness."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest

from chaoskit.containers.engine.nettools import TARGET_LABEL
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.faults import BotFlood, Injection, Obligation
from chaoskit.faults.base import check
from chaoskit.flood import MOST_SILENT_SECONDS, FloodPlan
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.system import Link, System

pytestmark = pytest.mark.docker

IMAGE = "marketplace/gateway:1"
"""The image has nginx; this file gives everything else."""

NGINX = """
worker_processes 1;
error_log /dev/stderr crit;
pid /tmp/nginx.pid;
events { worker_connections 4096; }
http {
    log_format who "from $remote_addr as $http_x_forwarded_for";
    access_log /dev/stdout who;
    limit_req_zone $binary_remote_addr zone=per_client:1m rate=2r/s;
    limit_req_status 429;
    upstream backend { server BACKEND; keepalive 16; }
    server { listen LISTEN backlog=1024; location / { SERVE } }
}
"""
PASS_ON = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://backend;'

# A harness that only floods: it says when the flood is under way, and waits to be killed.
HARNESS = """
import json, sys, time
import docker
from chaoskit.clock import MonotonicClock
from chaoskit.flood import FloodPlan
from chaoskit.containers.engine.flooding import DockerFlood
run_id, container = sys.argv[1:]
plan = FloodPlan(port=80, rate_per_s=200, clients=10, seconds=60)
flood = DockerFlood(docker.from_env(), run_id, "limited", container, plan, MonotonicClock())
while not flood.reports() and not flood.ended():
    time.sleep(0.05)
print(flood.ended() or "under way", flush=True)
time.sleep(600)
"""


START = """
printf "%s" "$CONF" | sed "s/OWN/$(hostname -i)/" >/tmp/nginx.conf
exec nginx -c /tmp/nginx.conf -g "daemon off;"
"""


def nginx(serve: str, listen: str = "80", backend: str = "127.0.0.1:1") -> dict[str, Any]:
    """A service with this nginx configuration; ``OWN`` in it is the service's own address."""
    config = NGINX.replace("SERVE", serve).replace("LISTEN", listen).replace("BACKEND", backend)
    return {
        "image": IMAGE,
        "entrypoint": ["sh", "-c", START.replace("$", "$$")],
        "environment": {"CONF": config.replace("$", "$$")},
        "expose": ["80"],
        "stop_grace_period": "1s",
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRuntime]:
    """Two entries in front of one backend: ``limited`` limits each address, ``open`` limits nothing."""
    limited = "limit_req zone=per_client; " + PASS_ON
    entry = {"ports": ["80"], "depends_on": ["backend"]}
    services = {
        "limited": {**nginx(limited, backend="backend:80"), **entry},
        "open": {**nginx(PASS_ON, listen="OWN:80", backend="backend:80"), **entry},
        "backend": nginx('return 200 "hello\\n";'),
    }
    path = tmp_path_factory.mktemp("flood") / "compose.yaml"
    path.write_text(json.dumps({"services": services}))
    with DockerRuntime(System(compose=(path,), journeys=())) as runtime:
        yield runtime


def until(holds: Callable[[], Any], within: float = 15.0) -> Any:
    """Wait for a condition; returns its value."""
    end = time.monotonic() + within
    while not (given := holds()):
        assert time.monotonic() < end, f"still not so after {within:g} s"
        time.sleep(0.02)
    return given


def flooded(runtime: DockerRuntime, fault: BotFlood) -> dict[str, Obligation]:
    """Inject a flood, see it land and hold for another second, lift it; returns its obligations by name."""
    check(fault, runtime)
    injection: Injection = fault.inject(runtime)
    try:
        until(lambda: injection.landed().holds)
        time.sleep(1.0)  # the fault window; no condition ends it
        assert injection.holding().holds, injection.holding()
        assert not injection.gone().holds
    finally:
        injection.lift()
        injection.lift()
    assert injection.gone().holds, injection.gone()
    return {each.name: each for each in injection.obligations(0.0)}


def sidecars(client: docker.DockerClient, run_id: str) -> list[Any]:
    """The containers of floods in a run."""
    found = client.api.containers(all=True, filters={"label": [f"{RUN_LABEL}={run_id}", TARGET_LABEL]})
    return [each for each in found if "python3" in each["Command"]]


def container_of(client: docker.DockerClient, runtime: DockerRuntime, component: str) -> str:
    """A component's container."""
    label = [f"{RUN_LABEL}={runtime.run_id}", f"{COMPONENT_LABEL}={component}"]
    (found,) = client.api.containers(filters={"label": label})
    return str(found["Id"])


def test_an_entry_that_limits_each_address_keeps_both_promises(
    client: docker.DockerClient, running: DockerRuntime
) -> None:
    """Nearly all of the flood gets 429, a tenth gets past the entry, and nothing is left after the lift."""
    kept = flooded(running, BotFlood("limited", rate_per_s=1000, clients=50))
    assert [each.kept for each in kept.values()] == [True, True], kept
    share = kept["stopped at the entry"].figures["share"]
    assert 0.05 < share < 0.2  # 50 addresses with 2 requests a second each, of 1000
    assert not sidecars(client, running.run_id)


def test_an_entry_that_limits_nothing_breaks_both(running: DockerRuntime) -> None:
    """Each request is answered with 200 and seen once behind the entry, which does not listen on loopback."""
    kept = flooded(running, BotFlood("open", rate_per_s=1000, clients=50))
    assert [each.kept for each in kept.values()] == [False, False], kept
    assert 0.9 < kept["stopped at the entry"].figures["share"] < 1.2
    assert kept["refused cheaply"].figures["refused"] == 0


@pytest.mark.parametrize("identity", ["address", "header"])
def test_each_client_is_another_to_the_entry(running: DockerRuntime, identity: Any) -> None:
    """Clients differ by the address that the entry logs, or by their header alone."""
    plan = FloodPlan(port=80, rate_per_s=300, clients=50, seconds=1, identity=identity)
    flood = running.flood("limited", plan)
    try:
        until(flood.ended)
    finally:
        flood.stop()
    total = flood.total()
    assert total is not None
    lines = [line.split() for line in running.logs("limited", total.answers).splitlines()]
    addresses, claims = {line[1] for line in lines}, {line[3] for line in lines}
    assert len(claims) == 50
    assert len(addresses) == (50 if identity == "address" else 1)


def test_a_flood_ends_by_itself_after_its_time_and_its_count(
    client: docker.DockerClient, running: DockerRuntime
) -> None:
    """A flood lasts as long as planned, though that is longer than the longest silence, and sends no more."""
    seconds = MOST_SILENT_SECONDS + 1.0
    flood = running.flood("limited", FloodPlan(port=80, rate_per_s=100, clients=7, seconds=seconds))
    try:
        until(flood.ended)
        total = flood.total()
        assert flood.ended() == "its time is over"
        assert total is not None
        assert 0.8 * seconds * 100 <= total.sent <= seconds * 100
        assert total.sent == total.answers + total.unanswered
        assert seconds <= total.seconds < seconds + 1.0
        assert flood.left()
    finally:
        flood.stop()
    assert not flood.left()
    assert not sidecars(client, running.run_id)


def test_a_flood_at_nothing_says_so(running: DockerRuntime) -> None:
    """A flood at a port without a server does not land, and says where it looked and what it met."""
    flood = running.flood("open", FloodPlan(port=81, rate_per_s=10, clients=1, seconds=1))
    try:
        until(flood.ended)
        assert "127.0.0.1:81" in flood.ended()
        assert flood.ended().count("refused") == 2
    finally:
        flood.stop()


def test_a_meter_counts_requests_of_its_links_alone(running: DockerRuntime) -> None:
    """Ten requests through one entry count as ten on its link to the backend, and as none on the other's."""
    meters = [running.meter([Link(each, "backend", 80)]) for each in ("open", "limited")]
    host, _, port = running.entries["open:80"].partition(":")
    try:
        ask = ["curl", "-sf", "--no-progress-meter", *[f"http://{host}:{port}/{n}" for n in range(10)]]
        subprocess.run(ask, check=True, capture_output=True)
        assert [each.read() for each in meters] == [10, 0]
    finally:
        for each in meters:
            each.close()
            each.close()


@pytest.mark.parametrize(("number", "within"), [(signal.SIGKILL, 2.0), (signal.SIGSTOP, 5.0)])
def test_a_flood_ends_with_its_harness(
    client: docker.DockerClient, running: DockerRuntime, number: signal.Signals, within: float
) -> None:
    """A killed harness ends the lease at once; a frozen one gives no signs of life, so the source ends."""
    command = [sys.executable, "-c", HARNESS, running.run_id, container_of(client, running, "limited")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    harness = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert harness.stdout is not None
        assert harness.stdout.readline() == "under way\n"
        (sidecar,) = sidecars(client, running.run_id)
        assert sidecar["State"] == "running"
        harness.send_signal(number)
        until(lambda: client.api.inspect_container(sidecar["Id"])["State"]["Status"] == "exited", within)
        assert client.api.inspect_container(sidecar["Id"])["State"]["ExitCode"] == 0
    finally:
        harness.kill()
        harness.communicate()
        for each in sidecars(client, running.run_id):
            client.api.remove_container(each["Id"], force=True)
