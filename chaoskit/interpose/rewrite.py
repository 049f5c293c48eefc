"""A component's service in the new file, and the order in which components start.

Everything but networking stays as Compose resolved it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from chaoskit.interpose.members import Application, Member, component_name
from chaoskit.interpose.model import COMPONENT_LABEL
from chaoskit.interpose.names import extra_hosts

_NETWORKING_KEYS = ("container_name", "external_links", "links", "networks", "ports", "profiles")
"""Keys of a service that are about networking, or that Compose has already applied (``profiles``)."""


def member_service(
    member: Member,
    application: Application,
    *,
    labels: Mapping[str, str],
    network: Mapping[str, Any] | None,
    gone_hosts: Iterable[str],
    toxiproxies: Iterable[str],
) -> dict[str, Any]:
    """A component's service: its own configuration, alone in a network of its own.

    Args:
        member: the container.
        application: the application with all members.
        labels: the run's labels.
        network: its network, with its settings there; ``None`` if it has no network of its own.
        gone_hosts: names in its ``extra_hosts`` that must now resolve to Toxiproxy.
        toxiproxies: the Toxiproxies of its links, which must start first.
    """
    kept = {key: value for key, value in member.service.items() if key not in _NETWORKING_KEYS}
    service: dict[str, Any] = copy.deepcopy(kept)
    service["image"] = member.component.image
    if len(application.of_service(member.component.service)) > 1:
        service.pop("scale", None)
        (service.get("deploy") or {}).pop("replicas", None)
        if member.component.index > 1:
            # Compose finds the image that the first replica builds; with this key it would build twice.
            service.pop("build", None)
    service["labels"] = {**(service.get("labels") or {}), **labels, COMPONENT_LABEL: member.name}
    if network is not None:
        service.pop("network_mode", None)
        service["networks"] = dict(network)
    _drop_hosts(service, set(gone_hosts))
    _resolve_references(service, application)
    waits = {name: {"condition": "service_started", "required": True} for name in toxiproxies}
    depends = {**_depends(service, application), **waits}
    service.pop("depends_on", None)
    return {**service, "depends_on": depends} if depends else service


def _drop_hosts(service: dict[str, Any], gone: set[str]) -> None:
    """Remove names from ``extra_hosts``, which comes before any name server."""
    hosts = extra_hosts(service)
    if gone.isdisjoint(hosts):
        return
    del service["extra_hosts"]
    left = {name: list(addresses) for name, addresses in hosts.items() if name not in gone}
    if left:
        service["extra_hosts"] = left


def _depends(service: Mapping[str, Any], application: Application) -> dict[str, Any]:
    """``depends_on`` with components instead of services; a service without replicas is left out."""
    return {
        member.name: copy.deepcopy(how)
        for name, how in (service.get("depends_on") or {}).items()
        for member in application.of_service(name)
    }


def _resolve_references(service: dict[str, Any], application: Application) -> None:
    """Replace a service's name elsewhere by that of its first replica, which Compose means by it."""

    def first(name: str) -> str:
        count = len(application.of_service(name))
        return component_name(name, 1, count) if count else name

    for key in ("network_mode", "ipc", "pid"):
        kind, _, name = str(service.get(key) or "").partition(":")
        if kind == "service":
            service[key] = f"service:{first(name)}"
    if service.get("volumes_from"):
        sources = [str(source).split(":") for source in service["volumes_from"]]
        service["volumes_from"] = [
            ":".join(source if source[0] == "container" else (first(source[0]), *source[1:]))
            for source in sources
        ]


def starts_first(member: Member, application: Application) -> bool:
    """Whether a component can start together with Toxiproxy instead of after it, which saves time.

    It can if other services wait for it, and it neither waits for nor names another service. Such a
    component starts first without chaoskit as well, when no other component is running.
    """
    service = member.component.service
    if member.service.get("depends_on"):
        return False
    others = [each for each in application.members if each.component.service != service]
    if not any(service in (each.service.get("depends_on") or {}) for each in others):
        return False
    text = json.dumps([member.service.get(key) for key in ("environment", "command", "entrypoint")])
    return not any(re.search(rf"\b{re.escape(each.component.service)}\b", text) for each in others)
