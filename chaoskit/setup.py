"""Putting the parts together for a Docker engine: the one place, besides the command line and
``attach.py``, that names a concrete runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from chaoskit.compose import resolve
from chaoskit.environment import Environment, MakeTraffic, Tell, Traffic
from chaoskit.errors import UsageError
from chaoskit.history import History
from chaoskit.interpose import interpose
from chaoskit.load.process import LoadProcess
from chaoskit.load.source import LoadSource
from chaoskit.runtime import Runtime
from chaoskit.runtime.docker import DockerRuntime
from chaoskit.runtime.leftovers import run_folder
from chaoskit.system import Component, System


def environment_for(
    system: System,
    *,
    reference: str | None = None,
    keep: bool = False,
    seed: int = 0,
    tell: Tell = lambda line: None,
    longest: float = 900.0,
) -> Environment:
    """An environment on the Docker engine of this machine; nothing is started yet.

    Args:
        system: the declaration.
        reference: the ``module:attribute`` it was found by, if it was: the load process can then
            find journeys whose functions are not at module level.
        keep: whether the system is left running at the end.
        seed: from which all randomness comes.
        tell: takes progress, a line at a time.
        longest: seconds after which a load ends by itself, whatever happens.
    """

    def make_runtime(wanted: System) -> Runtime:
        return runtime_for(wanted, keep=keep, tell=tell)

    def undo_log(run_id: str) -> Path:
        return run_folder(run_id) / "undo.jsonl"

    return Environment(
        system,
        make_runtime,
        traffic_maker(reference, longest),
        outline=_outline,
        state=undo_log,
        seed=seed,
        tell=tell,
    )


def traffic_maker(reference: str | None, longest: float = 900.0) -> MakeTraffic:
    """Makes loads, each in a process of its own.

    Args:
        reference: the ``module:attribute`` by which that process may find journeys that are not at
            module level.
        longest: seconds after which a load ends by itself, whatever happens.
    """

    def make_traffic(wanted: System, history: History, doors: Mapping[str, str], seed: int) -> Traffic:
        try:
            source = LoadSource.of(wanted.journeys)
        except UsageError:
            if reference is None:
                raise
            source = LoadSource.of(wanted.journeys, reference=reference)
        return LoadProcess(source, history, entries=doors, seed=seed, max_duration=longest)

    return make_traffic


def runtime_for(system: System, *, keep: bool = False, tell: Tell = lambda line: None) -> DockerRuntime:
    """A runtime on the Docker engine of this machine; nothing is started yet. See :func:`environment_for`."""
    return DockerRuntime(system, keep=keep, progress=tell)


def _outline(system: System) -> tuple[Sequence[Component], Sequence[str]]:
    planned = interpose(resolve(system), run_id="outline", external=system.external)
    return planned.components, tuple(planned.entries)
