"""Putting the parts together for a Docker engine: the one place, besides the command line, that
names a concrete runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chaoskit.environment import Environment, Tell, Traffic
from chaoskit.history import History
from chaoskit.load.process import LoadProcess
from chaoskit.runtime import Runtime
from chaoskit.runtime.docker import DockerRuntime
from chaoskit.runtime.leftovers import run_folder
from chaoskit.system import System


def environment_for(
    system: System, *, keep: bool = False, seed: int = 0, tell: Tell = lambda line: None
) -> Environment:
    """An environment on the Docker engine of this machine; nothing is started yet.

    Args:
        system: the declaration.
        keep: whether the system is left running at the end.
        seed: from which all randomness comes.
        tell: takes progress, a line at a time.
    """

    def make_runtime(wanted: System) -> Runtime:
        return DockerRuntime(wanted, keep=keep, progress=tell)

    def undo_log(run_id: str) -> Path:
        return run_folder(run_id) / "undo.jsonl"

    return Environment(system, make_runtime, _make_traffic, state=undo_log, seed=seed, tell=tell)


def _make_traffic(system: System, history: History, doors: Mapping[str, str], seed: int) -> Traffic:
    return LoadProcess(system.journeys, history, entries=doors, seed=seed)
