"""The Toxiproxies' services in the new file, and the file each reads its proxies from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chaoskit.interpose.model import API_PORT

CONFIG_FILE = "/etc/toxiproxy.json"

_EPHEMERAL = 32768
"""The first port that Linux gives to outgoing connections, by default."""


def toxiproxy_service(
    address: str,
    *,
    image: str,
    config: str,
    labels: Mapping[str, str],
    published: Iterable[int],
    listens: Iterable[int],
) -> dict[str, Any]:
    """A Toxiproxy that carries links.

    Args:
        address: its own in the edge network, where alone its API listens: no service shares that.
        image: its image.
        config: the key of its proxies' file among the configs.
        labels: the run's.
        published: container ports to publish on 127.0.0.1, each on a host port that is free.
        listens: all ports that its proxies listen on, wherever.
    """
    service = forwarder_service(address, image=image, config=config, labels=labels)
    service["ports"] = [
        {"mode": "ingress", "host_ip": "127.0.0.1", "target": port, "protocol": "tcp"}
        for port in (API_PORT, *published)
    ]
    high = sorted({port for port in listens if port >= _EPHEMERAL})
    if high:
        # An outgoing connection must not take the port of a proxy that is just disabled.
        service["sysctls"]["net.ipv4.ip_local_reserved_ports"] = ",".join(map(str, high))
    return service


def forwarder_service(
    address: str,
    *,
    image: str,
    config: str,
    labels: Mapping[str, str],
    extra_hosts: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, Any]:
    """A Toxiproxy that publishes nothing; its arguments are those of :func:`toxiproxy_service`."""
    service: dict[str, Any] = {
        "image": image,
        "command": [f"-host={address}", f"-config={CONFIG_FILE}", "-proxy-metrics"],
        "configs": [{"source": config, "target": CONFIG_FILE}],
        "labels": dict(labels),
        "restart": "no",
        # With a foot in many networks, it must carry connections and never packets.
        "sysctls": {"net.ipv4.ip_forward": "0"},
        "networks": {},
    }
    if extra_hosts:
        service["extra_hosts"] = {name: list(addresses) for name, addresses in extra_hosts.items()}
    return service


def proxies_file(proxies: Iterable[tuple[str, str, str, bool]]) -> str:
    """Toxiproxy's own configuration, one proxy a line.

    Args:
        proxies: name, listen, upstream and whether it is enabled.

    Returns:
        JSON in which ``$`` is doubled, because Compose interpolates it.
    """
    lines = (
        json.dumps({"name": name, "listen": listen, "upstream": upstream, "enabled": enabled})
        for name, listen, upstream, enabled in proxies
    )
    return ("[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]\n").replace("$", "$$")
