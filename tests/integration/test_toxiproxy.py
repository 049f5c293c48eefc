"""The contract of the real server: everything that the adapter assumes is true."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator

import docker
import pytest

from chaoskit.containers.cleanup.removal import remove_run
from chaoskit.errors import ToxiproxyFailure
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy import ProxyState, Toxiproxies
from tests.integration.world import TOXIPROXY, container, published

pytestmark = pytest.mark.docker

UPSTREAM = "127.0.0.1:9"
EVERY_KIND = [
    Toxic("a", "latency", "upstream", {"latency": 0.1, "jitter": 0.01}),
    Toxic("b", "bandwidth", "upstream", {"rate_bytes_per_s": 5000}),
    Toxic("c", "slow_close", "upstream", {"delay": 0.5}),
    Toxic("d", "timeout", "downstream", {"timeout": 0}, 0.3),
    Toxic("e", "reset_peer", "downstream", {"timeout": 0.2}),
    Toxic("f", "slicer", "downstream", {"size_bytes": 10, "variation_bytes": 5, "delay": 0.00001}),
    Toxic("g", "limit_data", "downstream", {"size_bytes": 100}),
]


@pytest.fixture(scope="module")
def servers(client: docker.DockerClient) -> Iterator[dict[str, str]]:
    """Two real servers, as name → container."""
    run_id = f"test-{secrets.token_hex(4)}"
    ports = {"8474/tcp": ("127.0.0.1", None)}
    yield {
        name: container(client, run_id, TOXIPROXY, ["-host=0.0.0.0"], ports=dict(ports))
        for name in ("one", "two")
    }
    remove_run(client, run_id)


@pytest.fixture
def toxiproxies(client: docker.DockerClient, servers: dict[str, str]) -> Toxiproxies:
    """The adapter, each server with one new proxy."""
    addresses = {name: ("127.0.0.1", published(client, each, 8474)) for name, each in servers.items()}
    made = Toxiproxies(addresses, deadline=5.0)
    for name in servers:
        made.wait_for(name, 20)
    made.reset()
    return made


@pytest.fixture
def proxy(toxiproxies: Toxiproxies, servers: dict[str, str]) -> str:
    """The name of the new proxy, which is the same on both servers."""
    name = f"p.{secrets.token_hex(4)}"
    for server in servers:
        toxiproxies.create(server, name, listen="127.0.0.1:0", upstream=UPSTREAM, enabled=True)
    return name


def test_every_kind_of_toxic_comes_back_as_it_was_sent(toxiproxies: Toxiproxies, proxy: str) -> None:
    """The real server accepts all kinds and attributes under the adapter's names, and returns them equal."""
    for toxic in EVERY_KIND:
        toxiproxies.add_toxic("one", proxy, toxic)
    assert toxiproxies.toxics("one", proxy) == tuple(EVERY_KIND)
    assert toxiproxies.proxies("one")[proxy].toxics == tuple(EVERY_KIND)
    assert toxiproxies.toxics("two", proxy) == ()
    for toxic in EVERY_KIND:
        toxiproxies.remove_toxic("one", proxy, toxic.name)
    assert toxiproxies.toxics("one", proxy) == ()


def test_a_proxy_goes_down_and_up(toxiproxies: Toxiproxies, proxy: str) -> None:
    """Disabling and enabling work, also if the proxy is already in that state."""
    for change, enabled in (("disable", False), ("enable", True)):
        for _ in range(2):
            getattr(toxiproxies, change)("one", proxy)
            assert toxiproxies.proxies("one")[proxy].enabled is enabled


def test_reset_leaves_a_proxy_down(toxiproxies: Toxiproxies, proxy: str) -> None:
    """Unlike the server's own reset, the adapter's does not enable a proxy that was disabled on purpose."""
    toxiproxies.add_toxic("two", proxy, EVERY_KIND[0])
    toxiproxies.disable("two", proxy)
    toxiproxies.reset()
    state = toxiproxies.proxies("two")[proxy]
    assert (state.enabled, state.toxics) == (False, ())


def test_the_server_s_refusals_are_told(toxiproxies: Toxiproxies, proxy: str) -> None:
    """The error has the real server's message for a taken name, a taken address and an unknown proxy."""
    with pytest.raises(ToxiproxyFailure, match="HTTP 409: proxy already exists"):
        toxiproxies.create("one", proxy, listen="127.0.0.1:0", upstream=UPSTREAM, enabled=True)
    taken = toxiproxies.proxies("one")[proxy].listen
    with pytest.raises(ToxiproxyFailure, match=r"HTTP 500: .* address already in use"):
        toxiproxies.create("one", f"{proxy}.b", listen=taken, upstream=UPSTREAM, enabled=True)
    assert f"{proxy}.b" not in toxiproxies.proxies("one")
    with pytest.raises(ToxiproxyFailure, match="HTTP 404: proxy not found"):
        toxiproxies.toxics("one", "none")
    toxiproxies.add_toxic("one", proxy, EVERY_KIND[0])
    with pytest.raises(ToxiproxyFailure, match="HTTP 409: toxic already exists"):
        toxiproxies.add_toxic("one", proxy, EVERY_KIND[0])
    toxiproxies.remove_toxic("one", proxy, "none")


def test_a_proxy_is_created_disabled(toxiproxies: Toxiproxies) -> None:
    """A link whose provider does not listen yet must not accept."""
    name = f"p.{secrets.token_hex(4)}"
    toxiproxies.create("one", name, listen="127.0.0.1:4711", upstream=UPSTREAM, enabled=False)
    assert toxiproxies.proxies("one")[name] == ProxyState(name, "127.0.0.1:4711", UPSTREAM, False)


def test_two_servers_from_two_threads(toxiproxies: Toxiproxies, proxy: str) -> None:
    """A watcher that switches proxies and a fault that adds toxics do not disturb each other."""
    failures: list[Exception] = []

    def switch() -> None:
        for _ in range(20):
            toxiproxies.disable("two", proxy)
            toxiproxies.enable("two", proxy)

    def harm() -> None:
        for _ in range(20):
            toxiproxies.add_toxic("one", proxy, EVERY_KIND[0])
            toxiproxies.remove_toxic("one", proxy, EVERY_KIND[0].name)

    def guarded(work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (switch, harm)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_server_that_is_frozen_meets_the_deadline(
    client: docker.DockerClient, servers: dict[str, str], proxy: str
) -> None:
    """A paused server, for which the kernel still accepts connections, is an error within the deadline;
    the other server still works.
    """
    addresses = {name: ("127.0.0.1", published(client, each, 8474)) for name, each in servers.items()}
    hasty = Toxiproxies(addresses, deadline=0.3)
    frozen = client.containers.get(servers["one"])
    frozen.pause()
    try:
        with pytest.raises(ToxiproxyFailure, match="did not answer in time") as caught:
            hasty.disable("one", proxy)
        assert caught.value.limit == "0.3 s"
        hasty.disable("two", proxy)
    finally:
        frozen.unpause()
