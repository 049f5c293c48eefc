"""A system under test on a Docker engine: what the user's compose file says, behind Toxiproxy."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, TracebackType

from chaoskit.clock import Clock, MonotonicClock
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.containers.started.proxies import Proxies
from chaoskit.containers.started.run import Running
from chaoskit.containers.started.startup import Planned, begin, plan
from chaoskit.errors import ChaoskitError, RuntimeFailure, UsageError
from chaoskit.flood import Flood, FloodPlan
from chaoskit.runtime import Cut, Exchange, Executed, LogLine, Meter, State, Toxic, Undo, Until
from chaoskit.system import HARNESS, Component, Impact, Link, System


class DockerRuntime:
    """See :class:`chaoskit.runtime.Runtime` for what each method promises.

    As a context manager it starts on entry and closes on exit.

    Args:
        system: the declaration.
        clock: the clock of the run.
        run_id: its label; lower-case letters and digits. Made up by default.
        keep: leave the system running at the end; ``chaoskit clean`` removes it.
        progress: takes a line whenever something that takes time begins.
    """

    def __init__(
        self,
        system: System,
        *,
        clock: Clock | None = None,
        run_id: str | None = None,
        keep: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        if run_id is not None and not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", run_id):
            raise UsageError(f"{run_id!r} cannot be a run's id", remedy="use up to 40 of a-z, 0-9, - and _")
        self.system = system
        self._run_id = run_id or secrets.token_hex(4)
        self._clock: Clock = clock or MonotonicClock()
        self._keep = keep
        self._progress = progress or (lambda line: None)
        self._running: Running | None = None
        self._planned: Planned | None = None

    def __enter__(self) -> DockerRuntime:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def run_id(self) -> str:
        """The label that everything of this run carries."""
        return self._run_id

    @property
    def clock(self) -> Clock:
        """The clock of this run."""
        return self._clock

    @property
    def components(self) -> tuple[Component, ...]:
        """The containers of the system, without the harness's own."""
        return self._run.interposed.components

    @property
    def links(self) -> tuple[Link, ...]:
        """The links that are known by now, without those of the harness."""
        return tuple(link for link in self._proxies.links() if link.consumer != HARNESS)

    @property
    def knows_all_links(self) -> bool:
        """Yes: there is no other way between two components."""
        return True

    def used_links(self) -> tuple[Link, ...]:
        """Those of :attr:`links` that carried a byte or have a connection open now."""
        return tuple(link for link in self._proxies.used() if link.consumer != HARNESS)

    @property
    def entries(self) -> Mapping[str, str]:
        """The published ports: ``component:port`` → ``127.0.0.1:12345``."""
        return MappingProxyType(self._proxies.doors.entries())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not quite as it is without chaoskit, each one sentence."""
        return (*self._proxies.warnings(), *self._run.readiness.warnings())

    def plan(self) -> Planned:
        """The system as it is about to be started: resolved and rewritten, once.

        Raises:
            UsageError: the compose file is not what it should be.
            EngineUnavailable: there is no ``docker compose``.
        """
        self._planned = self._planned or plan(self._run_id, self.system)
        return self._planned

    def start(self) -> None:
        """Start everything and return when all of it is ready;
        see :func:`chaoskit.containers.started.startup.begin`.
        """
        if self._running is not None:
            raise UsageError("this runtime has been started already")
        planned = self.plan()
        try:
            self._running = Running(self._run_id, self._clock, self._progress)
            begin(self._running, self.system, planned, keep=self._keep)
        except BaseException as error:
            try:
                self._finish(keep=False)
            except ChaoskitError as left:
                error.add_note(str(left))  # the first error is the one to read
            raise

    def close(self) -> None:
        """Remove everything that carries the run's label, or leave it as it is for ``keep``."""
        self._finish(keep=self._keep)

    def _finish(self, *, keep: bool) -> None:
        if self._running is not None:
            self._running.close(keep=keep)
            self._running = None

    @property
    def _run(self) -> Running:
        if self._running is None:
            raise RuntimeFailure("the system does not run", remedy="call start() first")
        return self._running

    @property
    def _proxies(self) -> Proxies:
        return self._run.proxies

    @property
    def _lifecycle(self) -> Lifecycle:
        return self._run.lifecycle

    def permit(self, steps: Sequence[Undo], impact: Impact) -> None:
        """Everything: this run has started the system, and removes it."""

    def state(self, component: str) -> State:
        """What the engine says of it now."""
        return self._lifecycle.state(component)

    def logs(self, component: str, lines: int = 20) -> str:
        """The last lines of its output."""
        return self._lifecycle.logs(component, lines)

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        """The lines that it wrote between two moments of the engine's clock."""
        return self._run.output.lines(component, since, until)

    def wall_offset(self) -> float:
        """Seconds since 1970 by the engine's clock at which the run's clock read 0."""
        return self._run.output.wall_offset()

    def stats(self, component: str) -> Mapping[str, float]:
        """``cpu_seconds``, ``memory_bytes`` and ``processes`` of it now."""
        return self._lifecycle.stats(component)

    def environment(self, component: str) -> Mapping[str, str]:
        """The environment it was started with."""
        return self._lifecycle.environment(component)

    def address(self, component: str, port: int) -> tuple[str, int]:
        """Where the harness reaches a port of the component."""
        return self._proxies.address(component, port)

    def ports(self, component: str) -> tuple[int, ...]:
        """The TCP ports it is known to serve."""
        return self._proxies.ports(component)

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> Executed:
        """Run a command inside it."""
        return self._lifecycle.execute(component, command, timeout)

    def meter(self, links: Sequence[Link]) -> Meter:
        """Count from now on what is asked over these links."""
        return self._proxies.cuts.meter([self._proxies.placed(link) for link in links])

    def sharing(self, component: str) -> tuple[str, ...]:
        """The other components that share its network, processes or IPC."""
        return self._run.replacing.sharing(component)

    def kill(self, component: str) -> None:
        """SIGKILL. It stays down until it is started."""
        with self._proxies.doomed(component):
            self._then_in_step(component, lambda: self._lifecycle.kill(component))

    def stop(self, component: str, timeout: float = 10.0) -> None:
        """Its stop signal, then SIGKILL after ``timeout``. It stays down until it is started."""
        self._then_in_step(component, lambda: self._lifecycle.stop(component, timeout))

    def start_component(self, component: str) -> None:
        """Start it again. Does not wait for readiness."""
        self._then_in_step(component, lambda: self._lifecycle.start(component))

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """Stop and start."""
        self._then_in_step(component, lambda: self._lifecycle.restart(component, timeout))

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """Another release takes its place. Does not wait for readiness."""
        self._run.replacing.replace(component, image=image, environment=environment, grace=grace)

    def pause(self, component: str) -> None:
        """Freeze all of its processes."""
        self._lifecycle.pause(component)

    def resume(self, component: str) -> None:
        """Let them run again."""
        self._lifecycle.resume(component)

    def flood(self, component: str, plan: FloodPlan) -> Flood:
        """Begin to send it requests from many clients."""
        return self._run.floods.start(component, plan)

    def _then_in_step(self, component: str, do: Callable[[], None]) -> None:
        """When a call returns, consumers meet what it has done: the proxies are in step."""
        try:
            do()
        finally:
            self._run.watcher.refresh(component)

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Wait until the components serve and their declared ports listen."""
        names = [each.name for each in self.components] if components is None else components
        self._run.readiness.wait(names, timeout)

    def toxics(self, link: Link) -> tuple[Toxic, ...]:
        """The toxics on it now."""
        return self._proxies.toxiproxies.toxics(self._proxies.placed(link).toxiproxy, link.proxy)

    def add_toxic(self, link: Link, toxic: Toxic) -> None:
        """Put a toxic on it."""
        self._proxies.toxiproxies.add_toxic(self._proxies.placed(link).toxiproxy, link.proxy, toxic)

    def remove_toxic(self, link: Link, name: str) -> None:
        """Take a toxic off it."""
        self._proxies.toxiproxies.remove_toxic(self._proxies.placed(link).toxiproxy, link.proxy, name)

    def cut(self, link: Link, how: Cut) -> None:
        """Make it dead."""
        self._proxies.cut(link, how)

    def mend(self, link: Link) -> None:
        """Take back a cut."""
        self._proxies.mend(link)

    def cuts(self) -> Mapping[Link, Cut]:
        """The links that are cut now, as read back."""
        return self._proxies.active_cuts()

    def connect(self, link: Link, timeout: float = 2.0) -> str:
        """What a fresh connection over the link meets."""
        return self._proxies.cuts.connect(self._proxies.placed(link), timeout)

    def exchange(
        self, link: Link, said: bytes, *, until: Until = "answer", patience: float = 2.0, past: bool = False
    ) -> Exchange:
        """What comes of a fresh connection over the link."""
        return self._proxies.cuts.exchange(self._proxies.placed(link), said, until, patience, past=past)

    def out_of_step(self, component: str) -> tuple[Link, ...]:
        """Links to it that let connections through although it does not listen, or the other way."""
        return tuple(link for link in self._proxies.out_of_step(component) if link.consumer != HARNESS)

    def reset_links(self) -> None:
        """Take every toxic and every cut off every link."""
        for link in self.cuts():
            self.mend(link)
        self._proxies.toxiproxies.reset()

    def undo(self, step: Undo) -> None:
        """Take one step of a fault's undoing; one that was taken already changes nothing.

        ``disconnect`` is the fault's own affair and is passed over.
        """
        if step.action == "remove_toxic":
            self.remove_toxic(self._proxies.link(step.target), str(step.detail["name"]))
        elif step.action == "mend":
            self.mend(self._proxies.link(step.target))
        elif step.action == "resume":
            self.resume(step.target)
        elif step.action == "start":
            self.start_component(step.target)
        elif step.action == "restart":
            self.restart(step.target)
