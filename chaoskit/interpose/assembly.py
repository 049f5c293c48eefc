"""The Toxiproxies' services in the new file, and the file each reads its proxies from.

Puts the new compose configuration together from the plan of the ground and the wiring.
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
from chaoskit.interpose.rewrite import comes_first, member_service
from chaoskit.interpose.wiring import Wiring, port_of

CONFIG_FILE = "/etc/toxiproxy.json"

_FIRST_EPHEMERAL_PORT = 32768
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
    high = sorted({port for port in listens if port >= _FIRST_EPHEMERAL_PORT})
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


_REWRITTEN_KEYS = frozenset({"name", "services", "networks", "volumes", "configs"})


@dataclass(frozen=True, slots=True)
class Assembly:
    """All that the new file is made from; see the modules that these come from."""

    application: Application
    names: Names
    outside: Sequence[ExternalHost]
    places: Places
    wiring: Wiring
    toxiproxies: tuple[str, ...]
    project: str
    labels: Mapping[str, str]
    enabled: bool
    image: str

    def compose(self) -> dict[str, Any]:
        """The configuration, Toxiproxies first."""
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
        if self.places.way_out:
            source = fresh("way-out-proxies", configs)
            configs[source] = {
                "content": proxies_file(
                    (step.name, step.listen, step.upstream, True) for step in self.wiring.forwards
                )
            }
            away = self._networks_of_others(networks)
            networks |= away
            services[fresh("way-out", members)] = self._way_out(source, edge, away)
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
        # Internal networks still reach the machine's own ports by the bridge's address: it gets none.
        return {
            "internal": True,
            "driver_opts": {"com.docker.network.bridge.inhibit_ipv4": "true"},
            **settings,
        }

    def _proxies(self, toxiproxy: str) -> str:
        away = {outsider.host for outsider in self.outside}
        return proxies_file(
            # Nobody can see whether a host outside listens: its links are there from the start.
            (each.link.proxy, each.listen, each.upstream, self.enabled or each.link.provider in away)
            for each in self.wiring.placed
            if each.toxiproxy == toxiproxy
        )

    def _toxiproxy(self, number: int, config: str, edge: str) -> dict[str, Any]:
        name = self.toxiproxies[number]
        doors = (*self.wiring.entries.values(), *self.wiring.harness.values())
        service = toxiproxy_service(
            self.places.toxiproxy[number, EDGE],
            image=self.image,
            config=config,
            labels=self.labels,
            published=(*(port for owner, port in doors if owner == name), *self.wiring.spares[name]),
            listens=(port_of(each.listen) for each in self.wiring.placed if each.toxiproxy == name),
        )
        for (other, where), address in self.places.toxiproxy.items():
            if other == number:
                aliases = [] if where == EDGE else self._aliases(number, where)
                service["networks"][where or edge] = _settings(address, aliases)
        return service

    def _aliases(self, number: int, consumer: str) -> list[str]:
        """The names that one Toxiproxy carries in a component's network: those of its providers."""
        home = self.places.home
        carried = {
            name
            for name, who in self.names.books[consumer].items()
            if any(home[provider] == number for provider in who if provider != consumer)
        }
        for outsider in self.outside:
            if home[outsider.host] == number and consumer in self.places.consumers[outsider.host]:
                carried.add(outsider.host)
        return sorted(carried)

    def _networks_of_others(self, networks: Mapping[str, Any]) -> dict[str, Any]:
        """External networks of the user's, for the way out alone: outsiders may be found there."""
        return {
            fresh(f"outside-{key}", networks): copy.deepcopy(dict(settings))
            for key, settings in (self.application.config.get("networks") or {}).items()
            if settings and settings.get("external")
        }

    def _way_out(self, config: str, edge: str, away: Mapping[str, Any]) -> dict[str, Any]:
        hosts = {outsider.host for outsider in self.outside}
        address = str(self.places.way_out)
        known = {
            name: where
            for member in self.application.hosts
            for name, where in extra_hosts(member.service).items()
            if name in hosts
        }
        service = forwarder_service(
            address, image=self.image, config=config, labels=self.labels, extra_hosts=known
        )
        service["networks"] = {edge: {"ipv4_address": address}, **dict.fromkeys(away)}
        return service

    def _member(self, member: Member) -> dict[str, Any]:
        own = None
        if member.sits_alone:
            names = sorted(name for name, who in self.names.books[member.name].items() if member.name in who)
            own = {member.name: _settings(self.places.address[member.name], names)}
        numbers = {
            self.places.home[provider]
            for provider, who in self.places.consumers.items()
            if member.seat in who
        }
        return member_service(
            member,
            self.application,
            labels=self.labels,
            network=own,
            gone_hosts={*self.names.mapped.get(member.name, ()), *(each.host for each in self.outside)},
            toxiproxies=[]
            if comes_first(member, self.application)
            else [self.toxiproxies[number] for number in sorted(numbers)],
        )

    def _volumes(self) -> dict[str, Any]:
        """The named volumes, made the run's own: without the name that Compose or the user gave them."""
        made: dict[str, Any] = {}
        for key, given in (self.application.config.get("volumes") or {}).items():
            settings: dict[str, Any] = copy.deepcopy(dict(given or {}))
            if not settings.get("external"):
                settings.pop("name", None)
                settings["labels"] = {**(settings.get("labels") or {}), **self.labels}
            made[key] = settings
        return made


def fresh(wanted: str, used: Mapping[str, Any] | set[str]) -> str:
    """A key that is not in use: the one that is wanted, or with chaoskit's name before it."""
    return wanted if wanted not in used else fresh(f"chaoskit-{wanted}", used)


def _settings(address: str, aliases: list[str]) -> dict[str, Any]:
    return {"ipv4_address": address, **({"aliases": aliases} if aliases else {})}
