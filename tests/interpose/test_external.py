from __future__ import annotations

import json
from typing import Any

import pytest

from chaoskit.errors import Uninterposable
from chaoskit.interpose import interpose
from tests.interpose.shapes import aliases, links, resolved, rewritten

SERVICES: dict[str, dict[str, Any]] = {
    "web": {"networks": {"front": None}},
    "db": {"networks": {"deep": None}, "expose": ["5432"]},
}


def test_an_outside_host_is_a_link_like_any_other() -> None:
    """The host's name means Toxiproxy only to services that could reach external hosts before."""
    after = rewritten(SERVICES, external=["api.stripe.com:443"], networks={"deep": {"internal": True}})
    assert "web→api.stripe.com:443" in links(after)
    assert "db→api.stripe.com:443" not in links(after)
    assert any("api.stripe.com" in names for names in aliases(after, "web").values())


def test_the_forwarder_resolves_names_as_the_world_does() -> None:
    """Toxiproxy dials a forwarder that is only in the edge network, where the name is not Toxiproxy's."""
    after = rewritten(SERVICES, external=["api.stripe.com:443", "smtp.example.com:25"])
    forwarder = after.compose["services"]["forwarder"]
    assert list(forwarder["networks"]) == ["edge"]
    assert "aliases" not in forwarder["networks"]["edge"]
    steps = json.loads(after.compose["configs"]["forwarder-proxies"]["content"])
    assert {step["upstream"] for step in steps} == {"api.stripe.com:443", "smtp.example.com:25"}
    listens = {step["upstream"]: step["listen"] for step in steps}
    outside = [each for each in after.placed if each.link.provider in ("api.stripe.com", "smtp.example.com")]
    assert {each.link.provider for each in outside} == {"api.stripe.com", "smtp.example.com"}
    for each in outside:
        assert each.upstream == listens[f"{each.link.provider}:{each.link.port}"]
    assert "forwarder" not in after.toxiproxies


def test_links_outside_are_open_from_the_start() -> None:
    """Nothing can watch whether an external host listens, so its proxies do not wait for that."""
    after = interpose(resolved(SERVICES), run_id="x", external=["a.example:443"], enabled=False)
    written = [
        proxy
        for key, config in after.compose["configs"].items()
        if key != "forwarder-proxies"
        for proxy in json.loads(config["content"])
    ]
    assert {proxy["name"] for proxy in written if proxy["enabled"]} == {
        "web.a.example.443",
        "db.a.example.443",
    }


def test_a_named_host_in_extra_hosts_moves_to_the_forwarder() -> None:
    """A service's own hosts entry moves to the forwarder, which dials the same address."""
    web = {"web": {"extra_hosts": ["host.docker.internal=host-gateway"]}}
    after = rewritten(web, external=["host.docker.internal:5432"])
    assert "extra_hosts" not in after.compose["services"]["web"]
    assert after.compose["services"]["forwarder"]["extra_hosts"] == {"host.docker.internal": ["host-gateway"]}
    assert not after.warnings


def test_hosts_on_an_external_network_are_found_there() -> None:
    """Only the forwarder is in the user's external networks, and no service is."""
    after = rewritten(
        {"web": {"networks": {"shared": None}}},
        external=["other:80"],
        networks={"shared": {"name": "company", "external": True}},
    )
    key = next(key for key in after.compose["services"]["forwarder"]["networks"] if key != "edge")
    assert after.compose["networks"][key] == {"name": "company", "external": True}
    assert "'company' is external" in after.warnings[0]


def test_two_outside_hosts_on_one_port_have_two_toxiproxies() -> None:
    """A consumer tells external hosts apart by address, as it does services."""
    after = rewritten({"web": {}}, external=["a.example:443", "b.example:443", "c.example:80"])
    homes = {each.link.provider: each.toxiproxy for each in after.placed}
    assert homes["a.example"] != homes["b.example"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("192.0.2.7:443", "is an address"),
        ("db:5432", "has the same name as a service"),
        ("nohost", "not of the form host:port"),
        ("a.example:99999", "not of the form host:port"),
    ],
)
def test_what_cannot_be_a_link_is_refused(entry: str, said: str) -> None:
    """An entry must be a name and a port, and no member may have that name."""
    with pytest.raises(Uninterposable, match=said):
        rewritten(SERVICES, external=[entry])
