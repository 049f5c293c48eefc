"""The TCP ports that a container serves, as far as they can be known before it runs.

There are two sources: the declarations of its own service, and the mentions in other services. A port too
many does little harm: it is a link that never carries a byte. A missing port is found at run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chaoskit.interpose.members import Application, Member, is_tcp
from chaoskit.interpose.mentions import Mention, image_ports, in_command, in_environment, in_health_check
from chaoskit.interpose.names import Names

MOST_KNOWN_PORTS = 64
"""Ports of one component that get links beforehand. A range of thousands of ports would need as many proxies
for each consumer. Ports beyond this number get their links at run time, if something listens on them."""


def known_ports(
    application: Application,
    names: Names,
    exposed: Mapping[str, Iterable[int]],
    found: Mapping[str, Iterable[int]],
) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """Gather the ports of every component that has a network namespace of its own.

    Args:
        application, names: the members, and the meaning of each name.
        exposed: service → the ports that its image EXPOSEs, if they are known.
        found: component → the ports on which an earlier run saw it listen.

    Returns:
        component → its ports, ascending; and a warning for each component with too many ports.
    """
    gathered = {member.name: set(found.get(member.name, ())) for member in application.hosts}
    first: dict[str, set[int]] = {name: set() for name in gathered}
    for host in application.hosts:
        for member in application.at(host.name):
            published, declared = _declared(member, exposed)
            first[host.name] |= published
            gathered[host.name] |= published | declared
            for mention in _mentions(member):
                for provider in _meant(mention, host.name, names):
                    gathered[provider].add(mention.port)
    warnings = []
    kept: dict[str, tuple[int, ...]] = {}
    for name, ports in gathered.items():
        valid = sorted(port for port in ports if 0 < port < 65536)
        # Published ports come first, because they must always have their link.
        valid.sort(key=lambda port: port not in first[name])
        kept[name] = tuple(sorted(valid[:MOST_KNOWN_PORTS]))
        if len(valid) > MOST_KNOWN_PORTS:
            warnings.append(
                f"{name!r} has {len(valid)} ports; {MOST_KNOWN_PORTS} of them, up to {kept[name][-1]}, get "
                "links now, and the others get theirs when something listens there"
            )
    return kept, warnings


def published_ports(member: Member) -> tuple[int, ...]:
    """The container's TCP ports that the user publishes, in the order of the file."""
    ports = (int(port["target"]) for port in member.service.get("ports") or () if is_tcp(port))
    return tuple(dict.fromkeys(ports))


def udp_ports(member: Member) -> tuple[str, ...]:
    """The declared ports that are not TCP, in the form ``53/udp``."""
    published = (
        f"{port['target']}/{port['protocol']}"
        for port in member.service.get("ports") or ()
        if not is_tcp(port)
    )
    named = (str(text) for text in member.service.get("expose") or () if not _is_tcp(str(text)))
    return tuple(dict.fromkeys((*published, *named)))


def _declared(member: Member, exposed: Mapping[str, Iterable[int]]) -> tuple[set[int], set[int]]:
    """The ports that the user publishes, and the other ports that its service or image declares."""
    service = member.component.service
    declared: set[int] = set()
    for text in map(str, member.service.get("expose") or ()):
        declared.update(_range(text) if _is_tcp(text) else ())
    declared |= set(exposed[service] if service in exposed else image_ports(member.component.image))
    return set(published_ports(member)), declared


def _mentions(member: Member) -> Iterable[Mention]:
    service = member.service
    environment = {str(key): str(value) for key, value in (service.get("environment") or {}).items() if value}
    yield from in_environment(environment)
    for word in ("entrypoint", "command"):
        yield from in_command(_words(service.get(word)))
    yield from in_health_check(_words((service.get("healthcheck") or {}).get("test")))


def _meant(mention: Mention, consumer: str, names: Names) -> tuple[str, ...]:
    if not mention.host:
        return (consumer,)
    return names.books[consumer].get(mention.host, ())


def _words(command: Any) -> list[str]:
    if command is None:
        return []
    if isinstance(command, str):
        return [command]
    return [str(word) for word in command]


def _is_tcp(text: str) -> bool:
    return text.partition("/")[2] in ("", "tcp")


def _range(text: str) -> range:
    first, _, last = text.partition("/")[0].partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return range(0)
    return range(int(first), int(last or first) + 1)
