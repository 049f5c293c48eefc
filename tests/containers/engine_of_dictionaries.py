"""An engine made of dictionaries, for tests of code that removes objects from an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import docker
import requests
from docker.errors import APIError, NotFound

from chaoskit.interpose import RUN_LABEL


@dataclass
class Engine:
    """The parts of the SDK's low-level client that are used; ``client.api`` is the same object.

    Attributes:
        things: kind → name → labels.
        stubborn: name → how often removing it fails.
        late: number of looks → what appears then, as the engine finishes the calls of a dead client.
        broken: how many looks fail because the engine does not answer.
    """

    things: dict[str, dict[str, dict[str, str]]] = field(
        default_factory=lambda: {"containers": {}, "networks": {}, "volumes": {}}
    )
    stubborn: dict[str, int] = field(default_factory=dict)
    late: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    broken: int = 0
    looks: int = 0
    removed: list[str] = field(default_factory=list)

    @property
    def api(self) -> Engine:
        """The low-level client."""
        return self

    def put(self, kind: str, name: str, run_id: str | None) -> None:
        """Make an object exist."""
        self.things[kind][name] = {RUN_LABEL: run_id} if run_id else {}

    def _list(self, kind: str, filters: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
        key, _, value = filters["label"].partition("=")
        return [
            (name, labels)
            for name, labels in self.things[kind].items()
            if key in labels and value in ("", labels[key])
        ]

    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]:
        """GET /containers/json."""
        self.looks += 1
        if self.looks <= self.broken:
            raise requests.ConnectionError("no engine")
        if self.looks in self.late:
            self.put(*self.late[self.looks])
        return [
            {"Id": name, "Names": [f"/{name}"], "Labels": labels, "Created": 1000}
            for name, labels in self._list("containers", filters)
        ]

    def networks(self, *, filters: dict[str, str]) -> list[dict[str, Any]]:
        """GET /networks."""
        return [{"Id": n, "Name": n, "Labels": labels} for n, labels in self._list("networks", filters)]

    def volumes(self, *, filters: dict[str, str]) -> dict[str, Any]:
        """GET /volumes; an empty list is ``null``."""
        return {
            "Volumes": [{"Name": n, "Labels": labels} for n, labels in self._list("volumes", filters)] or None
        }

    def _remove(self, kind: str, name: str) -> None:
        if self.stubborn.get(name, 0) > 0:
            self.stubborn[name] -= 1
            raise APIError("409", explanation=f"{name} is in use")
        if name not in self.things[kind]:
            raise NotFound("404")
        self.removed.append(name)
        del self.things[kind][name]

    def remove_container(self, name: str, *, v: bool, force: bool) -> None:
        """DELETE /containers."""
        assert v, "anonymous volumes are to go with their container"
        assert force, "it may be running"
        self._remove("containers", name)

    def remove_network(self, name: str) -> None:
        """DELETE /networks, which fails as long as containers exist."""
        if self.things["containers"]:
            raise APIError("403", explanation=f"{name} has active endpoints")
        self._remove("networks", name)

    def remove_volume(self, name: str, *, force: bool) -> None:
        """DELETE /volumes."""
        self._remove("volumes", name)

    @property
    def left(self) -> set[str]:
        """The names of all existing objects."""
        return {name for names in self.things.values() for name in names}


def as_client(engine: Engine) -> docker.DockerClient:
    """The engine, typed for the type checker."""
    return cast(docker.DockerClient, engine)
