"""What runs have left on the engine: removing it, and telling the dead from the living."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from chaoskit.clock import Clock, MonotonicClock
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.runtime.engine import ENGINE_ERRORS, calling, last_line
from chaoskit.runtime.owner import alive, owner_of, run_folder, state_folder

__all__ = [
    "COMPONENT_LABEL",
    "RUN_LABEL",
    "Cleaned",
    "Removed",
    "Run",
    "clean",
    "remove_run",
    "run_folder",
    "runs",
]

_IN_PROGRESS = 409


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, by name."""

    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has left something on the engine or on this machine.

    Attributes:
        run_id: its label.
        started: when, as its owner or its oldest container tells; ``None`` if neither does.
        alive: its harness still lives.
        known: it was started by this user on this machine. Of one that was not, nobody here can
            tell whether its harness lives.
        owner: who started it, in words; empty if it is not known.
        note: what its reaper left to do.
        containers: how many there are; likewise ``networks`` and ``volumes``.
    """

    run_id: str
    started: datetime | None
    alive: bool
    known: bool
    owner: str = ""
    note: str = ""
    containers: int = 0
    networks: int = 0
    volumes: int = 0


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What :func:`clean` did.

    Attributes:
        removed: run id → what was removed of it.
        alive: runs that were left alone because their harness lives.
        unknown: runs that were left alone because another user or machine started them.
        failed: run id → why it could not be removed.
    """

    removed: Mapping[str, Removed] = field(default_factory=dict)
    alive: tuple[Run, ...] = ()
    unknown: tuple[Run, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Look:
    """What the engine has of a run: id → name."""

    containers: dict[str, str] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)

    def kinds(self) -> tuple[dict[str, str], ...]:
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
    """Remove every container, network and volume with the label of a run, and nothing else.

    Anonymous volumes go with their containers. Whatever fails is tried again, as more may appear
    while an engine still works on calls of a client that is dead: it is done when ``looks`` looks
    in a row, ``pause`` seconds apart, have found nothing.

    Raises:
        RuntimeFailure: something is still there after ``deadline`` seconds; with its name and
            what the engine said of it.
    """
    clock = clock or MonotonicClock()
    until = clock.now() + deadline
    seen, quiet, said = _Look(), 0, ""
    while True:
        left: _Look | None = None
        try:
            left = _look(client, run_id)
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
                remedy="chaoskit clean removes it when the engine is well",
            )
        clock.sleep(pause)


def runs(client: docker.DockerClient) -> tuple[Run, ...]:
    """Every run that left something, the oldest first."""
    with calling("list what carries chaoskit's label"):
        by_run, created = _all(client)
    folders = {path.name: path for path in _run_folders()}
    found = []
    for run_id in by_run.keys() | folders.keys():
        left, folder = by_run.get(run_id, _Look()), folders.get(run_id)
        found.append(_run(run_id, left, folder, created.get(run_id)))
    return tuple(sorted(found, key=lambda run: (run.started.timestamp() if run.started else 0.0, run.run_id)))


def clean(
    client: docker.DockerClient,
    *,
    unknown: bool = False,
    only: Container[str] | None = None,
    deadline: float = 60.0,
    tell: Callable[[Run], None] = lambda run: None,
) -> Cleaned:
    """Remove every run whose harness is dead; those that live are left alone and named.

    Args:
        client: the engine.
        unknown: remove also runs that another user or machine started, dead or not.
        only: look at these runs alone.
        deadline: seconds for each run.
        tell: called with each run before it is removed.
    """
    removed: dict[str, Removed] = {}
    failed: dict[str, str] = {}
    living: list[Run] = []
    strange: list[Run] = []
    for run in runs(client):
        if only is not None and run.run_id not in only:
            continue
        if run.alive:
            living.append(run)
        elif not run.known and not unknown:
            strange.append(run)
        else:
            tell(run)
            try:
                removed[run.run_id] = remove_run(client, run.run_id, deadline=deadline)
            except RuntimeFailure as error:
                failed[run.run_id] = str(error)
            else:
                if run.known:
                    shutil.rmtree(run_folder(run.run_id), ignore_errors=True)
    return Cleaned(removed, tuple(living), tuple(strange), failed)


def _run_folders() -> Iterable[Path]:
    with suppress(OSError):
        for path in (state_folder() / "runs").iterdir():
            if path.is_dir() and not path.name.startswith("."):
                yield path


def _run(run_id: str, left: _Look, folder: Path | None, created: float | None) -> Run:
    owner = owner_of(folder) if folder else None
    note = ""
    if folder:
        with suppress(OSError):
            note = (folder / "note.txt").read_text(encoding="utf-8").strip()
    started = owner.started if owner else created
    return Run(
        run_id=run_id,
        started=None if started is None else datetime.fromtimestamp(started, UTC),
        alive=folder is not None and alive(folder),
        known=folder is not None,
        owner=f"process {owner.pid}: {owner.command}" if owner else "",
        note=note,
        containers=len(left.containers),
        networks=len(left.networks),
        volumes=len(left.volumes),
    )


def _look(client: docker.DockerClient, run_id: str) -> _Look:
    by_run, _ = _all(client, f"{RUN_LABEL}={run_id}")
    return by_run.get(run_id, _Look())


def _all(client: docker.DockerClient, label: str = RUN_LABEL) -> tuple[dict[str, _Look], dict[str, float]]:
    """What carries the label, by run, and the epoch of each run's oldest container."""
    by_run: defaultdict[str, _Look] = defaultdict(_Look)
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


def _remove(client: docker.DockerClient, left: _Look) -> str:
    """Try to remove all of it; the last thing that the engine objected to, if any."""
    api: Any = client.api
    said = ""
    with ThreadPoolExecutor(max_workers=16, thread_name_prefix="chaoskit-remove") as pool:
        # Networks and volumes are in use as long as there are containers.
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
        if error.status_code == _IN_PROGRESS and "in progress" in str(error):
            return ""
        return last_line(str(error.explanation or error))
    except ENGINE_ERRORS as error:
        return last_line(str(error))
    return ""
