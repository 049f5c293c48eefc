"""Putting the parts together for a Docker engine: the one place, besides the command line, that
names a concrete runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from chaoskit.compose import resolve
from chaoskit.environment import Environment, Tell, Traffic
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
) -> Environment:
    """An environment on the Docker engine of this machine; nothing is started yet.

    Args:
        system: the declaration.
        reference: the ``module:attribute`` it was found by, if it was: the load process can then
            find journeys whose functions are not at module level.
        keep: whether the system is left running at the end.
        seed: from which all randomness comes.
        tell: takes progress, a line at a time.
    """

    def make_runtime(wanted: System) -> Runtime:
        return runtime_for(wanted, keep=keep, tell=tell)

    def make_traffic(wanted: System, history: History, doors: Mapping[str, str], seed: int) -> Traffic:
        try:
            source = LoadSource.of(wanted.journeys)
        except UsageError:
            if reference is None:
                raise
            source = LoadSource.of(wanted.journeys, reference=reference)
        return LoadProcess(source, history, entries=doors, seed=seed)

    def undo_log(run_id: str) -> Path:
        return run_folder(run_id) / "undo.jsonl"

    return Environment(
        system, make_runtime, make_traffic, outline=_outline, state=undo_log, seed=seed, tell=tell
    )


def runtime_for(system: System, *, keep: bool = False, tell: Tell = lambda line: None) -> DockerRuntime:
    """A runtime on the Docker engine of this machine; nothing is started yet. See :func:`environment_for`."""
    return DockerRuntime(system, keep=keep, progress=tell)


def _outline(system: System) -> tuple[Sequence[Component], Sequence[str]]:
    planned = interpose(resolve(system), run_id="outline", external=system.external)
    return planned.components, tuple(planned.entries)
