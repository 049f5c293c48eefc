from __future__ import annotations

from chaoskit.interpose import API_PORT
from chaoskit.interpose.assembly import proxies_file
from tests.interpose.shapes import rewritten


def test_the_api_listens_on_the_edge_alone() -> None:
    """No service shares the edge network, so none can lift its own fault."""
    after = rewritten({"web": {"expose": ["80"]}, "db": {}})
    for name in after.toxiproxies:
        service = after.compose["services"][name]
        assert f"-host={service['networks']['edge']['ipv4_address']}" in service["command"]
        assert API_PORT in [port["target"] for port in service["ports"]]
    on_edge = {name for name, service in after.compose["services"].items() if "edge" in service["networks"]}
    assert on_edge == set(after.toxiproxies)


def test_toxiproxy_routes_no_packets() -> None:
    """Toxiproxy is in every network, so packet forwarding is off."""
    after = rewritten({"web": {}, "db": {}})
    assert after.toxiproxies
    for name in after.toxiproxies:
        assert after.compose["services"][name]["sysctls"]["net.ipv4.ip_forward"] == "0"


def test_high_ports_are_kept_for_the_proxies() -> None:
    """A disabled proxy finds its port free again, because no outgoing connection takes it."""
    (name,) = (after := rewritten({"web": {"expose": ["80"]}, "grpc": {"expose": ["50051"]}})).toxiproxies
    assert after.compose["services"][name]["sysctls"]["net.ipv4.ip_local_reserved_ports"] == "50051"


def test_dollars_are_written_twice() -> None:
    """Compose interpolates inline configs, and a name with a dollar comes out unchanged."""
    assert '"a$$b"' in proxies_file([("a$b", "10.0.0.2:1", "10.0.0.3:1", True)])
