from __future__ import annotations

from typing import Any

import pytest

from tests.interpose.shapes import published, rewritten


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({"ports": [{"target": 53, "protocol": "udp"}], "expose": ["99/udp"]}, "53/udp, 99/udp"),
        ({"networks": {"default": {"ipv4_address": "172.30.0.5"}}}, "172.30.0.5"),
        ({"networks": {"default": {"ipv6_address": "fd00::5"}}}, "links are IPv4"),
        ({"network_mode": "bridge"}, "default bridge"),
        ({"external_links": ["other:db"]}, "'other:db'"),
        ({"privileged": True}, "bypass a fault"),
        ({"cap_add": ["NET_ADMIN"]}, "bypass a fault"),
        ({"extra_hosts": ["host.docker.internal=host-gateway"]}, "host.docker.internal:port"),
        (
            {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/docker.sock"}]},
            "engine's socket",
        ),
        (
            {"volumes": [{"type": "bind", "source": "/home/me/pg", "target": "/var/lib/postgresql/data"}]},
            "state in /home/me/pg",
        ),
    ],
)
def test_what_cannot_stay_is_said(service: dict[str, Any], said: str) -> None:
    """Each warning names the service and its problem."""
    (warning,) = rewritten({"web": service}).warnings
    assert "service 'web'" in warning
    assert said in warning


def test_an_ordinary_application_is_not_warned_about() -> None:
    """Ports, bind mounts of code, loopback names and named volumes cause no warning."""
    after = rewritten(
        {
            "web": {
                "ports": published(80, host="8080"),
                "extra_hosts": ["me=127.0.0.1"],
                "volumes": [
                    {"type": "bind", "source": "/shop/src", "target": "/app"},
                    {"type": "volume", "source": "data", "target": "/data"},
                ],
            }
        },
        volumes={"data": {"name": "shop_data"}},
    )
    assert after.warnings == ()


def test_ipv6_only_networks_are_pointed_out() -> None:
    """Links are IPv4 only, so a network with IPv6 only causes a warning."""
    (warning,) = rewritten({"web": {}}, networks={"default": {"enable_ipv4": False}}).warnings
    assert "'default' is IPv6 only" in warning
