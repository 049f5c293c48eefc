"""What a container is made from when it takes the place of another: data in, data out.

The engine's ``inspect`` shows a container's configuration merged with its image's. The new
container is asked for in the same words, so that it is the same but for what is to differ. See
"Create a container" and "Inspect a container" in the Docker Engine API, version 1.45.

Putting another release of a component in its place, as a deploy does it.
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
"""Where a service may name another one, whose namespace it is in."""


def successor(
    inspected: Mapping[str, Any],
    before: Mapping[str, Any],
    *,
    image: str | None,
    environment: Mapping[str, str | None],
) -> dict[str, Any]:
    """The body of a call to create the new container.

    Addresses, aliases, mounts, labels, health check and restart policy are the old one's. Anonymous
    volumes are not: as in a real deploy, the new container begins with fresh ones.

    Args:
        inspected: what ``inspect`` says of the old container.
        before: what ``inspect`` says of the old container's image.
        image: the new image; with it what the old one only had from its image is left to the new
            image: command, variables, ports, health check.
        environment: variables that differ; ``None`` takes one away.
    """
    config: dict[str, Any] = dict(inspected["Config"])
    own = str(inspected["Id"])[:12]
    if config.get("Hostname") == own:
        del config["Hostname"]  # made up by the engine, as the new container's will be
    if image is not None:
        config = _without(config, before.get("Config") or {})
        config["Image"] = image
    elif config["Image"] not in (before.get("RepoTags") or ()):
        config["Image"] = before["Id"]  # the name means another image by now, or none
    config["Env"] = _changed(config.get("Env") or (), environment)
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    return {
        **config,
        "HostConfig": inspected["HostConfig"],
        "NetworkingConfig": {
            "EndpointsConfig": {name: _endpoint(told, own) for name, told in networks.items()}
        },
    }


def _endpoint(told: Mapping[str, Any], own: str) -> dict[str, Any]:
    """What was asked for in a network, without what the engine made of it."""
    return {
        "IPAMConfig": told.get("IPAMConfig"),
        "Links": told.get("Links"),
        "DriverOpts": told.get("DriverOpts"),
        "Aliases": [alias for alias in told.get("Aliases") or () if alias != own],
    }


def _without(config: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    """A container's configuration without what comes from its image."""
    own: dict[str, Any] = {}
    for key, value in config.items():
        given = image.get(key)
        if isinstance(value, Mapping) and isinstance(given, Mapping) and key != "Healthcheck":
            own[key] = {name: each for name, each in value.items() if given.get(name, own) != each}
        elif key == "Env":
            own[key] = [each for each in value or () if each not in (given or ())]
        elif value != given or key == "Cmd":
            own[key] = value
    # An entry point of the container's own makes the engine pass over the image's command.
    if "Entrypoint" not in own and own.get("Cmd") == image.get("Cmd"):
        own.pop("Cmd", None)
    return own


def _changed(told: Any, environment: Mapping[str, str | None]) -> list[str]:
    variables = dict(str(entry).partition("=")[::2] for entry in told)
    merged: dict[str, str | None] = {**variables, **environment}
    return [f"{name}={value}" for name, value in merged.items() if value is not None]


def sharing(interposed: Interposed, component: str) -> tuple[str, ...]:
    """The components whose network, processes or IPC a component shares, or that share its own."""
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
    """The absolute paths in a component that Compose has copied into it, between making and
    starting it: configs and secrets whose text stands in the compose file or in a variable.
    """
    service = interposed.compose["services"][interposed.services[component]]
    paths = []
    for kind, folder in (("configs", "/"), ("secrets", "/run/secrets/")):
        declared = interposed.compose.get(kind) or {}
        for each in service.get(kind) or ():
            use = {"source": each} if isinstance(each, str) else each
            if not ({"content", "environment"} & set(declared.get(use["source"]) or ())):
                continue  # a file of this machine is mounted, and stands among the mounts
            target = str(use.get("target") or use["source"])
            paths.append(target if target.startswith("/") else folder + target)
    return tuple(paths)


class Replacer:
    """Replaces containers; several components may be replaced at a time.

    The new container is made before the old one is stopped, and the old one removed when the new
    one has started. So at every moment there is one that can be started: whoever starts the
    component after a crash in the middle (an undo) gets a system that is whole.

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
        """The components that share a namespace with it."""
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
                f"{component} cannot be replaced by itself",
                where=f"component {component}",
                evidence=f"it shares a namespace with {', '.join(others)}, which would lose it",
                remedy="replace a component that is alone in its network",
            )
        old = self._containers.id(component)
        inspected = self._containers.inspect(component)
        ran = state_of(inspected).status in ("running", "paused", "restarting")
        new = self._make(component, inspected, image, environment or {})
        try:
            # While it is down the watcher refuses its links, and lets what it still answers end. It
            # is not waited for: a Toxiproxy that dials nobody is held up until somebody has the
            # address again, or for three to nine seconds.
            self._lifecycle.stop(component, grace)
            with calling("start the new release of", component):
                self._api.start(new)
        except ChaoskitError as error:
            after = self._take_back(component, old, new, again=ran)
            raise RuntimeFailure(
                f"{component} could not be replaced; {after}",
                where=f"component {component}",
                limit=error.limit,
                evidence=f"{error.what}: {error.evidence}" if error.evidence else error.what,
                remedy="see whether the new release starts by itself, with docker run",
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
        """A container that waits to be started, under a name of its own."""
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
            error.what += f"; {component} was left as it was"
            error.remedy = f"build or pull {image} first" if missing else error.remedy
            raise
        return new

    def _copy(self, old: str, new: str, paths: Iterable[str]) -> None:
        """Files that Compose put into the old container, which no mount brings along."""
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

    def _take_back(self, component: str, old: str, new: str, *, again: bool) -> str:
        """Without the new container, and with the old one as it was; what came of that, in words."""
        left = self._discard(new)
        told = f"its new container is still there ({left}); " if left else ""
        if not again:
            return f"{told}it is down, as it was"
        try:
            with calling("start", component):
                self._api.start(old)
        except RuntimeFailure as error:
            return f"{told}the one before could not be started again ({error.evidence})"
        self._watcher.refresh(component)
        return f"{told}the one before was started again"

    def _discard(self, new: str) -> str:
        try:
            with calling("remove the new container"):
                self._api.remove_container(new, v=True, force=True)
        except RuntimeFailure as error:
            return error.evidence or error.what
        return ""
