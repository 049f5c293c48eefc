"""What ``chaoskit clean`` finds and removes: the leftovers of runs, dead runs told from living ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import docker

from chaoskit.clock import Clock
from chaoskit.containers.attached import takeback
from chaoskit.containers.cleanup.owner import alive, owner_of, run_folder, state_folder
from chaoskit.containers.cleanup.removal import Removed, RunObjects, objects_by_run, remove_run
from chaoskit.containers.engine.client import calling
from chaoskit.errors import ChaoskitError


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has something on the engine or a folder on this machine.

    Attributes:
        run_id: its label.
        started: when it started, from its owner or its oldest container; ``None`` if neither tells.
        alive: whether its harness still lives.
        known: whether this user started it on this machine. For any other run, this machine cannot
            tell whether its harness lives.
        owner: the process and command that started it; empty if unknown.
        attached: the compose project in which it is a guest; empty if it started its own system.
        note: what its reaper wrote when it could not clean up.
        containers: how many it has; likewise ``networks`` and ``volumes``.
    """

    run_id: str
    started: datetime | None
    alive: bool
    known: bool
    owner: str = ""
    attached: str = ""
    note: str = ""
    containers: int = 0
    networks: int = 0
    volumes: int = 0


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The outcome of :func:`clean`.

    Attributes:
        removed: run id → the objects of it that were removed.
        alive: runs that were left alone because their harness lives.
        unknown: runs that were left alone because another user or machine started them.
        failed: run id → why it could not be removed.
        freed: run id → the compose project in which it was a guest, now free of its faults.
    """

    removed: Mapping[str, Removed] = field(default_factory=dict)
    alive: tuple[Run, ...] = ()
    unknown: tuple[Run, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    freed: Mapping[str, str] = field(default_factory=dict)


def runs(client: docker.DockerClient) -> tuple[Run, ...]:
    """Every run that has something on the engine or a folder on this machine, the oldest first."""
    with calling("list the objects with chaoskit's label"):
        by_run, created = objects_by_run(client)
    folders = {path.name: path for path in _run_folders()}
    found = []
    for run_id in by_run.keys() | folders.keys():
        left, folder = by_run.get(run_id, RunObjects()), folders.get(run_id)
        found.append(_run(run_id, left, folder, created.get(run_id)))
    return tuple(sorted(found, key=lambda run: (run.started.timestamp() if run.started else 0.0, run.run_id)))


def clean(
    client: docker.DockerClient,
    *,
    unknown: bool = False,
    only: Container[str] | None = None,
    deadline: float = 60.0,
    tell: Callable[[Run], None] = lambda run: None,
    clock: Clock | None = None,
) -> Cleaned:
    """Remove every run whose harness is dead; living runs are left alone and named.

    If a run was a guest in another system, its faults are lifted first.

    Args:
        client: the engine.
        unknown: also remove runs that another user or machine started, dead or not.
        only: look at these runs only.
        deadline: seconds for each run.
        tell: called with each run before it is removed.
        clock: the time.
    """
    removed: dict[str, Removed] = {}
    freed: dict[str, str] = {}
    failed: dict[str, str] = {}
    living: list[Run] = []
    foreign: list[Run] = []
    for run in runs(client):
        if only is not None and run.run_id not in only:
            continue
        if run.alive:
            living.append(run)
        elif not run.known and not unknown:
            foreign.append(run)
        else:
            tell(run)
            try:
                if run.attached:
                    takeback.replay(takeback.ledger_of(run.run_id))
                    freed[run.run_id] = run.attached
                removed[run.run_id] = remove_run(client, run.run_id, deadline=deadline, clock=clock)
            except ChaoskitError as error:
                failed[run.run_id] = str(error)
            else:
                if run.known:
                    shutil.rmtree(run_folder(run.run_id), ignore_errors=True)
    return Cleaned(removed, tuple(living), tuple(foreign), failed, freed)


def _run_folders() -> Iterable[Path]:
    with suppress(OSError):
        for path in (state_folder() / "runs").iterdir():
            if path.is_dir() and not path.name.startswith("."):
                yield path


def _run(run_id: str, left: RunObjects, folder: Path | None, created: float | None) -> Run:
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
        attached=owner.attached if owner else "",
        note=note,
        containers=len(left.containers),
        networks=len(left.networks),
        volumes=len(left.volumes),
    )
