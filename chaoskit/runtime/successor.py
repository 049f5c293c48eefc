"""What a container is made from when it takes the place of another: data in, data out.

The engine's ``inspect`` shows a container's configuration merged with its image's. The new
container is asked for in the same words, so that it is the same but for what is to differ. See
"Create a container" and "Inspect a container" in the Docker Engine API, version 1.45.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoskit.interpose import Interposed

_SHARED = ("network_mode", "pid", "ipc")
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
        modes = (str(services[service].get(key) or "") for key in _SHARED)
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
