"""The parts of one run that is a guest in a system that chaoskit did not start."""

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
    """The prefix of the names of a run's toxics, in a Toxiproxy that others use as well."""
    return f"chaoskit-{run_id}-"


class Guest:
    """The parts of a guest, put together in the same way for the harness and for the cleanup after it.

    Args:
        client: the engine.
        run_id: the label of the run's own sidecars.
        survey: the attached system, as it was found.
        ledger: the undo log of the run's changes.
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
        """The place of a link's proxy.

        Raises:
            RuntimeFailure: there is no such link.
        """
        found = self.placed.get(link.proxy)
        if found is None:
            known = ", ".join(each.link.name for each in self.survey.placed if each.link.consumer != HARNESS)
            raise RuntimeFailure(
                f"there is no link {link.name}",
                evidence=f"known links: {known or 'none'}",
                remedy="use one of these links",
            )
        return found
