"""A stay in somebody else's system, from the first look to the last thing undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from chaoskit.clock import Clock
from chaoskit.containers.attached import takeback
from chaoskit.containers.attached.addresses import Address, exposed, next_door, published, tried, way_to
from chaoskit.containers.attached.guest import Guest
from chaoskit.containers.attached.readiness import GuestReadiness
from chaoskit.containers.attached.survey import survey
from chaoskit.containers.attached.touch import Touch
from chaoskit.containers.cleanup.reaper import Reaper
from chaoskit.containers.engine.client import connect
from chaoskit.containers.engine.exchanging import exchange
from chaoskit.containers.engine.flooding import Floods
from chaoskit.containers.engine.output import Output
from chaoskit.containers.engine.packets import split
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import Placed
from chaoskit.runtime import Exchange, Until
from chaoskit.system import HARNESS


class Stay:
    """One attachment; see :class:`chaoskit.containers.attached.runtime.AttachedRuntime`."""

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
            there = self.survey.placed
            links = [each.link for each in there if each.link.consumer != HARNESS]
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
        """Have somebody there who cleans up if we die, before anything is touched.

        In a thread of its own: there, no Ctrl-C can come between its birth and our knowing of it.
        """

        def start() -> None:
            reaper = Reaper.start(
                run_id,
                keep=False,
                undo=takeback.ledger_of(run_id),
                replay=takeback.REPLAY,
                attached=attachment.project,
            )
            self._reapers.append(reaper)

        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="chaoskit-reaper") as helper:
            helper.submit(start).result()
        attachment.save(run_id)

    def close(self) -> None:
        """Undo what was done, remove our sidecars, and go.

        Raises:
            NotLifted: something could not be undone; then the reaper stays, and tries again when
                this process ends.
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
        """The ports it declares or publishes, listened on at first, or is linked to by."""
        seen = self.guest.containers.inspect(component)
        linked = {each.link.port for each in self.survey.placed if each.link.provider == component}
        found = exposed(seen) | set(published(seen)) | self.readiness.served(component) | linked
        return tuple(sorted(found))

    def address(self, component: str, port: int) -> tuple[str, int]:
        """Where this machine reaches a port.

        Raises:
            RuntimeFailure: it does not.
        """
        found = self._own_door(component, port) or way_to(self.guest.containers.inspect(component), port)
        if found is None:
            raise RuntimeFailure(
                f"this machine has no way to port {port} of {component}",
                evidence=f"known ports: {', '.join(map(str, self.ports(component))) or 'none'}; "
                "it has no address in a network that this machine is in, too",
                remedy=f"publish it on 127.0.0.1 under ports: of {component}",
            )
        return found

    def _own_door(self, component: str, port: int) -> tuple[str, int] | None:
        """The link by which the harness reached it that left the system running."""
        for each in self.survey.placed:
            link = each.link
            if (link.consumer, link.provider, link.port) == (HARNESS, component, port):
                seat = self.survey.inspected.get(each.toxiproxy, {})
                return published(seat).get(split(each.listen)[1])
        return None

    def connect(self, placed: Placed, timeout: float) -> str:
        """What a fresh connection to the proxy meets: tried from this machine, and where there is no
        way from here (no port is published, the network keeps us out), in the consumer's network.
        """
        for address in self._ways(placed):
            met = tried(address, timeout)
            if met != "silent" or placed.toxiproxy not in self.survey.inspected:
                return self.guest.cuts.heard(placed, met)
        return self.guest.cuts.connect(placed, timeout)

    def exchange(self, placed: Placed, said: bytes, until: Until, patience: float, *, past: bool) -> Exchange:
        """What comes of saying something to the proxy, by the same way as :meth:`connect`."""
        for address in [] if past else self._ways(placed):
            found = Exchange(*exchange(address, said, until, patience))
            if found.met != "silent" or placed.toxiproxy not in self.survey.inspected:
                return found
        return self.guest.cuts.exchange(placed, said, until, patience, past=past)

    def _ways(self, placed: Placed) -> list[Address]:
        """The addresses at which this machine may reach the proxy."""
        host, port = split(placed.listen)
        seat = self.survey.inspected.get(placed.toxiproxy)
        if seat is None:  # a Toxiproxy that is no container
            return [(str(host), port)]
        ways = [(str(host), port)] if str(host) in next_door(seat) else []
        return [*ways, *filter(None, [published(seat).get(port)])]

    def sharing(self, component: str) -> tuple[str, ...]:
        """The other components that share a namespace with it."""
        names = [each.name for each in self.survey.components if each.name != component]
        return tuple(name for name in names if self._joins(name, component) or self._joins(component, name))

    def _joins(self, one: str, other: str) -> bool:
        host = self.survey.inspected[one].get("HostConfig") or {}
        joined = f"container:{self.survey.inspected[other]['Id']}"
        return any(host.get(mode) == joined for mode in ("NetworkMode", "PidMode", "IpcMode"))
