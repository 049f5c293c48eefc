"""An application that knows nothing of chaoskit, started from the rewritten file by plain Compose."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from chaoskit.containers.cleanup.removal import remove_run
from chaoskit.containers.compose import Compose, resolve, routed_networks
from chaoskit.interpose import API_PORT, COMPONENT_LABEL, RUN_LABEL, Interposed, interpose
from chaoskit.system import System
from tests.integration.world import base_image, published

pytestmark = pytest.mark.docker

FILE = Path(__file__).parents[1] / "examples" / "adopted" / "compose.yaml"

DIAL = """
import errno, socket, sys
for target in sys.argv[1:]:
    host, port = target.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        print("open")
    except OSError as error:
        print(errno.errorcode.get(error.errno, type(error).__name__))
"""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The running application."""

    client: docker.DockerClient
    run_id: str
    interposed: Interposed

    def container(self, service: str) -> Any:
        """A container of the run, by its service's name."""
        labels = [f"{RUN_LABEL}={self.run_id}", f"com.docker.compose.service={service}"]
        (found,) = self.client.containers.list(filters={"label": labels})
        return found

    def get(self, path: str) -> dict[str, Any]:
        """What a user gets at the entry."""
        toxiproxy, port = self.interposed.entries["web:8080"]
        host_port = published(self.client, self.container(toxiproxy).id, port)
        answer = httpx.get(f"http://127.0.0.1:{host_port}{path}", timeout=10, trust_env=False)
        answer.raise_for_status()
        assert answer.headers["X-Greeting"] == "it's $5 off"
        found: dict[str, Any] = answer.json()
        return found

    def run(self, service: str, *command: str) -> str:
        """The output of a command inside a container."""
        return str(self.container(service).exec_run(list(command)).output.decode())

    def dial(self, service: str, *targets: str) -> list[str]:
        """The answer of ``host:port`` from inside: ``open`` or the error's name."""
        return self.run(service, "python3", "-c", DIAL, *targets).split()

    def switch(self, link: str, enabled: bool) -> None:
        """Disable or enable a link's proxy."""
        (placed,) = (each for each in self.interposed.placed if each.link.name == link)
        host_port = published(self.client, self.container(placed.toxiproxy).id, API_PORT)
        url = f"http://127.0.0.1:{host_port}/proxies/{placed.link.proxy}"
        httpx.patch(url, json={"enabled": enabled}, timeout=10, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def adopted(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adopted]:
    """Build the application as its user does, rewrite it, and start it with ``docker compose up --wait``."""
    run_id = f"test-{secrets.token_hex(4)}"
    system = System.from_compose(FILE, journeys=(), environment={"BASE_IMAGE": base_image(client)})
    compose = Compose(FILE.parent, [FILE], environment=system.environment, project="adopted")
    compose.run("build")
    interposed = interpose(resolve(system), run_id=run_id, taken=routed_networks())
    plan = tmp_path_factory.mktemp("adopted") / "plan.json"
    plan.write_text(json.dumps(interposed.compose), encoding="utf-8")
    compose = Compose(plan.parent, [plan], project=interposed.compose["name"])
    try:
        compose.run("up", "--wait")
        yield Adopted(client, run_id, interposed)
        compose.run("down", "--volumes")
    finally:
        remove_run(client, run_id)


def test_it_works_and_does_not_notice(adopted: Adopted) -> None:
    """Names that are only in its code, a secret or a variable from .env work as before."""
    first, second = adopted.get("/"), adopted.get("/")
    assert first["key"] == "opensesame"
    assert int(second["users"].removeprefix(":")) == int(first["users"].removeprefix(":")) + 1
    assert int(second["carts"].removeprefix(":")) == int(first["carts"].removeprefix(":")) - 1


def test_a_link_can_fail_alone(adopted: Adopted) -> None:
    """Of two services on the same port, one link is cut; the other, and other consumers, still work."""
    adopted.switch("api→carts:6379", enabled=False)
    try:
        answer = adopted.get("/")
        assert answer["carts"] == "ConnectionRefusedError"
        assert answer["users"].startswith(":")
        assert adopted.dial("mailer", "carts:6379") == ["open"]
    finally:
        adopted.switch("api→carts:6379", enabled=True)
    assert adopted.get("/")["carts"].startswith(":")


def test_names_lead_to_toxiproxy_only(adopted: Adopted) -> None:
    """Service name, container name, alias, and each with the original network's name resolve to Toxiproxy's
    address, and the provider's own address cannot be reached.
    """
    providers = {
        each.link.provider: each for each in adopted.interposed.placed if each.link.consumer == "api"
    }
    for provider, names in {
        "carts": ("carts", "adopted-carts", "cart_store", "carts.adopted_backend"),
        "user_db": ("user_db", "adopted-user_db-1", "user_db.adopted_backend"),
        "web": ("web", "web.adopted_default"),
    }.items():
        for name in names:
            address = adopted.run("api", "getent", "ahostsv4", name).split()[0]
            assert address == providers[provider].listen.split(":")[0], name
        assert adopted.dial("api", providers[provider].upstream) == ["ENETUNREACH"]
    assert not adopted.run("web", "getent", "hosts", "user_db")


def test_there_is_no_way_out(adopted: Adopted) -> None:
    """No route leads out of a service's network, no external name resolves, and neither Toxiproxy's API nor
    this machine answers.
    """
    edge = adopted.interposed.compose["services"]["toxiproxy-1"]["networks"]["edge"]["ipv4_address"]
    (link,) = (each for each in adopted.interposed.placed if each.link.name == "api→user_db:6379")
    toxiproxy = link.listen.partition(":")[0]
    subnet = adopted.interposed.compose["networks"]["api"]["ipam"]["config"][0]["subnet"]
    machine = IPv4Network(subnet).network_address + 1
    targets = ("192.0.2.1:80", f"{edge}:{API_PORT}", f"{toxiproxy}:{API_PORT}", f"{machine}:22")
    assert adopted.dial("api", *targets) == ["ENETUNREACH", "ENETUNREACH", "ECONNREFUSED", "TimeoutError"]
    assert not adopted.run("api", "getent", "hosts", "example.com")


def test_everything_carries_the_runs_label(adopted: Adopted) -> None:
    """Containers, networks and volumes of the run carry its label, components their names; the user's own
    project is not touched.
    """
    label: dict[str, Any] = {"label": f"{RUN_LABEL}={adopted.run_id}"}
    project: dict[str, Any] = {"label": f"com.docker.compose.project=chaoskit-{adopted.run_id}"}
    for kind in (adopted.client.containers, adopted.client.networks, adopted.client.volumes):
        marked = {each.id for each in kind.list(filters=label)}
        assert marked
        assert marked >= {each.id for each in kind.list(filters=project)}
    for component in adopted.interposed.components:
        assert adopted.container(component.name).labels[COMPONENT_LABEL] == component.name
        assert adopted.container(component.name).name != "adopted-carts"


def test_a_port_that_nobody_declares_has_a_route(adopted: Adopted) -> None:
    """The mailer's port is only in its code, so plain Compose has no link to it, but a route exists."""
    assert adopted.get("/mail") == {"mail": "ConnectionRefusedError"}
    assert ("api", "mailer") in {(route.consumer, route.provider) for route in adopted.interposed.routes}
