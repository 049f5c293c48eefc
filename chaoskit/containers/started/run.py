"""A run on the engine, with all of its parts, from its first container to its last."""

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
"""The function that a kept run's reaper calls if the harness dies while a fault is active."""

REMOVAL_DEADLINE = 60.0
"""Seconds within which all of a run's containers, networks and volumes must be removed."""


class StartedRun:
    """A run; its annotated attributes exist once :meth:`watch` has been called.

    Args:
        run_id: the run's label.
        clock: the run's clock.
        progress: takes a line whenever a step that takes time starts.

    Raises:
        EngineUnavailable: no engine answers.
    """

    interposed: Interposed
    proxies: Proxies
    watcher: Watcher
    readiness: Readiness
    replacer: Replacer

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
        """Where to store the ports that were seen; set once the system is ready."""
        self._watching = False

    def reap(self, *, keep: bool) -> Future[None]:
        """Start the reaper, which cleans up if the harness dies, before anything carries the run's label.

        A thread of its own starts it. No Ctrl-C can interrupt that thread between the reaper's start
        and the moment when the run knows of it, and the caller can go on meanwhile.
        """

        def start() -> None:
            self._reapers.append(Reaper.start(self.run_id, keep=keep, replay=REPLAY_FUNCTION))

        return self._helper.submit(start)

    @property
    def folder(self) -> Path:
        """The run's folder on this machine; it exists once the reaper has started."""
        return self._reapers[0].folder

    def watch(self, interposed: Interposed, expected: Mapping[str, frozenset[int]]) -> None:
        """Take the system that is about to start, and begin to watch it.

        Args:
            interposed: the rewritten system.
            expected: component → the ports on which it must listen to be ready.
        """
        self.interposed = interposed
        self.proxies = Proxies(self.containers, interposed, self.clock)
        names = [each.name for each in interposed.components]
        self.watcher = Watcher(
            self.containers, self.proxies, components=names, toxiproxies=interposed.toxiproxies
        )
        self.readiness = Readiness(self.watcher, self.proxies, self.lifecycle, expected, self.clock)
        self.replacer = Replacer(self.containers, self.lifecycle, self.watcher, self.proxies.cuts, interposed)
        self._watching = True
        self.watcher.start()

    def spawned(self, pid: int) -> None:
        """Note Compose's process, so that it ends with the run, and with the harness."""
        if self.up is not None:
            self.up.spawned(pid)
        for reaper in self._reapers:
            reaper.register(pid)

    def check_up(self) -> None:
        """Raise Compose's error, if Compose has failed."""
        if self.up is not None:
            self.up.check()

    def clear(self) -> None:
        """Remove everything of the run from the engine; end Compose first, so that it creates nothing new."""
        watched = self._stop()
        try:
            remove_run(self.client, self.run_id, deadline=REMOVAL_DEADLINE)
        finally:
            if watched:
                self.proxies.close()  # the Toxiproxies are gone, so no call to them takes long

    def close(self, *, keep: bool) -> None:
        """Remove everything of the run; with ``keep``, leave the system running.

        Raises:
            RuntimeFailure: something could not be removed; the reaper tries again when the harness ends.
        """
        self.floods.close()
        if keep:
            if self._stop():
                self.proxies.close()
                self.proxies.cuts.close()
            self.progress(f"chaoskit-{self.run_id} keeps running; chaoskit clean removes it")
        else:
            self.clear()
        self._helper.shutdown()
        for reaper in self._reapers:
            reaper.goodbye()
        self.client.close()

    def _stop(self) -> bool:
        """Stop Compose and the watcher; returns whether the watcher was running."""
        if self.up is not None:
            self.up.end()
        if self._watching:
            self.watcher.stop()
            if self.sightings is not None:
                self.sightings.save(self.watcher.served())
        watched, self._watching = self._watching, False
        return watched
