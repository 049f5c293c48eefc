"""Undoing faults without the process that injected them, from the undo log and the engine alone.

A run that is kept outlives its harness. If the harness was killed while a fault was active, its
reaper calls :func:`replay`, so that the kept system is healthy.
"""

from __future__ import annotations

from pathlib import Path

from chaoskit.clock import MonotonicClock
from chaoskit.containers.engine.client import Containers, connect
from chaoskit.containers.engine.cuts import Cuts
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.errors import NotLifted, RuntimeFailure
from chaoskit.interpose import API_PORT, Placed
from chaoskit.runtime import Undo, undolog
from chaoskit.system import Link
from chaoskit.toxiproxy import Toxiproxies


def replay(log: Path) -> None:
    """Take the pending steps of an undo log, which is in its run's folder.

    Raises:
        NotLifted: some steps failed; the others were taken.
        EngineUnavailable: no engine answers.
    """
    client = connect()
    try:
        _, failed = undolog.replay(log, _OrphanedRun(Containers(client, log.parent.name)).take)
    finally:
        client.close()
    if failed:
        raise NotLifted(
            "some faults could not be lifted",
            where=str(log),
            evidence="\n".join(failed),
            remedy="chaoskit clean removes the run",
        )


class _OrphanedRun:
    """A run whose harness is dead, as the engine and its Toxiproxies know it."""

    def __init__(self, containers: Containers) -> None:
        clock = MonotonicClock()
        self._lifecycle = Lifecycle(containers, clock)
        self._toxiproxies = Toxiproxies(clock=clock)
        self._servers = []
        for name in containers.list():
            published = (containers.inspect(name).get("NetworkSettings") or {}).get("Ports") or {}
            for binding in published.get(f"{API_PORT}/tcp") or ():
                self._toxiproxies.add_server(name, "127.0.0.1", int(binding["HostPort"]))
                self._servers.append(name)
        self._cuts = Cuts(containers.client, containers.run_id, self._toxiproxies, containers.id)

    def take(self, step: Undo) -> None:
        """Take one step; a step that is no longer needed is not an error."""
        if step.action == "remove_toxic":
            self._toxiproxies.remove_toxic(self._home(step.target), step.target, str(step.detail["name"]))
        elif step.action == "mend":
            server = self._home(step.target)
            self._cuts.mend(self._placed(server, step.target))
            # Only the dead harness knew whether the link was refused, so the proxy is always enabled.
            self._toxiproxies.enable(server, step.target)
        elif step.action == "resume":
            self._lifecycle.resume(step.target)
        elif step.action == "start":
            self._lifecycle.start(step.target)
        elif step.action == "restart":
            self._lifecycle.restart(step.target)

    def _home(self, proxy: str) -> str:
        for server in self._servers:
            if proxy in self._toxiproxies.proxies(server):
                return server
        raise RuntimeFailure(
            f"no Toxiproxy has a proxy called {proxy!r}",
            evidence=f"known Toxiproxies: {', '.join(self._servers) or 'none'}",
            remedy="chaoskit clean removes the run",
        )

    def _placed(self, server: str, proxy: str) -> Placed:
        # A component's name may contain a dot, so the proxy's name may be split in several ways.
        # Only the link's proxy matters here, and that is the same for each split.
        consumer, provider, port = proxy.partition(".")[0], proxy.partition(".")[2], proxy.rpartition(".")[2]
        link = Link(consumer, provider.rpartition(".")[0], int(port))
        state = self._toxiproxies.proxies(server)[proxy]
        return Placed(link, server, state.listen, state.upstream)
