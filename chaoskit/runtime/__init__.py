"""What a place where systems run must offer; ``docker.py`` and ``memory.py`` are such places.

Faults, probes and experiments know this protocol and nothing of Docker. Components go by the
names of :class:`chaoskit.system.Component`, links by :class:`chaoskit.system.Link`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from chaoskit.clock import Clock
from chaoskit.flood import Flood, FloodPlan
from chaoskit.runtime.model import Cut, Exchange, Executed, LogLine, State, Toxic, Undo, Until
from chaoskit.system import Component, Impact, Link

__all__ = [
    "Cut",
    "Exchange",
    "Executed",
    "LogLine",
    "Meter",
    "Runtime",
    "State",
    "Toxic",
    "Undo",
    "Until",
]


class Meter(Protocol):
    """Counts what consumers ask over some links, from when it was made."""

    def read(self) -> int:
        """Requests so far, whatever their size: segments that end a write of the consumer."""
        ...

    def close(self) -> None:
        """Count no more. May be called again."""
        ...


class Runtime(Protocol):
    """A running system under test, and everything that can be done to it.

    Every call has a deadline of its own and raises :class:`chaoskit.errors.HarnessFailure` or
    :class:`chaoskit.errors.EnvironmentFailure` rather than wait for ever.
    """

    @property
    def run_id(self) -> str:
        """The label that everything of this run carries."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of this run."""
        ...

    @property
    def components(self) -> tuple[Component, ...]:
        """The containers of the system, without the harness's own."""
        ...

    @property
    def links(self) -> tuple[Link, ...]:
        """The links between components and from outside, as known by now; ports that are found
        at run time add to them. Links of the harness itself are not among them.
        """
        ...

    @property
    def knows_all_links(self) -> bool:
        """Whether components can reach each other over :attr:`links` only, so that none is missing."""
        ...

    @property
    def entries(self) -> Mapping[str, str]:
        """The published ports: ``component:port`` → ``127.0.0.1:12345``."""
        ...

    def start(self) -> None:
        """Start everything and return when all of it is ready.

        Raises:
            EnvironmentFailure: an image, the engine, Compose or a component is the obstacle.
        """
        ...

    def close(self) -> None:
        """Remove everything that carries the run's label. May be called at any time, and again."""
        ...

    def permit(self, steps: Sequence[Undo], impact: Impact) -> None:
        """Whether a fault may be injected that is undone by these steps and has this impact; looks only.

        Whoever has started a system may do anything to it; one who is a guest, only what he was told.

        Raises:
            UsageError: it may not, and how to allow it.
        """
        ...

    # Looking at a component.

    def state(self, component: str) -> State:
        """What the engine says of it now."""
        ...

    def logs(self, component: str, lines: int = 20) -> str:
        """The last lines of its output."""
        ...

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        """The lines that it wrote from ``since`` to ``until``, both streams, in their order.

        Args:
            since, until: seconds since 1970 by the engine's clock; see :meth:`wall_offset`. Of very
                many lines the first ones come.
        """
        ...

    def wall_offset(self) -> float:
        """Seconds since 1970 by the engine's clock at which :attr:`clock` read 0, as measured now."""
        ...

    def stats(self, component: str) -> Mapping[str, float]:
        """``cpu_seconds``, ``memory_bytes`` and ``processes`` of it now."""
        ...

    def environment(self, component: str) -> Mapping[str, str]:
        """The environment it was started with: where faults find an engine's credentials."""
        ...

    def address(self, component: str, port: int) -> tuple[str, int]:
        """Where the harness reaches a port of the component, through its own, never harmed link."""
        ...

    def ports(self, component: str) -> tuple[int, ...]:
        """The TCP ports it is known to serve, by declaration or because it listens on them."""
        ...

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> Executed:
        """Run a command inside it."""
        ...

    def meter(self, links: Sequence[Link]) -> Meter:
        """Count from now on what is asked over these links."""
        ...

    def sharing(self, component: str) -> tuple[str, ...]:
        """The other components that share its network, processes or IPC: its sidecars, or the one
        whose sidecar it is.
        """
        ...

    # Doing something to a component. Each returns when the engine confirms the new state.

    def kill(self, component: str) -> None:
        """SIGKILL. It stays down until it is started, whatever its restart policy."""
        ...

    def stop(self, component: str, timeout: float = 10.0) -> None:
        """Its stop signal, then SIGKILL after ``timeout``. It stays down until it is started."""
        ...

    def start_component(self, component: str) -> None:
        """Start it again, with its restart policy as declared. Does not wait for readiness."""
        ...

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """Stop and start."""
        ...

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """Another release takes its place, as a deploy has it: a new container from the same
        configuration, under the same name and addresses. Does not wait for readiness.

        Args:
            component: who is replaced.
            image: what the new one is made from; the same by default. It must be there already.
            environment: variables that differ; ``None`` takes one away.
            grace: seconds between the old one's stop signal and SIGKILL.

        Raises:
            RuntimeFailure: it shares a namespace with another component, or the new container
                cannot be made or started; then the old one runs as before.
        """
        ...

    def pause(self, component: str) -> None:
        """Freeze all of its processes: it keeps its connections and answers nothing."""
        ...

    def resume(self, component: str) -> None:
        """Let them run again."""
        ...

    def flood(self, component: str, plan: FloodPlan) -> Flood:
        """Begin to send it requests from many clients, beside it and not through its links. Returns
        at once; the flood ends by itself, and as soon as this process does.
        """
        ...

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Wait until the components (all by default) serve and every one of their declared ports
        listens.

        Raises:
            NotReady: with the component, the condition, the limit, its state and its last log lines.
        """
        ...

    # Doing something to a link. Each reads the state back and compares it with what was asked.

    def toxics(self, link: Link) -> tuple[Toxic, ...]:
        """The toxics on it now."""
        ...

    def add_toxic(self, link: Link, toxic: Toxic) -> None:
        """Put a toxic on it."""
        ...

    def remove_toxic(self, link: Link, name: str) -> None:
        """Take a toxic off it; one that is not there is no error."""
        ...

    def cut(self, link: Link, how: Cut) -> None:
        """Make it dead, for open and for new connections."""
        ...

    def mend(self, link: Link) -> None:
        """Take back a cut; a link that is not cut is no error."""
        ...

    def cuts(self) -> Mapping[Link, Cut]:
        """The links that are cut now, as read back from where the cut is made."""
        ...

    def connect(self, link: Link, timeout: float = 2.0) -> str:
        """What a fresh connection over the link meets: ``open``, ``refused``, ``silent`` or
        ``hang``, as seen from the consumer's network, not as configured: evidence.
        """
        ...

    def exchange(
        self, link: Link, said: bytes, *, until: Until = "answer", patience: float = 2.0, past: bool = False
    ) -> Exchange:
        """What comes of a fresh connection over the link, and how long it takes, measured in the
        consumer's network: evidence of what toxics do.

        Args:
            link: over which link.
            said: what is said as soon as it is connected.
            until: ``answer`` ends with the first bytes that come; ``end`` closes the sending side, and
                ends when the other side is closed as well.
            patience: seconds after which it is given up.
            past: whether it goes past the link's proxy: from where that runs, to the provider itself.
        """
        ...

    def out_of_step(self, component: str) -> tuple[Link, ...]:
        """The links to it that let connections through although it does not listen, or refuse them
        although it does; read back. Those that are cut on purpose are left out."""
        ...

    def reset_links(self) -> None:
        """Take every toxic and every cut off every link, and read back that it is so.

        Raises:
            ToxiproxyFailure: something is still there.
        """
        ...

    def undo(self, step: Undo) -> None:
        """Take one step of an undo log; one that is not needed any more is no error."""
        ...
