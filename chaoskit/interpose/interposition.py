"""The pure function that turns a resolved configuration into one with Toxiproxy on every link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network

from chaoskit.errors import Uninterposable
from chaoskit.interpose.assembly import Assembly, fresh
from chaoskit.interpose.external import external_hosts
from chaoskit.interpose.members import read_application
from chaoskit.interpose.model import RUN_LABEL, Interposed, Resolved
from chaoskit.interpose.names import look_up
from chaoskit.interpose.placing import place
from chaoskit.interpose.ports import known_ports
from chaoskit.interpose.remarks import remarks
from chaoskit.interpose.subnets import NoRoom
from chaoskit.interpose.wiring import Wiring, wire

_RUN_ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]*")


def interpose(
    resolved: Resolved,
    *,
    run_id: str,
    taken: Iterable[IPv4Network] = (),
    external: Iterable[str] = (),
    enabled: bool = True,
    toxiproxy_image: str = "chaoskit/toxiproxy:2.12.0",
    found: Mapping[str, Iterable[int]] | None = None,
) -> Interposed:
    """Put Toxiproxy on every link of an application. The same input gives the same output.

    Args:
        resolved: the application, as Compose reads it.
        run_id: lower-case letters, digits, ``_`` and ``-``. It is part of the project's name and of
            every label, and it decides the addresses.
        taken: the networks that this machine already routes.
        external: the external hosts that services may reach, each ``host:port``.
        enabled: whether the proxies listen from the start. The runtime passes false, and keeps each
            proxy in step with its provider.
        toxiproxy_image: an image of Toxiproxy 2 that has Toxiproxy as its entry point.
        found: component → ports on which an earlier run saw it listen. These get links from the start.
            A component that listened on no port needs no Toxiproxy of its own.

    Raises:
        Uninterposable: the application cannot be rewritten; with all reasons, each naming its service.
        ValueError: ``run_id`` has another form.
    """
    if not _RUN_ID_PATTERN.fullmatch(run_id):
        raise ValueError(f"run_id {run_id!r} cannot be part of a Compose project's name")
    application = read_application(resolved.config)
    names = look_up(application)
    hosts, wrong = external_hosts(external, application, names)
    _refuse([*application.reasons, *wrong], resolved)
    ports, too_many = known_ports(application, names, resolved.exposed, found or {})
    try:
        silent = frozenset(name for name in found or {} if not ports.get(name))
        places = place(application, names, ports, hosts, seed=run_id, taken=taken, silent=silent)
    except NoRoom as full:
        _refuse([f"{full}: this machine already routes all of them"], resolved)
        raise
    members = {member.name for member in application.members}
    toxiproxies = tuple(fresh(f"toxiproxy-{number + 1}", members) for number in range(places.toxiproxies))
    wiring = wire(application, places, hosts, toxiproxies)
    _refuse(_ambiguous(wiring), resolved)
    assembly = Assembly(
        application=application,
        names=names,
        external=hosts,
        places=places,
        wiring=wiring,
        toxiproxies=toxiproxies,
        project=f"chaoskit-{run_id}",
        labels={RUN_LABEL: run_id},
        enabled=enabled,
        image=toxiproxy_image,
    )
    return Interposed(
        compose=assembly.compose(),
        components=tuple(member.component for member in application.members),
        placed=wiring.placed,
        routes=wiring.routes,
        services={member.name: member.name for member in application.members},
        toxiproxies=toxiproxies,
        spares=wiring.spares,
        entries=wiring.entries,
        harness=wiring.harness,
        warnings=(*remarks(application, names, hosts), *too_many),
    )


def _ambiguous(wiring: Wiring) -> Iterator[str]:
    """A reason for each two links whose proxies would have the same name, through dots in services' names."""
    seen: dict[str, str] = {}
    for each in wiring.placed:
        other = seen.setdefault(each.link.proxy, each.link.name)
        if other != each.link.name:
            yield (
                f"the links {other} and {each.link.name} would share the proxy {each.link.proxy!r}; "
                "rename a service"
            )


def _refuse(reasons: Iterable[str], resolved: Resolved) -> None:
    several = list(reasons)
    if several:
        raise Uninterposable(
            "the application cannot be put behind Toxiproxy",
            where=f"the compose file in {resolved.directory}",
            evidence="\n".join(f"- {reason}" for reason in several),
            remedy="change the points above in the file or in an override; nothing was started",
        )
