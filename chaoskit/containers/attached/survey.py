"""A look at a compose project that runs: its components, its Toxiproxies, the links through them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import docker
from docker.errors import NotFound

from chaoskit.containers.attached.addresses import Inspected, format_address, parse_address, published
from chaoskit.containers.attached.names import PROJECT_LABEL, Naming
from chaoskit.containers.attached.proxies import (
    FoundToxiproxy,
    check_versions,
    find_toxiproxies,
    links_of_proxies,
    unreachable,
)
from chaoskit.containers.engine.client import by_name, calling
from chaoskit.errors import NotReady, ToxiproxyFailure, UsageError
from chaoskit.interpose import Placed
from chaoskit.system import ANY, OUTSIDE, Component
from chaoskit.toxiproxy import ProxyState, Toxiproxies


@dataclass(frozen=True, slots=True)
class Survey:
    """What was there when somebody looked.

    Attributes:
        project: Compose's name of it.
        components: its containers without Toxiproxies and without chaoskit's own.
        inspected: name → what the engine says, for every container of it.
        servers: its Toxiproxies, and others that were named.
        placed: the links, those of a harness that left the system running among them.
        entries: ``component:port`` → an address on this machine.
        silent: the Toxiproxies that did not answer, where that is no obstacle.
        warnings: what should be known, each one sentence.
    """

    project: str
    components: tuple[Component, ...]
    inspected: Mapping[str, Inspected]
    servers: tuple[FoundToxiproxy, ...] = ()
    placed: tuple[Placed, ...] = ()
    entries: Mapping[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()

    def running(self, component: str) -> bool:
        """Whether it ran then."""
        return bool((self.inspected[component].get("State") or {}).get("Running"))


def survey(
    client: docker.DockerClient,
    project: str,
    *,
    toxiproxies: Sequence[str] = (),
    entries: Mapping[str, str] | None = None,
    afterwards: bool = False,
) -> Survey:
    """Look at a project; changes nothing.

    Args:
        client: the engine.
        project: Compose's name of it.
        toxiproxies: addresses of APIs, besides those that are found.
        entries: more entry points, or other addresses for those that are found.
        afterwards: whether this is to clean up: then what does not run or answer is no obstacle.

    Raises:
        UsageError: there is no such project, or what was given does not fit it.
        NotReady: nothing of it runs.
        ToxiproxyFailure: a Toxiproxy does not answer.
        RuntimeFailure: the engine fails.
    """
    inspected = {
        name: seen for name, each in containers(client, project).items() if (seen := _inspect(client, each))
    }
    if not inspected:
        raise _no_such_project(client, project)
    naming = Naming((each.get("Config") or {}).get("Labels") for each in inspected.values())
    servers, warnings = find_toxiproxies(inspected, toxiproxies)
    apart = {server.name for server in servers}
    everyone = {name: naming.component(each) for name, each in sorted(inspected.items())}
    components = tuple(each for name, each in everyone.items() if each and name not in apart)
    look = Survey(project, components, inspected, tuple(servers))
    down = [each.name for each in components if not look.running(each.name)]
    if len(down) == len(components) and not afterwards:
        raise NotReady(
            f"the compose project {project!r} does not run",
            where=", ".join(down) or "it has no component",
            evidence="; ".join(f"{name} is {_status(inspected[name])}" for name in down),
            remedy=f"start it: docker compose -p {project} up -d --wait",
        )
    warnings += [
        f"{name} does not run ({_status(inspected[name])})"
        for name in down
        if (inspected[name].get("State") or {}).get("ExitCode") != 0
    ]
    told, silent = _ask(servers, afterwards=afterwards)
    placed, more = links_of_proxies(told, inspected, components)
    warnings += _left_by_others(told)
    return Survey(
        project,
        components,
        inspected,
        tuple(servers),
        tuple(placed),
        _entries(components, inspected, placed, entries or {}),
        frozenset(silent),
        (*warnings, *more),
    )


def containers(client: docker.DockerClient, project: str) -> dict[str, str]:
    """The containers of a project now, name → full id."""
    with calling(f"list the containers of project {project!r}"):
        listed = client.api.containers(all=True, filters={"label": f"{PROJECT_LABEL}={project}"})
    return by_name(listed, Naming(each.get("Labels") for each in listed).name)


def _ask(
    servers: Iterable[FoundToxiproxy], *, afterwards: bool
) -> tuple[dict[str, tuple[ProxyState, ...]], list[str]]:
    toxiproxies = Toxiproxies({each.name: each.api for each in servers})
    told: dict[str, tuple[ProxyState, ...]] = {}
    silent = []
    for server in servers:
        try:
            check_versions(toxiproxies, [server])
            told[server.name] = tuple(toxiproxies.proxies(server.name).values())
        except ToxiproxyFailure as error:
            if not afterwards:
                raise unreachable(error, server) from None
            silent.append(server.name)
    return told, silent


def _left_by_others(told: Mapping[str, Iterable[ProxyState]]) -> list[str]:
    """Toxics of another run of chaoskit: one that lives still, or that nobody has cleaned up after."""
    return [
        f"the proxy {state.name!r} has {', '.join(left)} of another run of chaoskit; if that is dead, "
        "chaoskit clean takes it off"
        for states in told.values()
        for state in states
        if (left := [toxic.name for toxic in state.toxics if toxic.name.startswith("chaoskit-")])
    ]


def _entries(
    components: Iterable[Component],
    inspected: Mapping[str, Inspected],
    placed: Iterable[Placed],
    given: Mapping[str, str],
) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in components:
        for port, address in sorted(published(inspected[each.name]).items()):
            found[f"{each.name}:{port}"] = format_address(address)
    names = {each.name for each in components}
    for way in placed:
        listen = int(way.listen.rpartition(":")[2])
        door = f"{way.link.provider}:{way.link.port}"
        behind = published(inspected.get(way.toxiproxy, {})).get(listen)
        if behind is None or way.link.provider not in names:
            continue
        if way.link.consumer == OUTSIDE or (way.link.consumer == ANY and door not in found):
            found[door] = format_address(behind)
    for door, text in given.items():
        name, _, number = door.rpartition(":")
        if name not in names or not number.isdigit():
            raise UsageError(
                f"the entry {door!r} is no component:port",
                evidence=f"there are {', '.join(sorted(names))}",
                remedy=f"write it as {min(names)}:PORT",
            )
        found[door] = format_address(parse_address(text, what=f"the address of entry {door}"))
    return found


def _inspect(client: docker.DockerClient, container: str) -> Inspected:
    with calling(f"inspect container {container[:12]}"):
        try:
            return dict(client.api.inspect_container(container))
        except NotFound:  # it has gone since it was listed
            return {}


def _status(inspected: Inspected) -> str:
    state = inspected.get("State") or {}
    code = f", exit code {state['ExitCode']}" if state.get("Status") == "exited" else ""
    return f"{state.get('Status', 'missing')}{code}"


def _no_such_project(client: docker.DockerClient, project: str) -> UsageError:
    with calling("list the compose projects"):
        listed = client.api.containers(all=True, filters={"label": PROJECT_LABEL})
    states: defaultdict[str, list[str]] = defaultdict(list)
    for each in listed:
        states[each["Labels"][PROJECT_LABEL]].append(str(each.get("State", "")))
    there = [
        f"{name} ({some.count('running')} of {len(some)} containers run)"
        for name, some in sorted(states.items())
    ]
    return UsageError(
        f"there is no compose project called {project!r} on this engine",
        evidence=f"there are {', '.join(there) or 'none'}",
        remedy="docker compose ls tells their names; start yours first",
    )
