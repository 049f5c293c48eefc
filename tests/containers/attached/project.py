"""The engine's data about a small project: an app with two replicas, a cache, a Toxiproxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoskit.toxiproxy import ProxyState


def container(
    service: str,
    number: int = 1,
    *,
    ip: str,
    env: tuple[str, ...] = (),
    ports: Mapping[str, list[dict[str, str]] | None] | None = None,
    labels: dict[str, str] | None = None,
    network: str = "shop_default",
) -> dict[str, Any]:
    """The output of ``inspect`` for a running container."""
    return {
        "Id": f"id-of-{service}-{number}",
        "Name": f"/shop-{service}-{number}",
        "State": {"Status": "running", "Running": True, "Pid": 0},
        "Config": {
            "Image": f"example/{service}:1",
            "Env": list(env),
            "ExposedPorts": {key: {} for key in ports or {}},
            "Labels": {
                "com.docker.compose.project": "shop",
                "com.docker.compose.service": service,
                "com.docker.compose.container-number": str(number),
                "com.docker.compose.oneoff": "False",
                **(labels or {}),
            },
        },
        "NetworkSettings": {
            "Ports": dict(ports or {}),
            "Networks": {network: {"IPAddress": ip, "Aliases": [service], "DNSNames": [service]}},
        },
    }


def shop() -> dict[str, dict[str, Any]]:
    """The project: name → the engine's data."""
    here = [{"HostIp": "127.0.0.1", "HostPort": "40001"}]
    api = [{"HostIp": "0.0.0.0", "HostPort": "40002"}, {"HostIp": "::", "HostPort": "40002"}]
    return {
        "app-1": container("app", 1, ip="10.0.0.2", env=("CACHE=toxiproxy:26379",), ports={"8000/tcp": here}),
        "app-2": container("app", 2, ip="10.0.0.3", env=("CACHE=toxiproxy:26379",), ports={"8000/tcp": None}),
        "cache": container("cache", ip="10.0.0.4"),
        "toxiproxy": container("toxiproxy", ip="10.0.0.5", ports={"8474/tcp": api}),
    }


def proxy(name: str, listen: str, upstream: str, *, enabled: bool = True) -> ProxyState:
    """The state of a proxy."""
    return ProxyState(name, listen, upstream, enabled)
