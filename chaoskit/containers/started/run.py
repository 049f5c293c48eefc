"""A run on the engine: everything that belongs to it, from its first container to its last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from chaoskit.clock import Clock
from chaoskit.containers.cleanup.reaper import Reaper
from chaoskit.containers.cleanup.removal import remove_run
from chaoskit.containers.compose import ComposeUp
from chaoskit.containers.engine.client import Containers, connect
from chaoskit.containers.engine.flooding import Floods
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.containers.engine.output import Output
from chaoskit.containers.started.proxies import Proxies
from chaoskit.containers.started.readiness import Readiness
from chaoskit.containers.started.replace import Replacer
from chaoskit.containers.started.sightings import Sightings
from chaoskit.containers.started.watch import Watcher
from chaoskit.interpose import Interposed

REPLAY_FUNCTION = "chaoskit.containers.started.takeback:replay"
"""What the reaper of a kept run calls if the harness dies while a fault is active."""

REMOVAL_DEADLINE = 60.0
"""Seconds within which everything of a run is removed."""


class StartedRun:
    """A run; what is not annotated as optional is there once :meth:`watch` was called.

    Args:
        run_id: its label.
        clock: its clock.
        progress: takes a line whenever something that takes time begins.

    Raises:
        EngineUnavailable: no engine answers.
    """

    interposed: Interposed
    proxies: Proxies
    watcher: Watcher
    readiness: Readiness
    replacing: Replacer

    def __init__(self, run_id: str, clock: Clock, progress: Callable[[str], None]) -> None:
        self.run_id = run_id
        self.clock = clock
        self.progress = progress
        self.client = connect()
        self.containers = Containers(self.client, run_id)
        self.lifecycle = Lifecycle(self.containers, clock)
        self.output = Output(self.containers, clock)
        self.floods = Floods(self.containers, clock)
        self._reapers: list[Reaper] = []
        self._helper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chaoskit-reaper")
        self.up: ComposeUp | None = None
        self.sightings: Sightings | None = None
        """Where to keep what was seen, once the system was ready."""
        self._watching = False

    def reap(self, *, keep: bool) -> Future[None]:
        """Start the process that cleans up if we die; nothing may carry the label before it is there.

        In a thread of its own: there, no Ctrl-C can come between its birth and our knowing of it,
        and other things can be done meanwhile.
        """

        def start() -> None:
            self._reapers.append(Reaper.start(self.run_id, keep=keep, replay=REPLAY_FUNCTION))

        return self._helper.submit(start)

    @property
    def folder(self) -> Path:
        """The run's folder on this machine, once its reaper is there."""
        return self._reapers[0].folder

    def watch(self, interposed: Interposed, expected: Mapping[str, frozenset[int]]) -> None:
        """Take what is about to be started, and begin to watch it.

        Args:
            interposed: the rewritten system.
            expected: component → the ports without which it is not ready.
        """
        self.interposed = interposed
        self.proxies = Proxies(self.containers, interposed, self.clock)
        names = [each.name for each in interposed.components]
        self.watcher = Watcher(
            self.containers, self.proxies, components=names, toxiproxies=interposed.toxiproxies
        )
        self.readiness = Readiness(self.watcher, self.proxies, self.lifecycle, expected, self.clock)
        self.replacing = Replacer(
            self.containers, self.lifecycle, self.watcher, self.proxies.cuts, interposed
        )
        self._watching = True
        self.watcher.start()

    def spawned(self, pid: int) -> None:
        """Compose runs as this process: it ends with us, and with the run."""
        if self.up is not None:
            self.up.spawned(pid)
        for reaper in self._reapers:
            reaper.register(pid)

    def check_up(self) -> None:
        """Raise what Compose ended with, if it has failed."""
        if self.up is not None:
            self.up.check()

    def clear(self) -> None:
        """Remove everything from the engine, Compose first so that it makes nothing new."""
        watched = self._stop()
        try:
            remove_run(self.client, self.run_id, deadline=REMOVAL_DEADLINE)
        finally:
            if watched:
                self.proxies.close()  # the Toxiproxies have gone, so no call to them takes long

    def close(self, *, keep: bool) -> None:
        """Remove everything, or leave the system as it is for ``keep``.

        Raises:
            RuntimeFailure: something could not be removed; the reaper tries again when we end.
        """
        self.floods.close()
        if keep:
            if self._stop():
                self.proxies.close()
                self.proxies.cuts.close()
            self.progress(f"chaoskit-{self.run_id} is left running; chaoskit clean removes it")
        else:
            self.clear()
        self._helper.shutdown()
        for reaper in self._reapers:
            reaper.goodbye()
        self.client.close()

    def _stop(self) -> bool:
        """Stop starting and watching; returns whether there was something to watch."""
        if self.up is not None:
            self.up.end()
        if self._watching:
            self.watcher.stop()
            if self.sightings is not None:
                self.sightings.save(self.watcher.served())
        watched, self._watching = self._watching, False
        return watched
