"""Assembling the new compose configuration from the places and the wiring.

It contains the Toxiproxies' services, and for each a file from which it reads its proxies.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from chaoskit.interpose.external import ExternalHost
from chaoskit.interpose.members import Application, Member
from chaoskit.interpose.model import API_PORT
from chaoskit.interpose.names import Names, extra_hosts
from chaoskit.interpose.placing import EDGE, Places
from chaoskit.interpose.rewrite import member_service, starts_first
from chaoskit.interpose.wiring import Wiring, port_of

CONFIG_FILE = "/etc/toxiproxy.json"
"""The path in a Toxiproxy's container of the file with its proxies."""

_FIRST_EPHEMERAL_PORT = 32768
"""The first port that Linux by default gives to outgoing connections."""


def toxiproxy_service(
    address: str,
    *,
    image: str,
    config: str,
    labels: Mapping[str, str],
    published: Iterable[int],
    listens: Iterable[int],
) -> dict[str, Any]:
    """The service of a Toxiproxy that carries links.

    Args:
        address: its address in the edge network. Its API listens there only, because no service of the
            application is in that network.
        image: its image.
        config: the key of its proxies' file among the configs.
        labels: the run's labels.
        published: container ports to publish on 127.0.0.1, each on any free host port.
        listens: all ports on which its proxies listen, in whatever network.
    """
    service = forwarder_service(address, image=image, config=config, labels=labels)
    service["ports"] = [
        {"mode": "ingress", "host_ip": "127.0.0.1", "target": port, "protocol": "tcp"}
        for port in (API_PORT, *published)
    ]
    high = sorted({port for port in listens if port >= _FIRST_EPHEMERAL_PORT})
    if high:
        # An outgoing connection must not take the port of a proxy that is disabled at the moment.
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
    """The service of a Toxiproxy that publishes no port; for the arguments see :func:`toxiproxy_service`."""
    service: dict[str, Any] = {
        "image": image,
        "command": [f"-host={address}", f"-config={CONFIG_FILE}", "-proxy-metrics"],
        "configs": [{"source": config, "target": CONFIG_FILE}],
        "labels": dict(labels),
        "restart": "no",
        # It is in many networks, and must relay connections only, never forward packets.
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
        JSON in which each ``$`` is doubled, because Compose interpolates the text.
    """
    lines = (
        json.dumps({"name": name, "listen": listen, "upstream": upstream, "enabled": enabled})
        for name, listen, upstream, enabled in proxies
    )
    return ("[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]\n").replace("$", "$$")


_REWRITTEN_KEYS = frozenset({"name", "services", "networks", "volumes", "configs"})
"""Top-level keys of the compose file that the rewrite makes anew; the others are copied."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of the new configuration; each comes from the module of the same name."""

    application: Application
    names: Names
    external: Sequence[ExternalHost]
    places: Places
    wiring: Wiring
    toxiproxies: tuple[str, ...]
    project: str
    labels: Mapping[str, str]
    enabled: bool
    image: str

    def compose(self) -> dict[str, Any]:
        """The new configuration, with the Toxiproxies first."""
        config = self.application.config
        members = {member.name for member in self.application.members}
        edge = fresh("edge", members)
        services: dict[str, Any] = {}
        configs: dict[str, Any] = copy.deepcopy(dict(config.get("configs") or {}))
        networks = {(name or edge): self._network(name, net) for name, net in self.places.subnets.items()}
        for number, toxiproxy in enumerate(self.toxiproxies):
            source = fresh(f"{toxiproxy}-proxies", configs)
            configs[source] = {"content": self._proxies(toxiproxy)}
            services[toxiproxy] = self._toxiproxy(number, source, edge)
        if self.places.forwarder:
            source = fresh("forwarder-proxies", configs)
            configs[source] = {
                "content": proxies_file(
                    (step.name, step.listen, step.upstream, True) for step in self.wiring.forwards
                )
            }
            external = self._external_networks(networks)
            networks |= external
            services[fresh("forwarder", members)] = self._forwarder(source, edge, external)
        for member in self.application.members:
            services[member.name] = self._member(member)
        kept = {key: copy.deepcopy(value) for key, value in config.items() if key not in _REWRITTEN_KEYS}
        made = {"networks": networks, "volumes": self._volumes(), "configs": configs}
        return {
            "name": self.project,
            "services": services,
            **kept,
            **{key: value for key, value in made.items() if value},
        }

    def _network(self, name: str, subnet: IPv4Network) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "ipam": {"config": [{"subnet": str(subnet)}]},
            "labels": dict(self.labels),
        }
        if name == EDGE:
            return settings
        # An internal network would still reach this machine's ports at the bridge's address, so the
        # bridge gets no address.
        return {
            "internal": True,
            "driver_opts": {"com.docker.network.bridge.inhibit_ipv4": "true"},
            **settings,
        }

    def _proxies(self, toxiproxy: str) -> str:
        external = {each.host for each in self.external}
        return proxies_file(
            # Nothing can watch whether an external host listens, so its links are enabled from the start.
            (each.link.proxy, each.listen, each.upstream, self.enabled or each.link.provider in external)
            for each in self.wiring.placed
            if each.toxiproxy == toxiproxy
        )

    def _toxiproxy(self, number: int, config: str, edge: str) -> dict[str, Any]:
        name = self.toxiproxies[number]
        used = (*self.wiring.entries.values(), *self.wiring.harness.values())
        service = toxiproxy_service(
            self.places.toxiproxy[number, EDGE],
            image=self.image,
            config=config,
            labels=self.labels,
            published=(*(port for owner, port in used if owner == name), *self.wiring.spares[name]),
            listens=(port_of(each.listen) for each in self.wiring.placed if each.toxiproxy == name),
        )
        for (other, where), address in self.places.toxiproxy.items():
            if other == number:
                aliases = [] if where == EDGE else self._aliases(number, where)
                service["networks"][where or edge] = _settings(address, aliases)
        return service

    def _aliases(self, number: int, consumer: str) -> list[str]:
        """The names that a Toxiproxy carries in a component's network: those of its providers."""
        home = self.places.home
        carried = {
            name
            for name, providers in self.names.books[consumer].items()
            if any(home[provider] == number for provider in providers if provider != consumer)
        }
        for each in self.external:
            if home[each.host] == number and consumer in self.places.consumers[each.host]:
                carried.add(each.host)
        return sorted(carried)

    def _external_networks(self, networks: Mapping[str, Any]) -> dict[str, Any]:
        """The user's external networks, for the forwarder only: an external host may be there."""
        return {
            fresh(f"external-{key}", networks): copy.deepcopy(dict(settings))
            for key, settings in (self.application.config.get("networks") or {}).items()
            if settings and settings.get("external")
        }

    def _forwarder(self, config: str, edge: str, external: Mapping[str, Any]) -> dict[str, Any]:
        hosts = {each.host for each in self.external}
        address = str(self.places.forwarder)
        known = {
            name: addresses
            for member in self.application.hosts
            for name, addresses in extra_hosts(member.service).items()
            if name in hosts
        }
        service = forwarder_service(
            address, image=self.image, config=config, labels=self.labels, extra_hosts=known
        )
        service["networks"] = {edge: {"ipv4_address": address}, **dict.fromkeys(external)}
        return service

    def _member(self, member: Member) -> dict[str, Any]:
        own = None
        if member.owns_namespace:
            book = self.names.books[member.name]
            names = sorted(name for name, providers in book.items() if member.name in providers)
            own = {member.name: _settings(self.places.address[member.name], names)}
        numbers = {
            self.places.home[provider]
            for provider, consumers in self.places.consumers.items()
            if member.namespace in consumers
        }
        return member_service(
            member,
            self.application,
            labels=self.labels,
            network=own,
            gone_hosts={*self.names.mapped.get(member.name, ()), *(each.host for each in self.external)},
            toxiproxies=[]
            if starts_first(member, self.application)
            else [self.toxiproxies[number] for number in sorted(numbers)],
        )

    def _volumes(self) -> dict[str, Any]:
        """The named volumes as the run's own, so without the name that Compose or the user gave them."""
        made: dict[str, Any] = {}
        for key, given in (self.application.config.get("volumes") or {}).items():
            settings: dict[str, Any] = copy.deepcopy(dict(given or {}))
            if not settings.get("external"):
                settings.pop("name", None)
                settings["labels"] = {**(settings.get("labels") or {}), **self.labels}
            made[key] = settings
        return made


def fresh(wanted: str, used: Mapping[str, Any] | set[str]) -> str:
    """An unused key: ``wanted`` itself, or ``wanted`` with ``chaoskit-`` before it."""
    return wanted if wanted not in used else fresh(f"chaoskit-{wanted}", used)


def _settings(address: str, aliases: list[str]) -> dict[str, Any]:
    return {"ipv4_address": address, **({"aliases": aliases} if aliases else {})}
