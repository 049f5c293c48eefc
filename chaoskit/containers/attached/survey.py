"""A look at a running compose project: its components, its Toxiproxies, and the links through them."""

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
    """A compose project, as one look found it.

    Attributes:
        project: Compose's name of the project.
        components: its containers, without Toxiproxies and without chaoskit's own.
        inspected: name → the engine's data, for every container of the project.
        servers: its Toxiproxies, and others that the user named.
        placed: the links; they include those of a harness that left the system running.
        entries: ``component:port`` → an address on this machine.
        silent: the Toxiproxies that did not answer, if the look is for cleaning up.
        warnings: what the user should know, each one sentence.
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
        """Whether a component ran at the time of the look."""
        return bool((self.inspected[component].get("State") or {}).get("Running"))


def survey(
    client: docker.DockerClient,
    project: str,
    *,
    toxiproxies: Sequence[str] = (),
    entries: Mapping[str, str] | None = None,
    afterwards: bool = False,
) -> Survey:
    """Look at a project, and change nothing.

    Args:
        client: the engine.
        project: Compose's name of the project.
        toxiproxies: addresses of Toxiproxy APIs, in addition to those that are found.
        entries: more entries, or other addresses for those that are found.
        afterwards: whether the look is for cleaning up; then containers that do not run and Toxiproxies
            that do not answer are not an error.

    Raises:
        UsageError: there is no such project, or the arguments do not fit it.
        NotReady: no component of the project runs.
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
    server_names = {server.name for server in servers}
    named = {name: naming.component(each) for name, each in sorted(inspected.items())}
    components = tuple(each for name, each in named.items() if each and name not in server_names)
    look = Survey(project, components, inspected, tuple(servers))
    down = [each.name for each in components if not look.running(each.name)]
    if len(down) == len(components) and not afterwards:
        raise NotReady(
            f"the compose project {project!r} is not running",
            where=", ".join(down) or "it has no component",
            evidence="; ".join(f"{name} is {_status(inspected[name])}" for name in down),
            remedy=f"start it: docker compose -p {project} up -d --wait",
        )
    warnings += [
        f"{name} is not running ({_status(inspected[name])})"
        for name in down
        if (inspected[name].get("State") or {}).get("ExitCode") != 0
    ]
    proxies, silent = _read_proxies(servers, afterwards=afterwards)
    placed, more = links_of_proxies(proxies, inspected, components)
    warnings += _warnings_of_toxics(proxies)
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
    """The project's containers now: name → full id."""
    with calling(f"list the containers of project {project!r}"):
        listed = client.api.containers(all=True, filters={"label": f"{PROJECT_LABEL}={project}"})
    return by_name(listed, Naming(each.get("Labels") for each in listed).name)


def _read_proxies(
    servers: Iterable[FoundToxiproxy], *, afterwards: bool
) -> tuple[dict[str, tuple[ProxyState, ...]], list[str]]:
    toxiproxies = Toxiproxies({each.name: each.api for each in servers})
    proxies: dict[str, tuple[ProxyState, ...]] = {}
    silent = []
    for server in servers:
        try:
            check_versions(toxiproxies, [server])
            proxies[server.name] = tuple(toxiproxies.proxies(server.name).values())
        except ToxiproxyFailure as error:
            if not afterwards:
                raise unreachable(error, server) from None
            silent.append(server.name)
    return proxies, silent


def _warnings_of_toxics(proxies: Mapping[str, Iterable[ProxyState]]) -> list[str]:
    """Warnings of toxics of other chaoskit runs, which either still live or died without a cleanup."""
    return [
        f"the proxy {state.name!r} has toxics of another chaoskit run ({', '.join(left)}); "
        "if that run is dead, chaoskit clean removes them"
        for states in proxies.values()
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
    for proxy in placed:
        link = proxy.link
        listen = int(proxy.listen.rpartition(":")[2])
        entry = f"{link.provider}:{link.port}"
        published_at = published(inspected.get(proxy.toxiproxy, {})).get(listen)
        if published_at is None or link.provider not in names:
            continue
        if link.consumer == OUTSIDE or (link.consumer == ANY and entry not in found):
            found[entry] = format_address(published_at)
    for entry, text in given.items():
        name, _, number = entry.rpartition(":")
        if name not in names or not number.isdigit():
            raise UsageError(
                f"the entry {entry!r} is not of the form component:port",
                evidence=f"components: {', '.join(sorted(names))}",
                remedy=f"write it as {min(names)}:PORT",
            )
        found[entry] = format_address(parse_address(text, what=f"the address of entry {entry}"))
    return found


def _inspect(client: docker.DockerClient, container: str) -> Inspected:
    with calling(f"inspect container {container[:12]}"):
        try:
            return dict(client.api.inspect_container(container))
        except NotFound:  # it was removed after it was listed
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
    projects = [
        f"{name} ({some.count('running')} of {len(some)} containers run)"
        for name, some in sorted(states.items())
    ]
    return UsageError(
        f"there is no compose project called {project!r} on this engine",
        evidence=f"projects: {', '.join(projects) or 'none'}",
        remedy="docker compose ls shows the names; start your project first",
    )
