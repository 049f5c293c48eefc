"""Taking faults back without the process that injected them: from the undo log and the engine alone.

A run that is kept outlives its harness. If the harness was killed while a fault was active, its
reaper calls :func:`replay`, so that what is kept is a healthy system.
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
    """Take back what is pending in the undo log of a run, whose folder it lies in.

    Raises:
        NotLifted: some step could not be taken; the others were.
        EngineUnavailable: no engine answers.
    """
    client = connect()
    try:
        _, failed = undolog.replay(log, _Takeback(Containers(client, log.parent.name)).take)
    finally:
        client.close()
    if failed:
        raise NotLifted(
            "faults are still there",
            where=str(log),
            evidence="\n".join(failed),
            remedy="chaoskit clean removes the run",
        )


class _Takeback:
    """What is left of a run when only the engine knows it."""

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
        """Take one step; one that is not needed any more is no error."""
        if step.action == "remove_toxic":
            self._toxiproxies.remove_toxic(self._home(step.target), step.target, str(step.detail["name"]))
        elif step.action == "mend":
            server = self._home(step.target)
            self._cuts.mend(self._placed(server, step.target))
            # Whether a link was refused only the dead harness knew; so it is enabled in any case.
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
        raise RuntimeFailure(f"no Toxiproxy has a proxy called {proxy!r}")

    def _placed(self, server: str, proxy: str) -> Placed:
        # A component's name may hold a dot, so who is consumer and who provider cannot be told; the
        # link's proxy, which is all that counts here, is the same for each way to read it.
        consumer, provider, port = proxy.partition(".")[0], proxy.partition(".")[2], proxy.rpartition(".")[2]
        link = Link(consumer, provider.rpartition(".")[0], int(port))
        state = self._toxiproxies.proxies(server)[proxy]
        return Placed(link, server, state.listen, state.upstream)
