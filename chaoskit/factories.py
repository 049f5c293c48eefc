"""Environments, assembled from their parts: over a system that this run starts, and over one that runs.

Only this module and ``cli/up.py`` name a concrete runtime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from chaoskit.containers.attached.runtime import AttachedRuntime
from chaoskit.containers.attached.survey import survey
from chaoskit.containers.cleanup.owner import run_folder
from chaoskit.containers.engine.client import connect
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.errors import NotReady, UsageError
from chaoskit.experiment.environment import Draft, Environment, MakeTraffic, Tell, Traffic
from chaoskit.load.process import LoadProcess
from chaoskit.load.source import LoadSource
from chaoskit.record.history import History
from chaoskit.runtime import Runtime
from chaoskit.system import System


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
        reference: the ``module:attribute`` by which the declaration was found, if it was. With it the
            load process can find journeys whose functions are not at module level.
        keep: whether the system stays running at the end.
        seed: the source of all randomness.
        tell: called with each line of progress.
        longest: seconds after which a load ends by itself, whatever happens.
    """

    def draft(wanted: System) -> Draft:
        runtime = runtime_for(wanted, keep=keep, tell=tell)
        planned = runtime.plan().interposed
        return Draft(planned.components, tuple(planned.entries), lambda: runtime)

    def undo_log(run_id: str) -> Path:
        return run_folder(run_id) / "undo.jsonl"

    return Environment(
        system,
        draft,
        traffic_maker(reference, longest),
        state=undo_log,
        seed=seed,
        tell=tell,
    )


def traffic_maker(reference: str | None, longest: float = 900.0) -> MakeTraffic:
    """A function that makes loads, each in a process of its own.

    Args:
        reference: the ``module:attribute`` by which that process can find journeys that are not at
            module level.
        longest: seconds after which a load ends by itself, whatever happens.
    """

    def make_traffic(wanted: System, history: History, base_urls: Mapping[str, str], seed: int) -> Traffic:
        try:
            source = LoadSource.of(wanted.journeys)
        except UsageError:
            if reference is None:
                raise
            source = LoadSource.of(wanted.journeys, reference=reference)
        return LoadProcess(source, history, entries=base_urls, seed=seed, max_duration=longest)

    return make_traffic


def runtime_for(system: System, *, keep: bool = False, tell: Tell = lambda line: None) -> DockerRuntime:
    """A runtime on the Docker engine of this machine; nothing is started yet. See :func:`environment_for`."""
    return DockerRuntime(system, keep=keep, progress=tell)


class AttachedEnvironment(Environment):
    """The environment over a system that other people run: a reset undoes what this run did, and
    never rebuilds.

    Between experiments no component is restarted, and the declaration's ``reset`` hook is not called:
    both would touch more than the user has allowed.
    """

    def _rebuild(self, why: str) -> None:
        """Refuse: the system belongs to its owner.

        Raises:
            NotReady: always.
        """
        raise NotReady(
            "the environment cannot be trusted any more, and this run may not restart it",
            where=f"the attached system of {', '.join(map(str, self.system.compose))}",
            evidence=why,
            remedy="check the system (docker compose ps), restart it yourself, and attach again",
        )

    def _start_components(self, runtime: Runtime) -> None:
        """Start what this run has stopped; leave alone what others have stopped."""
        assert isinstance(runtime, AttachedRuntime)
        runtime.revive()

    def _call_reset_hook(self, runtime: Runtime) -> None:
        """Leave the system's memory to its owner, and say so where the declaration asks for more."""
        if self.system.restart_on_reset or self.system.reset is not None:
            self.tell("attached: no component is restarted or reset between experiments")


def attached_environment(
    system: System,
    project: str,
    *,
    toxiproxies: Sequence[str] = (),
    touch: Sequence[str] = (),
    entries: Mapping[str, str] | None = None,
    reference: str | None = None,
    seed: int = 0,
    tell: Tell = lambda line: None,
    longest: float = 900.0,
) -> Environment:
    """An environment over a compose project that runs already; nothing is looked at yet.

    Args:
        system: the declaration: the journeys and what they need.
        project: the name of the running project in Compose.
        toxiproxies, touch, entries: see :class:`chaoskit.containers.attached.runtime.AttachedRuntime`.
        reference: the ``module:attribute`` by which the declaration was found, if it was.
        seed: the source of all randomness.
        tell: called with each line of progress.
        longest: seconds after which a load ends by itself, whatever happens.
    """

    def make_runtime() -> Runtime:
        return AttachedRuntime(project, toxiproxies=toxiproxies, touch=touch, entries=entries, progress=tell)

    def draft(wanted: System) -> Draft:
        client = connect()
        try:
            there = survey(client, project, toxiproxies=toxiproxies, entries=entries)
        finally:
            client.close()
        return Draft(there.components, tuple(there.entries), make_runtime)

    def undo_log(run_id: str) -> Path:
        return run_folder(run_id) / "undo.jsonl"

    return AttachedEnvironment(
        system,
        draft,
        traffic_maker(reference, longest),
        state=undo_log,
        seed=seed,
        tell=tell,
    )
