"""Which published port a journey enters by."""

from __future__ import annotations

from collections.abc import Iterable

from chaoskit.system import Component, members


def matching_entries(entry: str | None, components: Iterable[Component], doors: Iterable[str]) -> list[str]:
    """The entry points (``component:port``) that a journey's ``entry`` means, in their order."""
    ports = tuple(doors)
    if entry is None:
        return list(ports)
    name, _, port = entry.partition(":")
    meant = members(name, components)
    return [
        door
        for door in ports
        if door.rpartition(":")[0] in meant and (not port or door.rpartition(":")[2] == port)
    ]
