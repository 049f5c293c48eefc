"""A user's proxy is a link whose consumer and provider are found, never invented."""

from __future__ import annotations

import pytest

from chaoskit.containers.attached.proxies import links_of_proxies
from chaoskit.errors import UsageError
from chaoskit.interpose import Placed
from chaoskit.system import ANY, HARNESS, OUTSIDE, Component
from chaoskit.system.names import matching_links
from chaoskit.toxiproxy import ProxyState
from tests.containers.attached.project import container, proxy, shop

COMPONENTS = (Component("app-1", "app", 1), Component("app-2", "app", 2), Component("cache", "cache"))


def linked(*proxies: ProxyState) -> list[Placed]:
    """The links of the shop's Toxiproxy."""
    return links_of_proxies({"toxiproxy": proxies}, shop(), COMPONENTS)[0]


@pytest.mark.parametrize(
    ("name", "consumer"),
    [
        ("app-1.cache.6379", "app-1"),
        ("app.cache.6379", "app"),
        ("app.cache", "app"),
        ("app_to_cache", "app"),
        ("app→cache:6379", "app"),
        ("app-2->cache", "app-2"),
        ("outside.cache.6379", OUTSIDE),
        ("harness.cache.6379", HARNESS),
        ("app.v2", ANY),
        ("cache", ANY),
        ("application.cache.6379", ANY),
    ],
)
def test_a_name_of_the_known_form_tells_the_consumer(name: str, consumer: str) -> None:
    """A name counts only if it contains a consumer and the provider to which the upstream leads."""
    (found,) = linked(proxy(name, "[::]:1234", "cache:6379"))
    assert (found.link.consumer, found.link.provider, found.link.port) == (consumer, "cache", 6379)
    assert found.link.proxy == name


def test_who_alone_writes_the_proxys_address_is_its_consumer() -> None:
    """Both replicas have ``toxiproxy:26379`` in their environment, so it is the service's link."""
    (found,) = linked(proxy("redis_master", "0.0.0.0:26379", "cache:6379"))
    assert found.link.name == "app→cache:6379"
    assert found.listen == "10.0.0.5:26379"


@pytest.mark.parametrize(
    ("upstream", "provider"),
    [
        ("10.0.0.4:6379", "cache"),
        ("shop-cache-1:6379", "cache"),
        ("app:8000", "app"),
        ("10.0.0.3:8000", "app-2"),
        ("payments.example.com:443", "payments.example.com"),
    ],
)
def test_the_upstream_tells_the_provider(upstream: str, provider: str) -> None:
    """It is found by alias, container name or address; it may be a replicated service or an external host."""
    (found,) = linked(proxy("p", "[::]:1", upstream))
    assert found.link.provider == provider


def test_a_toxiproxy_elsewhere_dials_published_ports() -> None:
    """A Toxiproxy that runs on the machine itself reaches the system by its published ports."""
    found, _ = links_of_proxies(
        {"127.0.0.1:8474": [proxy("web", "127.0.0.1:9000", "127.0.0.1:40001")]}, shop(), COMPONENTS
    )
    assert [(each.link.name, each.listen) for each in found] == [("any→app-1:40001", "127.0.0.1:9000")]


def test_an_alias_is_looked_up_where_toxiproxy_is() -> None:
    """The same alias in a network that Toxiproxy is not in means another container."""
    inspected = shop()
    inspected["other"] = container("other", ip="10.9.0.2", network="shop_back")
    inspected["other"]["NetworkSettings"]["Networks"]["shop_back"]["Aliases"] = ["cache"]
    components = (*COMPONENTS, Component("other", "other"))
    found, _ = links_of_proxies({"toxiproxy": [proxy("p", "[::]:1", "cache:6379")]}, inspected, components)
    assert found[0].link.provider == "cache"


def test_twins_are_told_apart_by_their_proxies() -> None:
    """Two proxies with the same ends have different link names, and a pattern means both."""
    found = linked(proxy("a", "[::]:1", "cache:6379"), proxy("b", "[::]:2", "cache:6379"))
    links = [each.link for each in found]
    assert [link.name for link in links] == ["any→cache:6379 (a)", "any→cache:6379 (b)"]
    assert list(matching_links("->cache", links, COMPONENTS)) == links
    assert list(matching_links("b", links, COMPONENTS)) == links[1:]


def test_a_service_is_meant_by_its_name_although_it_has_replicas() -> None:
    """``app→cache`` means the link of the service, and ``app-1→cache`` does not."""
    links = [each.link for each in linked(proxy("app.cache.6379", "[::]:1", "cache:6379"))]
    assert list(matching_links("app→cache", links, COMPONENTS)) == links
    assert list(matching_links("→cache:6379", links, COMPONENTS)) == links
    assert list(matching_links("app-1→cache", links, COMPONENTS)) == []
    behind = [each.link for each in linked(proxy("front", "[::]:1", "app:8000"))]
    assert list(matching_links("→app", behind, COMPONENTS)) == behind


def test_two_toxiproxies_with_a_proxy_of_one_name_are_refused() -> None:
    """An undo step names a proxy by its name only, so the name must be unique."""
    told = {"one": [proxy("p", "[::]:1", "cache:1")], "two": [proxy("p", "[::]:1", "cache:1")]}
    with pytest.raises(UsageError, match="two Toxiproxies"):
        links_of_proxies(told, shop(), COMPONENTS)


def test_a_proxy_that_the_api_cannot_address_is_left_out_with_a_warning() -> None:
    """A proxy's name with a slash would be another path of the API."""
    found, warnings = links_of_proxies({"toxiproxy": [proxy("a/b", "[::]:1", "cache:1")]}, shop(), COMPONENTS)
    assert found == []
    assert "'a/b'" in warnings[0]
