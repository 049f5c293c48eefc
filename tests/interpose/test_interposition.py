"""Properties that hold for every application, and a few applications that are easy to read."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit.errors import Uninterposable
from chaoskit.interpose import API_PORT, COMPONENT_LABEL, RUN_LABEL, Interposed, interpose
from chaoskit.interpose.model import Resolved
from chaoskit.system import HARNESS, OUTSIDE
from tests.interpose.shapes import aliases, applications, links, published, resolved, rewritten

ENDS = (HARNESS, OUTSIDE)


def containers(application: Resolved) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    """Component, service, index and configuration of every container with its own network: the oracle."""
    for name, service in application.config["services"].items():
        if str(service.get("network_mode", "")).startswith(("none", "service")):
            continue
        count = (service.get("deploy") or {}).get("replicas", 1)
        for index in range(1, count + 1):
            yield (name if count == 1 else f"{name}-{index}"), name, index, service


def could_talk(application: Resolved) -> set[tuple[str, str]]:
    """Every pair that shared a network in the original configuration."""
    return {
        (one[0], other[0])
        for one, other in itertools.permutations(containers(application), 2)
        if set(one[3].get("networks") or ["bridge"]) & set(other[3].get("networks") or ["bridge"])
    }


def meanings(application: Resolved, consumer: str) -> dict[str, set[str]]:
    """Every name that a container could resolve in any network, and all components that it may have meant."""
    everyone = {each[0]: each for each in containers(application)}
    mine = everyone[consumer][3].get("networks") or {}
    found: dict[str, set[str]] = {}
    for component, service, index, config in everyone.values():
        for key in set(mine) & set(config.get("networks") or {}):
            own = config.get("container_name") or f"shop-{service}-{index}"
            given = [service, own, *((config["networks"][key] or {}).get("aliases") or ())]
            for name in [*given, *([config["hostname"]] if "hostname" in config else [])]:
                found.setdefault(name, set()).add(component)
                found.setdefault(f"{name}.shop_{key}", set()).add(component)
        for link in everyone[consumer][3].get("links") or ():
            if link.split(":")[0] == service and (consumer, component) in could_talk(application):
                for name in (link.split(":")[-1], f"{service}-{index}", f"shop-{service}-{index}"):
                    found.setdefault(name, set()).add(component)
    return found


def done(application: Resolved, **how: Any) -> Interposed:
    """Interpose as a run would."""
    return interpose(application, run_id="property", **how)


@given(applications())
def test_every_service_is_alone_with_toxiproxy(application: Resolved) -> None:
    """No network holds two components, and no component is in a network that leads outside."""
    after = done(application)
    components = [after.services[each.name] for each in after.components]
    seen: list[str] = []
    for name in components:
        for key in after.compose["services"][name].get("networks") or {}:
            assert after.compose["networks"][key]["internal"] is True
            seen.append(key)
    assert len(seen) == len(set(seen)) == len(list(containers(application)))


@given(applications())
def test_every_name_leads_to_toxiproxy(application: Resolved) -> None:
    """Each name by which a consumer could reach a provider leads to a Toxiproxy of a provider with that
    name, and Toxiproxy carries no name that meant no provider.
    """
    after = done(application)
    carrier = {(each.consumer, each.provider): each.toxiproxy for each in after.routes}
    for consumer, *_ in containers(application):
        carried = aliases(after, consumer)
        known = meanings(application, consumer)
        for name, who in known.items():
            toxiproxies = {toxiproxy for toxiproxy, names in carried.items() if name in names}
            possible = {carrier[consumer, provider] for provider in who - {consumer}}
            assert toxiproxies <= possible, name
            itself = after.compose["services"][consumer]["networks"][consumer].get("aliases", ())
            assert toxiproxies or name in itself, name
        for names in carried.values():
            assert all(known[name] - {consumer} for name in names)


@given(applications())
def test_links_are_the_pairs_that_could_talk(application: Resolved) -> None:
    """Exactly the pairs that could talk have links, on every port that the provider declares."""
    after = done(application)
    pairs = could_talk(application)
    between = {(each.link.consumer, each.link.provider, each.link.port) for each in after.placed}
    assert {pair[:2] for pair in between if pair[0] not in ENDS} <= pairs
    assert {(route.consumer, route.provider) for route in after.routes if route.consumer != HARNESS} == pairs
    for provider, _, _, config in containers(application):
        targets = {port["target"] for port in config.get("ports") or ()}
        for port in targets | set(map(int, config["expose"])):
            consumers = {one for one, other in pairs if other == provider}
            assert {(each, provider, port) for each in (*consumers, HARNESS)} <= between
        for port in targets:
            assert (OUTSIDE, provider, port) in between
            assert f"{provider}:{port}" in after.entries


@given(applications())
def test_no_two_listeners_collide(application: Resolved) -> None:
    """Every listener has its own address and port; the address is its Toxiproxy's, and the port is not the
    API's.
    """
    after = done(application)
    listens = [each.listen for each in after.placed]
    assert len(listens) == len(set(listens))
    for each in after.placed:
        service = after.compose["services"][each.toxiproxy]
        own = {key: where["ipv4_address"] for key, where in service["networks"].items()}
        host, port = each.listen.split(":")
        assert host == own["edge" if each.link.consumer in ENDS else each.link.consumer]
        assert (host, int(port)) != (own["edge"], API_PORT)
        provider = after.compose["services"][each.link.provider]
        assert each.upstream == f"{provider['networks'][each.link.provider]['ipv4_address']}:{each.link.port}"
    for name in after.toxiproxies:
        targets = [port["target"] for port in after.compose["services"][name]["ports"]]
        used = [*after.entries.values(), *after.harness.values()]
        wanted = [API_PORT, *(port for owner, port in used if owner == name), *after.spares[name]]
        assert sorted(targets) == sorted(wanted)
        assert len(targets) == len(set(targets))


NETWORKS = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    st.sampled_from([IPv4Address("10.0.0.0"), IPv4Address("10.128.0.0"), IPv4Address("172.17.0.0")])
    | st.integers(0x0A000000, 0x0AFFFFFF).map(IPv4Address),
    st.integers(8, 28),
)


@given(applications(), st.lists(NETWORKS, max_size=4))
def test_addresses_are_unique_and_free(application: Resolved, taken: list[IPv4Network]) -> None:
    """Subnets overlap neither each other nor taken networks; each address is one container's, in its
    subnet, and not the gateway that Docker takes.
    """
    after = done(application, taken=taken)
    subnets = {
        key: IPv4Network(network["ipam"]["config"][0]["subnet"])
        for key, network in after.compose.get("networks", {}).items()
    }
    for one, other in itertools.combinations([*subnets.values()], 2):
        assert not one.overlaps(other)
    assert not any(one.overlaps(other) for one in subnets.values() for other in taken)
    seen = set()
    for service in after.compose["services"].values():
        for key, where in (service.get("networks") or {}).items():
            address = IPv4Address(where["ipv4_address"])
            assert address in list(subnets[key].hosts())[1:]
            assert address not in seen
            seen.add(address)


NETWORKING = {"container_name", "depends_on", "labels", "links", "networks", "network_mode", "ports"}


@given(applications())
def test_what_is_not_networking_is_untouched(application: Resolved) -> None:
    """Commands, environments, health checks and the rest of a service stay as Compose resolved them, and
    the service still waits for the same services.
    """
    after = done(application)
    members: dict[str, list[str]] = {}
    for each in after.components:
        members.setdefault(each.service, []).append(each.name)
    for each in after.components:
        before = application.config["services"][each.service]
        service = after.compose["services"][after.services[each.name]]
        if len(members[each.service]) > 1:
            before = {**before, "deploy": {}}
        for key in (before.keys() | service.keys()) - NETWORKING:
            assert service.get(key) == before.get(key), key
        assert service["labels"] == {**before["labels"], RUN_LABEL: "property", COMPONENT_LABEL: each.name}
        for awaited, how in (before.get("depends_on") or {}).items():
            assert all(service["depends_on"][name] == how for name in members[awaited])
        ours = set(service.get("depends_on") or {}) - {name for names in members.values() for name in names}
        namespace = str(service.get("network_mode") or each.name).removeprefix("service:")
        assert ours in (set(), {route.toxiproxy for route in after.routes if route.consumer == namespace})
        if before.get("depends_on"):
            assert ours or not any(route.consumer == namespace for route in after.routes)


@given(applications())
def test_the_rewrite_is_pure(application: Resolved) -> None:
    """The same input gives the same output, byte for byte, and is not changed."""
    before = copy.deepcopy(application.config)
    first = json.dumps(done(application).compose)
    assert json.dumps(done(Resolved(before, application.directory, application.exposed)).compose) == first
    assert application.config == before


@given(applications(), st.booleans())
def test_toxiproxy_is_given_the_links(application: Resolved, enabled: bool) -> None:
    """The Toxiproxies' files hold exactly the links once Compose has interpolated them."""
    after = done(application, enabled=enabled)
    written = {}
    for name in after.toxiproxies:
        source = after.compose["services"][name]["configs"][0]["source"]
        for proxy in json.loads(after.compose["configs"][source]["content"].replace("$$", "$")):
            written[name, proxy["name"]] = (proxy["listen"], proxy["upstream"], proxy["enabled"])
    assert written == {
        (each.toxiproxy, each.link.proxy): (each.listen, each.upstream, enabled) for each in after.placed
    }


@given(applications())
def test_only_toxiproxy_publishes(application: Resolved) -> None:
    """No component publishes a port, and Toxiproxy publishes only on 127.0.0.1, on free host ports."""
    after = done(application)
    for name, service in after.compose["services"].items():
        for port in service.get("ports") or ():
            assert name in after.toxiproxies
            assert port["host_ip"] == "127.0.0.1"
            assert "published" not in port


@settings(max_examples=10)
@given(st.integers(3, 12))
def test_as_few_toxiproxies_as_the_port_has_providers(count: int) -> None:
    """Three or more services on one port need as many Toxiproxies; on different ports they need one."""
    same = rewritten({f"s{number}": {"expose": ["80"]} for number in range(count)})
    assert len(same.toxiproxies) == count
    different = rewritten({f"s{number}": {"expose": [str(8000 + number)]} for number in range(count)})
    assert len(different.toxiproxies) == 1


def test_providers_without_a_common_consumer_share_a_toxiproxy() -> None:
    """Two databases on the same port, each alone with its consumer, need one Toxiproxy."""
    after = rewritten(
        {
            "a": {"networks": {"left": None}, "expose": ["1"]},
            "a_db": {"networks": {"left": None}, "expose": ["5432"]},
            "b": {"networks": {"right": None}, "expose": ["2"]},
            "b_db": {"networks": {"right": None}, "expose": ["5432"]},
        }
    )
    assert len(after.toxiproxies) == 1
    assert {"a→a_db:5432", "b→b_db:5432"} <= links(after)
    assert "a→b_db:5432" not in links(after)


def test_a_provider_without_a_port_has_a_toxiproxy_of_its_own() -> None:
    """Whatever port it serves, no other provider uses that port there, and routes and published ports
    exist for it.
    """
    after = rewritten({"api": {"expose": ["80"]}, "mystery": {}, "db": {"expose": ["5432"]}})
    homes = {route.provider: route.toxiproxy for route in after.routes}
    assert homes["api"] == homes["db"] != homes["mystery"]
    assert len(after.spares[homes["mystery"]]) >= 4
    assert {route.consumer for route in after.routes if route.provider == "mystery"} == {"api", "db", HARNESS}


def test_replicas_are_components_behind_one_name() -> None:
    """A replicated service's name is on as many Toxiproxies as it has replicas, and a service that waited
    for it waits for each of them.
    """
    after = rewritten(
        {
            "web": {"depends_on": {"api": {"condition": "service_healthy", "required": True}}},
            "api": {
                "expose": ["80"],
                "deploy": {"replicas": 2},
                "build": {"context": "/shop"},
                "image": "shop-api",
            },
        }
    )
    assert [(each.name, each.service, each.index) for each in after.components if each.service == "api"] == [
        ("api-1", "api", 1),
        ("api-2", "api", 2),
    ]
    assert sum("api" in names for names in aliases(after, "web").values()) == 2
    services = after.compose["services"]
    assert (
        services["web"]["depends_on"].items()
        >= {f"api-{number}": {"condition": "service_healthy", "required": True} for number in (1, 2)}.items()
    )
    assert "build" in services["api-1"]
    assert "build" not in services["api-2"]
    assert services["api-2"]["image"] == "shop-api"


def test_ports_of_an_earlier_run_are_links_from_the_start() -> None:
    """A port that an earlier run found is a known port."""
    application = resolved({"web": {}, "mystery": {}})
    after = interpose(application, run_id="x", found={"mystery": [2525]})
    assert "web→mystery:2525" in links(after)


def test_all_reasons_come_at_once() -> None:
    """A refusal names every service with a problem, so that the user can correct all at once."""
    with pytest.raises(Uninterposable) as refused:
        rewritten(
            {
                "agent": {"network_mode": "host"},
                "peer": {"network_mode": "container:other"},
                "harness": {},
                "api": {"deploy": {"replicas": 2}, "ports": published(80, host="8080")},
            },
            external=["nonsense"],
        )
    said = str(refused.value)
    for word in ("'agent'", "'peer'", "'harness'", "'api' has 2 replicas", "8080", "'nonsense'", "/shop"):
        assert word in said


def test_dots_that_make_two_links_one_proxy_are_refused() -> None:
    """Toxiproxy could not tell ``a.b→c`` from ``a→b.c``, and the refusal names both."""
    with pytest.raises(Uninterposable, match=r"a\.b→c:1 and a→b\.c:1|a→b\.c:1 and a\.b→c:1"):
        rewritten({name: {"expose": ["1"]} for name in ("a", "b.c", "a.b", "c")})


def test_a_service_called_like_ours_keeps_its_name() -> None:
    """Services called edge or toxiproxy-1 are components like any others."""
    after = rewritten({"edge": {"expose": ["1"]}, "toxiproxy-1": {"expose": ["2"]}})
    assert links(after) >= {"edge→toxiproxy-1:2", "toxiproxy-1→edge:1"}
    assert after.toxiproxies == ("chaoskit-toxiproxy-1",)


def test_no_run_id_spoils_the_project_name() -> None:
    """A run id that Compose would reject is the caller's error."""
    with pytest.raises(ValueError, match="Nope!"):
        interpose(resolved({"web": {}}), run_id="Nope!")


def test_fifty_services_need_one_toxiproxy() -> None:
    """One Toxiproxy carries 2,450 links if no two services have the same port."""
    application = resolved({f"service{number}": {"expose": [str(8000 + number)]} for number in range(50)})
    after = interpose(application, run_id="x")
    assert sum(each.link.consumer not in ENDS for each in after.placed) == 2450
    assert len(after.toxiproxies) == 1
