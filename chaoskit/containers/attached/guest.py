"""Everything that belongs to one stay in somebody else's system."""

from __future__ import annotations

from pathlib import Path

import docker

from chaoskit.clock import Clock
from chaoskit.containers.attached.acts import Acts, Ledger
from chaoskit.containers.attached.survey import Survey, containers
from chaoskit.containers.engine.client import Containers
from chaoskit.containers.engine.cuts import Cuts
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import Placed
from chaoskit.system import HARNESS, Link
from chaoskit.toxiproxy import Marked


def mark(run_id: str) -> str:
    """What the names of a run's toxics begin with, in a Toxiproxy that others use too."""
    return f"chaoskit-{run_id}-"


class Guest:
    """The parts, put together the same way for a harness and for who cleans up after it.

    Args:
        client: the engine.
        run_id: the label of our own sidecars.
        survey: what was there.
        ledger: what was done and not undone, an undo log.
        clock: the time.
    """

    def __init__(
        self, client: docker.DockerClient, run_id: str, survey: Survey, ledger: Path, clock: Clock
    ) -> None:
        self.client, self.run_id, self.survey, self.clock = client, run_id, survey, clock
        self.containers = Containers(client, run_id, lambda: containers(client, survey.project))
        self.lifecycle = Lifecycle(self.containers, clock)
        self.placed = {each.link.proxy: each for each in survey.placed}
        self.toxiproxies = Marked(mark(run_id), {each.name: each.api for each in survey.servers}, clock=clock)
        inside = {each.name for each in survey.servers if each.inside}
        self.cuts = Cuts(
            client,
            run_id,
            self.toxiproxies,
            lambda server: self.containers.find(server) if server in inside else None,
            consumer=self.containers.find,
        )
        self.ledger = Ledger(ledger)
        self.acts = Acts(self.lifecycle, self.toxiproxies, self.cuts, self.ledger, self.placed, clock)

    def at(self, link: Link) -> Placed:
        """Where a link's proxy is.

        Raises:
            RuntimeFailure: there is no such link.
        """
        found = self.placed.get(link.proxy)
        if found is None:
            there = ", ".join(each.link.name for each in self.survey.placed if each.link.consumer != HARNESS)
            raise RuntimeFailure(f"there is no link {link.name}", evidence=f"there are {there or 'none'}")
        return found
