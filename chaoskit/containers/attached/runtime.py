"""The :class:`chaoskit.runtime.Runtime` of a compose project that chaoskit did not start."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, TracebackType

from chaoskit.clock import Clock, MonotonicClock
from chaoskit.containers.attached.stay import Stay
from chaoskit.containers.attached.touch import irreplaceable
from chaoskit.errors import ChaoskitError, RuntimeFailure, UsageError
from chaoskit.flood import Flood, FloodPlan
from chaoskit.runtime import Cut, Exchange, Executed, LogLine, Meter, State, Toxic, Undo, Until
from chaoskit.system import HARNESS, Component, Impact, Link


class AttachedRuntime:
    """A guest in a running system: it touches only what the user named, and leaves the system unchanged.

    See :class:`chaoskit.runtime.Runtime` for what each method promises. A method that would change
    anything that was not named raises :class:`chaoskit.errors.UsageError` before it changes anything.
    Looks are always allowed. Toxics of others are neither shown nor touched, and proxies that were
    disabled stay disabled.

    As a context manager it attaches on entry and detaches on exit.

    Args:
        project: Compose's name of the project.
        toxiproxies: addresses of Toxiproxy APIs (``http://127.0.0.1:8474``), in addition to those that
            the project's containers publish.
        touch: what may be touched: components, services, links (``api→cache``, ``→cache``) or proxies.
        entries: ``component:port`` → an address on this machine, in addition to the published ports.
        clock: the run's clock.
        progress: takes a line for each event that the user should see.
    """

    def __init__(
        self,
        project: str,
        *,
        toxiproxies: Sequence[str] = (),
        touch: Sequence[str] = (),
        entries: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.project = project
        self._given = (tuple(toxiproxies), tuple(touch), dict(entries or {}))
        self._run_id = secrets.token_hex(4)
        self._clock: Clock = clock or MonotonicClock()
        self._progress = progress or (lambda line: None)
        self._current: Stay | None = None

    def __enter__(self) -> AttachedRuntime:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def run_id(self) -> str:
        """The id in the names of this run's toxics and on the label of its sidecars."""
        return self._run_id

    @property
    def clock(self) -> Clock:
        """The clock of this run."""
        return self._clock

    @property
    def components(self) -> tuple[Component, ...]:
        """The containers of the project, without its Toxiproxies."""
        return self._stay.survey.components

    @property
    def links(self) -> tuple[Link, ...]:
        """The proxies of the project's Toxiproxies as links, as they were on entry."""
        return tuple(each.link for each in self._stay.survey.placed if each.link.consumer != HARNESS)

    @property
    def knows_all_links(self) -> bool:
        """Always false: components may also reach each other without a Toxiproxy, which is not a link."""
        return False

    @property
    def entries(self) -> Mapping[str, str]:
        """The published ports and the given entries: ``component:port`` → ``127.0.0.1:12345``."""
        return MappingProxyType(dict(self._stay.survey.entries))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about the system, each one sentence."""
        return self._stay.survey.warnings

    def start(self) -> None:
        """Look at the project, and prepare to undo every change; starts no component.

        Raises:
            UsageError: there is no such project, or the arguments do not fit it.
            NotReady: no component of the project runs.
            EngineUnavailable: no engine answers.
            ToxiproxyFailure: a Toxiproxy does not answer.
        """
        if self._current is not None:
            raise UsageError("this runtime is already attached", remedy="make another one for another stay")
        toxiproxies, touch, entries = self._given
        self._current = Stay(
            self.project, self._run_id, self._clock, toxiproxies=toxiproxies, touch=touch, entries=entries
        )
        allowed = ", ".join(self._stay.touch.names) or "nothing, so faults cannot be injected"
        self._progress(
            f"attached to {self.project}: {len(self.components)} components, {len(self.links)} links; "
            f"may touch: {allowed}"
        )
        for warning in self.warnings:
            self._progress(f"warning: {warning}")

    def close(self) -> None:
        """Undo every change of this run, and detach; may be called again.

        Raises:
            NotLifted: a change could not be undone; the reaper tries again when this process ends.
        """
        there, self._current = self._current, None
        if there is not None:
            there.close()

    def revive(self) -> None:
        """Start and resume every component that this run took down or froze."""
        self._stay.acts.revive()

    @property
    def _stay(self) -> Stay:
        if self._current is None:
            raise RuntimeFailure("this runtime is not attached", remedy="call start() first")
        return self._current

    def permit(self, steps: Sequence[Undo], impact: Impact) -> None:
        """Raise unless all targets may be touched, and are up so that a fault can take them down."""
        self._stay.touch.permit(steps, impact)
        self._stay.acts.check(steps)

    def state(self, component: str) -> State:
        """What the engine says of it now."""
        return self._stay.lifecycle.state(component)

    def logs(self, component: str, lines: int = 20) -> str:
        """The last lines of its output."""
        return self._stay.lifecycle.logs(component, lines)

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        """The lines that it wrote between two moments of the engine's clock."""
        return self._stay.output.lines(component, since, until)

    def wall_offset(self) -> float:
        """Seconds since 1970 by the engine's clock at which the run's clock read 0."""
        return self._stay.output.wall_offset()

    def stats(self, component: str) -> Mapping[str, float]:
        """``cpu_seconds``, ``memory_bytes`` and ``processes`` of it now."""
        return self._stay.lifecycle.stats(component)

    def environment(self, component: str) -> Mapping[str, str]:
        """The environment that it was started with."""
        return self._stay.lifecycle.environment(component)

    def address(self, component: str, port: int) -> tuple[str, int]:
        """The address at which this machine reaches a port of the component."""
        return self._stay.address(component, port)

    def ports(self, component: str) -> tuple[int, ...]:
        """The TCP ports that it is known to serve."""
        return self._stay.ports(component)

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> Executed:
        """Run a command inside it, if it may be touched, because a command may change anything."""
        self._stay.touch.component(component, f"run {command[0]} in it")
        return self._stay.lifecycle.execute(component, command, timeout)

    def meter(self, links: Sequence[Link]) -> Meter:
        """Count the requests over these links from now on, with a sidecar beside Toxiproxy."""
        for link in links:
            self._stay.touch.link(link, "count the requests over it, in Toxiproxy's network")
        return self._stay.guest.cuts.meter([self._stay.guest.at(link) for link in links])

    def sharing(self, component: str) -> tuple[str, ...]:
        """The other components that share its network, processes or IPC."""
        return self._stay.sharing(component)

    def kill(self, component: str) -> None:
        """Kill it with SIGKILL. It stays down until it is started."""
        self._stay.touch.component(component, "kill it")
        self._stay.acts.down(component, lambda: self._stay.lifecycle.kill(component))

    def stop(self, component: str, timeout: float = 10.0) -> None:
        """Send its stop signal, and SIGKILL after ``timeout`` seconds. It stays down until it is started."""
        self._stay.touch.component(component, "stop it")
        self._stay.acts.down(component, lambda: self._stay.lifecycle.stop(component, timeout))

    def start_component(self, component: str) -> None:
        """Start it again, if this run took it down."""
        self._stay.touch.component(component, "start it")
        self._stay.acts.start(component)

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """Stop and start it."""
        self._stay.touch.component(component, "restart it")
        self._stay.acts.restart(component, timeout)

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """Refuse: a guest could not restore the container that it replaced."""
        raise irreplaceable(component)

    def pause(self, component: str) -> None:
        """Freeze all of its processes."""
        self._stay.touch.component(component, "pause it")
        self._stay.acts.pause(component)

    def resume(self, component: str) -> None:
        """Let its processes run again, if this run froze them."""
        self._stay.acts.resume(component)

    def flood(self, component: str, plan: FloodPlan) -> Flood:
        """Start to send it requests from many clients."""
        self._stay.touch.component(component, "flood it")
        return self._stay.floods.start(component, plan)

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Wait until the components that ran on entry serve again as they did then."""
        names = [each.name for each in self.components] if components is None else components
        self._stay.readiness.wait(names, timeout)

    def toxics(self, link: Link) -> tuple[Toxic, ...]:
        """The toxics of this run on a link, without those of others."""
        return self._stay.guest.toxiproxies.toxics(self._stay.guest.at(link).toxiproxy, link.proxy)

    def add_toxic(self, link: Link, toxic: Toxic) -> None:
        """Put a toxic on a link; its name in Toxiproxy contains this run's id."""
        self._stay.touch.link(link, f"put a {toxic.kind} toxic on it")
        self._stay.acts.add_toxic(self._stay.guest.at(link), toxic)

    def remove_toxic(self, link: Link, name: str) -> None:
        """Take a toxic of this run off a link."""
        self._stay.acts.remove_toxic(self._stay.guest.at(link), name)

    def cut(self, link: Link, how: Cut) -> None:
        """Cut a link with ``refuse`` (its proxy is disabled) or ``hang``."""
        self._stay.touch.link(link, "cut it")
        self._stay.acts.cut(self._stay.guest.at(link), how)

    def mend(self, link: Link) -> None:
        """Mend a link that this run cut."""
        self._stay.acts.mend(self._stay.guest.at(link))

    def cuts(self) -> Mapping[Link, Cut]:
        """The links that this run has cut, as read back."""
        return self._stay.guest.cuts.active(self._stay.guest.placed.values())

    def connect(self, link: Link, timeout: float = 2.0) -> str:
        """What a new connection over the link meets."""
        return self._stay.connect(self._stay.guest.at(link), timeout)

    def exchange(
        self, link: Link, said: bytes, *, until: Until = "answer", patience: float = 2.0, past: bool = False
    ) -> Exchange:
        """What comes of a fresh connection over the link."""
        return self._stay.exchange(self._stay.guest.at(link), said, until, patience, past=past)

    def out_of_step(self, component: str) -> tuple[Link, ...]:
        """Always empty: keeping the user's proxies in step with their providers is the user's task."""
        return ()

    def reset_links(self) -> None:
        """Mend every link that this run cut, and take this run's toxics off."""
        self._stay.acts.reset_links()

    def undo(self, step: Undo) -> None:
        """Take one undo step of a fault; only changes of this run are undone."""
        if step.action == "restart":
            self._stay.touch.component(step.target, "restart it")
        if step.action in ("mend", "remove_toxic") and step.target not in self._stay.guest.placed:
            raise ChaoskitError(f"no Toxiproxy has a proxy called {step.target!r}")
        self._stay.acts.take(step)
