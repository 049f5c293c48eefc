"""Removing from the engine the objects that carry a run's label, and no others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import docker
from docker.errors import APIError, NotFound

from chaoskit.clock import Clock, MonotonicClock
from chaoskit.containers.engine.client import ENGINE_ERRORS, last_line
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import RUN_LABEL

_CONFLICT_STATUS = 409
"""The HTTP status with which the engine answers if it is already removing the object."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The objects that were removed, by name."""

    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


@dataclass(slots=True)
class RunObjects:
    """The objects of a run on the engine: id → name, for each kind."""

    containers: dict[str, str] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)

    def kinds(self) -> tuple[dict[str, str], ...]:
        """Containers, networks and volumes."""
        return self.containers, self.networks, self.volumes

    def __bool__(self) -> bool:
        return bool(self.containers or self.networks or self.volumes)


def remove_run(
    client: docker.DockerClient,
    run_id: str,
    *,
    deadline: float = 60.0,
    looks: int = 2,
    pause: float = 0.1,
    clock: Clock | None = None,
) -> Removed:
    """Remove every container, network and volume with a run's label, and nothing else.

    Anonymous volumes are removed with their containers. Failed calls are retried, and new objects may
    appear while the engine still works on calls of a dead client. So the removal is complete only when
    ``looks`` looks in a row, ``pause`` seconds apart, have found nothing.

    Raises:
        RuntimeFailure: an object still exists after ``deadline`` seconds; with its name and the
            engine's last answer.
    """
    clock = clock or MonotonicClock()
    until = clock.now() + deadline
    seen, quiet, said = RunObjects(), 0, ""
    while True:
        left: RunObjects | None = None
        try:
            left = look(client, run_id)
            if left:
                for before, now in zip(seen.kinds(), left.kinds(), strict=True):
                    before.update(now)
                said = _remove(client, left) or said
        except ENGINE_ERRORS as error:
            said = last_line(str(error))
        quiet = quiet + 1 if left is not None and not left else 0
        if quiet >= looks:
            return Removed(
                *(tuple(sorted(kind.values())) for kind in (seen.containers, seen.networks, seen.volumes))
            )
        if clock.now() >= until:
            names = (
                [*left.containers.values(), *left.networks.values(), *left.volumes.values()] if left else []
            )
            raise RuntimeFailure(
                f"run {run_id} could not be removed",
                where=", ".join(names) or "the container engine",
                limit=f"{deadline:g} s",
                evidence=said or "it is still there",
                remedy="run chaoskit clean once the engine works again",
            )
        clock.sleep(pause)


def look(client: docker.DockerClient, run_id: str) -> RunObjects:
    """The objects of a run that the engine has now."""
    by_run, _ = objects_by_run(client, f"{RUN_LABEL}={run_id}")
    return by_run.get(run_id, RunObjects())


def objects_by_run(
    client: docker.DockerClient, label: str = RUN_LABEL
) -> tuple[dict[str, RunObjects], dict[str, float]]:
    """The objects that carry the label, by run, and the epoch of each run's oldest container."""
    by_run: defaultdict[str, RunObjects] = defaultdict(RunObjects)
    created: dict[str, float] = {}
    filters = {"label": label}
    for each in client.api.containers(all=True, filters=filters):
        run_id = each["Labels"][RUN_LABEL]
        name = (each.get("Names") or [each["Id"][:12]])[0].lstrip("/")
        by_run[run_id].containers[each["Id"]] = name
        created[run_id] = min(created.get(run_id, each["Created"]), each["Created"])
    for each in client.api.networks(filters=filters):
        by_run[each["Labels"][RUN_LABEL]].networks[each["Id"]] = each["Name"]
    for each in client.api.volumes(filters=filters)["Volumes"] or ():
        by_run[each["Labels"][RUN_LABEL]].volumes[each["Name"]] = each["Name"]
    return dict(by_run), created


def _remove(client: docker.DockerClient, left: RunObjects) -> str:
    """Try to remove all objects; returns the engine's last refusal, or an empty text."""
    api: Any = client.api
    said = ""
    with ThreadPoolExecutor(max_workers=16, thread_name_prefix="chaoskit-remove") as pool:
        # Networks and volumes are in use as long as containers exist.
        steps: tuple[tuple[Iterable[str], Callable[[str], Any]], ...] = (
            (left.containers, partial(api.remove_container, v=True, force=True)),
            (left.networks, api.remove_network),
            (left.volumes, partial(api.remove_volume, force=True)),
        )
        for names, remove in steps:
            said = "; ".join(filter(None, pool.map(partial(_try, remove), names))) or said
    return said


def _try(remove: Callable[[str], Any], name: str) -> str:
    try:
        remove(name)
    except NotFound:
        return ""
    except APIError as error:
        if error.status_code == _CONFLICT_STATUS and "in progress" in str(error):
            return ""
        return last_line(str(error.explanation or error))
    except ENGINE_ERRORS as error:
        return last_line(str(error))
    return ""
