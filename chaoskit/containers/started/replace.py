"""Replacing a component's container by one of another release, as a deploy does.

Pure functions make the new container's configuration from the old one's. The engine's ``inspect``
shows a container's configuration merged with its image's, and "create" takes the same keys, so the
new container is equal to the old one except where the caller wants a difference. See "Create a
container" and "Inspect a container" in the Docker Engine API, version 1.45.
"""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from docker.errors import NotFound

from chaoskit.containers.engine.client import Containers, calling, state_of
from chaoskit.containers.engine.cuts import Cuts
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.containers.started.watch import Watcher
from chaoskit.errors import ChaoskitError, RuntimeFailure
from chaoskit.interpose import Interposed

_NAMESPACE_KEYS = ("network_mode", "pid", "ipc")
"""Keys under which a service can name another service whose namespace it joins."""


def successor(
    inspected: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    image: str | None,
    environment: Mapping[str, str | None],
) -> dict[str, Any]:
    """The body of the call that creates the new container.

    It keeps the old container's addresses, aliases, mounts, labels, health check and restart
    policy. It does not keep anonymous volumes: as in a real deploy, the new container starts with
    fresh ones.

    Args:
        inspected: what ``inspect`` says of the old container.
        before: what ``inspect`` says of the old container's image.
        image: the new image. If it is given, everything that the old container had only from its
            image comes from the new image: command, variables, ports, health check.
        environment: the variables that change; ``None`` removes one.
    """
    config: dict[str, Any] = dict(inspected["Config"])
    own = str(inspected["Id"])[:12]
    if config.get("Hostname") == own:
        del config["Hostname"]  # the engine generated it, and generates the new container's
    if image is not None:
        config = _without_image(config, before.get("Config") or {})
        config["Image"] = image
    elif config["Image"] not in (before.get("RepoTags") or ()):
        config["Image"] = before["Id"]  # the name now means another image, or none
    config["Env"] = _merged_environment(config.get("Env") or (), environment)
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    return {
        **config,
        "HostConfig": inspected["HostConfig"],
        "NetworkingConfig": {
            "EndpointsConfig": {name: _endpoint(each, own) for name, each in networks.items()}
        },
    }


def _endpoint(endpoint: Mapping[str, Any], own: str) -> dict[str, Any]:
    """The settings that were requested in a network, without those that the engine added."""
    return {
        "IPAMConfig": endpoint.get("IPAMConfig"),
        "Links": endpoint.get("Links"),
        "DriverOpts": endpoint.get("DriverOpts"),
        "Aliases": [alias for alias in endpoint.get("Aliases") or () if alias != own],
    }


def _without_image(config: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    """A container's configuration without the values that come from its image."""
    own: dict[str, Any] = {}
    for key, value in config.items():
        given = image.get(key)
        if isinstance(value, Mapping) and isinstance(given, Mapping) and key != "Healthcheck":
            own[key] = {name: each for name, each in value.items() if given.get(name, own) != each}
        elif key == "Env":
            own[key] = [each for each in value or () if each not in (given or ())]
        elif value != given or key == "Cmd":
            own[key] = value
    # If a container has its own entry point, the engine ignores the image's command.
    if "Entrypoint" not in own and own.get("Cmd") == image.get("Cmd"):
        own.pop("Cmd", None)
    return own


def _merged_environment(entries: Any, environment: Mapping[str, str | None]) -> list[str]:
    variables = dict(str(entry).partition("=")[::2] for entry in entries)
    merged: dict[str, str | None] = {**variables, **environment}
    return [f"{name}={value}" for name, value in merged.items() if value is not None]


def sharing(interposed: Interposed, component: str) -> tuple[str, ...]:
    """The components that share a network, process or IPC namespace with a component, either way round."""
    services: Mapping[str, Mapping[str, Any]] = interposed.compose["services"]
    mine = interposed.services[component]

    def named(service: str) -> set[str]:
        modes = (str(services[service].get(key) or "") for key in _NAMESPACE_KEYS)
        return {mode.partition(":")[2] for mode in modes if mode.startswith("service:")}

    return tuple(
        name
        for name, other in interposed.services.items()
        if other != mine and (other in named(mine) or mine in named(other))
    )


def copied_files(interposed: Interposed, component: str) -> tuple[str, ...]:
    """The absolute paths of the files that Compose copied into a component's container.

    Compose copies them between creating and starting the container. They are the configs and secrets
    whose text is in the compose file or in a variable.
    """
    service = interposed.compose["services"][interposed.services[component]]
    paths = []
    for kind, folder in (("configs", "/"), ("secrets", "/run/secrets/")):
        declared = interposed.compose.get(kind) or {}
        for each in service.get(kind) or ():
            use = {"source": each} if isinstance(each, str) else each
            if not ({"content", "environment"} & set(declared.get(use["source"]) or ())):
                continue  # Compose mounts a file of this machine, so it is among the mounts
            target = str(use.get("target") or use["source"])
            paths.append(target if target.startswith("/") else folder + target)
    return tuple(paths)


class Replacer:
    """Replaces containers; several components may be replaced at the same time.

    The new container is created before the old one is stopped, and the old one is removed when the
    new one has started. So at every moment one of the two can be started: if the harness dies in the
    middle, an undo step that starts the component gives a whole system.

    Args:
        containers, lifecycle, watcher, cuts, interposed: those of the run.
    """

    def __init__(
        self,
        containers: Containers,
        lifecycle: Lifecycle,
        watcher: Watcher,
        cuts: Cuts,
        interposed: Interposed,
    ) -> None:
        self._containers = containers
        self._api: Any = containers.client.api
        self._lifecycle = lifecycle
        self._watcher = watcher
        self._cuts = cuts
        self._interposed = interposed

    def sharing(self, component: str) -> tuple[str, ...]:
        """The components that share a namespace with a component."""
        return sharing(self._interposed, component) if component in self._interposed.services else ()

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """See :meth:`chaoskit.runtime.Runtime.replace`."""
        if others := self.sharing(component):
            raise RuntimeFailure(
                f"{component} cannot be replaced alone",
                where=f"component {component}",
                evidence=f"it shares a namespace with {', '.join(others)}, which would lose that namespace",
                remedy="replace a component that shares no network, processes or IPC",
            )
        old = self._containers.id(component)
        inspected = self._containers.inspect(component)
        ran = state_of(inspected).status in ("running", "paused", "restarting")
        new = self._make(component, inspected, image, environment or {})
        try:
            # While the component is down, the watcher refuses its links and lets open requests end.
            # Nothing waits for the watcher here: a Toxiproxy that dials an unused address blocks
            # until a container has that address again, or for three to nine seconds.
            self._lifecycle.stop(component, grace)
            with calling("start the new release of", component):
                self._api.start(new)
        except ChaoskitError as error:
            after = self._bring_back(component, old, new, again=ran)
            raise RuntimeFailure(
                f"{component} could not be replaced; {after}",
                where=f"component {component}",
                limit=error.limit,
                evidence=f"{error.what}: {error.evidence}" if error.evidence else error.what,
                remedy="check with docker run whether the new release starts on its own",
            ) from error
        self._containers.succeed(component, old, new)
        self._watcher.refresh(component)
        self._cuts.forget(old)
        with calling("remove the old container of", component), suppress(NotFound):
            self._api.remove_container(old, v=True, force=True)
        with calling("name the new container of", component):
            self._api.rename(new, inspected["Name"].lstrip("/"))

    def _make(
        self,
        component: str,
        inspected: Mapping[str, Any],
        image: str | None,
        environment: Mapping[str, str | None],
    ) -> str:
        """Create the new container, under another name, and do not start it."""
        new = ""
        name = f"{inspected['Name'].lstrip('/')}-{secrets.token_hex(3)}"
        try:
            with calling("make the new release of", component):
                before = self._api.inspect_image(inspected["Image"])
                body = successor(inspected, before, image=image, environment=environment)
                new = str(self._api.create_container_from_config(body, name=name)["Id"])
                self._copy(inspected["Id"], new, copied_files(self._interposed, component))
        except RuntimeFailure as error:
            if new:
                self._discard(new)
            missing = image is not None and "No such image" in (error.evidence or "")
            error.what += f"; {component} is unchanged"
            error.remedy = f"build or pull {image} first" if missing else error.remedy
            raise
        return new

    def _copy(self, old: str, new: str, paths: Iterable[str]) -> None:
        """Copy the files that Compose put into the old container, since no mount carries them over."""
        for path in paths:
            stream, _ = self._api.get_archive(old, path)
            packed = io.BytesIO()
            with (
                tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as source,
                tarfile.open(fileobj=packed, mode="w") as target,
            ):
                for member in source.getmembers():
                    content = source.extractfile(member)
                    member.name = path.lstrip("/")
                    target.addfile(member, content)
            self._api.put_archive(new, "/", packed.getvalue())

    def _bring_back(self, component: str, old: str, new: str, *, again: bool) -> str:
        """Remove the new container and restore the old one; returns the outcome, worded for the error."""
        left = self._discard(new)
        leftover = f"its new container could not be removed ({left}); " if left else ""
        if not again:
            return f"{leftover}it is down, as before"
        try:
            with calling("start", component):
                self._api.start(old)
        except RuntimeFailure as error:
            return f"{leftover}the old container could not be started again ({error.evidence})"
        self._watcher.refresh(component)
        return f"{leftover}the old container was started again"

    def _discard(self, new: str) -> str:
        try:
            with calling("remove the new container"):
                self._api.remove_container(new, v=True, force=True)
        except RuntimeFailure as error:
            return error.evidence or error.what
        return ""
