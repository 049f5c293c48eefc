"""One stay in a system that chaoskit did not start, from the first look to the last undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from chaoskit.clock import Clock
from chaoskit.containers.attached import takeback
from chaoskit.containers.attached.addresses import (
    Address,
    direct_addresses,
    exposed,
    published,
    reachable_address,
    try_connection,
)
from chaoskit.containers.attached.guest import Guest
from chaoskit.containers.attached.readiness import GuestReadiness
from chaoskit.containers.attached.survey import survey
from chaoskit.containers.attached.touch import Touch
from chaoskit.containers.cleanup.reaper import Reaper
from chaoskit.containers.engine.client import connect
from chaoskit.containers.engine.exchanging import exchange
from chaoskit.containers.engine.flooding import Floods
from chaoskit.containers.engine.output import Output
from chaoskit.containers.engine.packets import split_address
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import Placed
from chaoskit.runtime import Exchange, Until
from chaoskit.system import HARNESS


class Stay:
    """One stay; see :class:`chaoskit.containers.attached.runtime.AttachedRuntime` for the arguments."""

    def __init__(
        self,
        project: str,
        run_id: str,
        clock: Clock,
        *,
        toxiproxies: Sequence[str],
        touch: Sequence[str],
        entries: Mapping[str, str],
    ) -> None:
        self._reapers: list[Reaper] = []
        self.client = connect()
        try:
            self.survey = survey(self.client, project, toxiproxies=toxiproxies, entries=entries)
            links = [each.link for each in self.survey.placed if each.link.consumer != HARNESS]
            self.touch = Touch(project, touch, self.survey.components, links)
            self._reap(run_id, takeback.Attachment(project, toxiproxies, sorted(self.touch.components)))
            self.guest = Guest(self.client, run_id, self.survey, takeback.ledger_of(run_id), clock)
            self.lifecycle, self.acts = self.guest.lifecycle, self.guest.acts
            self.output = Output(self.guest.containers, clock)
            self.floods = Floods(self.guest.containers, clock)
            running = [each.name for each in self.survey.components if self.survey.running(each.name)]
            self.readiness = GuestReadiness(self.guest.containers, self.lifecycle, clock, running)
        except BaseException:
            self._leave()
            raise

    def _reap(self, run_id: str, attachment: takeback.Attachment) -> None:
        """Start the reaper, which cleans up if the harness dies, before anything is touched.

        A thread of its own starts it. No Ctrl-C can interrupt that thread between the reaper's start
        and the moment when the stay knows of it.
        """

        def start() -> None:
            reaper = Reaper.start(
                run_id,
                keep=False,
                undo=takeback.ledger_of(run_id),
                replay=takeback.REPLAY_FUNCTION,
                attached=attachment.project,
            )
            self._reapers.append(reaper)

        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="chaoskit-reaper") as helper:
            helper.submit(start).result()
        attachment.save(run_id)

    def close(self) -> None:
        """Undo every change, remove the run's sidecars, and end the stay.

        Raises:
            NotLifted: a change could not be undone; the reaper stays and tries again when this process
                ends.
        """
        try:
            self.floods.close()
            self.acts.take_back()
            takeback.restart(self.guest, sorted(self.touch.components))
        finally:
            self.guest.cuts.close()
        self._leave()

    def _leave(self) -> None:
        for reaper in self._reapers:
            reaper.goodbye()
        self.client.close()

    def ports(self, component: str) -> tuple[int, ...]:
        """The ports that a component declares, publishes, listened on on entry, or serves over a link."""
        seen = self.guest.containers.inspect(component)
        linked = {each.link.port for each in self.survey.placed if each.link.provider == component}
        found = exposed(seen) | set(published(seen)) | self.readiness.served(component) | linked
        return tuple(sorted(found))

    def address(self, component: str, port: int) -> tuple[str, int]:
        """The address at which this machine reaches a port of a component.

        Raises:
            RuntimeFailure: this machine cannot reach it.
        """
        found = self._harness_entry(component, port) or reachable_address(
            self.guest.containers.inspect(component), port
        )
        if found is None:
            raise RuntimeFailure(
                f"this machine cannot reach port {port} of {component}",
                evidence=f"known ports: {', '.join(map(str, self.ports(component))) or 'none'}; "
                "the component shares no network with this machine",
                remedy=f"publish the port on 127.0.0.1 under `ports:` of {component}",
            )
        return found

    def _harness_entry(self, component: str, port: int) -> tuple[str, int] | None:
        """The entry of the harness link to a port, in a system that an earlier run left running."""
        for each in self.survey.placed:
            link = each.link
            if (link.consumer, link.provider, link.port) == (HARNESS, component, port):
                toxiproxy = self.survey.inspected.get(each.toxiproxy, {})
                return published(toxiproxy).get(split_address(each.listen)[1])
        return None

    def connect(self, placed: Placed, timeout: float) -> str:
        """What a new connection to the proxy meets.

        It is tried from this machine first. If this machine cannot reach the proxy (no port is
        published, or the network excludes this machine), it is tried in the consumer's network.
        """
        for address in self._addresses(placed):
            met = try_connection(address, timeout)
            if met != "silent" or placed.toxiproxy not in self.survey.inspected:
                return self.guest.cuts.outcome(placed, met)
        return self.guest.cuts.connect(placed, timeout)

    def exchange(self, placed: Placed, said: bytes, until: Until, patience: float, *, past: bool) -> Exchange:
        """The outcome of an exchange over the proxy, by the same way as :meth:`connect`."""
        for address in [] if past else self._addresses(placed):
            found = Exchange(*exchange(address, said, until, patience))
            if found.met != "silent" or placed.toxiproxy not in self.survey.inspected:
                return found
        return self.guest.cuts.exchange(placed, said, until, patience, past=past)

    def _addresses(self, placed: Placed) -> list[Address]:
        """The addresses at which this machine may reach the proxy, the most direct first."""
        host, port = split_address(placed.listen)
        toxiproxy = self.survey.inspected.get(placed.toxiproxy)
        if toxiproxy is None:  # a Toxiproxy that does not run in a container
            return [(str(host), port)]
        direct = [(str(host), port)] if str(host) in direct_addresses(toxiproxy) else []
        return [*direct, *filter(None, [published(toxiproxy).get(port)])]

    def sharing(self, component: str) -> tuple[str, ...]:
        """The other components that share a namespace with a component."""
        names = [each.name for each in self.survey.components if each.name != component]
        return tuple(name for name in names if self._joins(name, component) or self._joins(component, name))

    def _joins(self, one: str, other: str) -> bool:
        host = self.survey.inspected[one].get("HostConfig") or {}
        joined = f"container:{self.survey.inspected[other]['Id']}"
        return any(host.get(mode) == joined for mode in ("NetworkMode", "PidMode", "IpcMode"))
