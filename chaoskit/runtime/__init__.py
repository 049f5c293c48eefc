"""The contract of a place where systems run. ``memory.py`` and the runtimes of ``containers/`` fulfil it.

Faults, probes and experiments know this protocol and nothing of Docker. Components go by the names of
:class:`chaoskit.system.Component`, links by :class:`chaoskit.system.Link`.
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
    """Counts the requests of consumers over some links, from the moment it was made."""

    def read(self) -> int:
        """Requests so far, of any size: segments that end a write of the consumer."""
        ...

    def close(self) -> None:
        """Stop counting. May be called again."""
        ...


class Runtime(Protocol):
    """A running system under test, and everything that can be done to it.

    Every call has a deadline of its own. It raises :class:`chaoskit.errors.HarnessFailure` or
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
        """The links between components and from outside that are known by now; ports found at run time add to
        them. Links of the harness are not among them.
        """
        ...

    @property
    def knows_all_links(self) -> bool:
        """Whether components can reach each other only over :attr:`links`, so that no link is missing."""
        ...

    @property
    def entries(self) -> Mapping[str, str]:
        """The published ports: ``component:port`` → ``127.0.0.1:12345``."""
        ...

    def start(self) -> None:
        """Start everything, and return when all of it is ready.

        Raises:
            EnvironmentFailure: an image, the engine, Compose or a component prevents it.
        """
        ...

    def close(self) -> None:
        """Remove everything that carries the run's label. May be called at any time, and again."""
        ...

    def permit(self, steps: Sequence[Undo], impact: Impact) -> None:
        """Check that a fault with these undo steps and this impact may be injected; change nothing.

        A run may do anything to a system that it started. It may do to an attached system only what the user
        has allowed.

        Raises:
            UsageError: the fault may not be injected; the message says how to allow it.
        """
        ...

    # Looks at a component.

    def state(self, component: str) -> State:
        """The state of a component now, according to the engine."""
        ...

    def logs(self, component: str, lines: int = 20) -> str:
        """The last lines of a component's output."""
        ...

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        """The lines that a component wrote from ``since`` to ``until``, both streams, in their order.

        Args:
            since, until: seconds since 1970 by the engine's clock; see :meth:`wall_offset`. Of very many
                lines only the first ones come.
        """
        ...

    def wall_offset(self) -> float:
        """Seconds since 1970 by the engine's clock at which :attr:`clock` read 0, as measured now."""
        ...

    def stats(self, component: str) -> Mapping[str, float]:
        """``cpu_seconds``, ``memory_bytes`` and ``processes`` of a component now."""
        ...

    def environment(self, component: str) -> Mapping[str, str]:
        """The environment variables that a component was started with; faults find credentials here."""
        ...

    def address(self, component: str, port: int) -> tuple[str, int]:
        """The host and port at which the harness reaches a port of a component, over its own faultless
        link.
        """
        ...

    def ports(self, component: str) -> tuple[int, ...]:
        """The TCP ports that a component is known to serve, because it declares them or listens on them."""
        ...

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> Executed:
        """Run a command inside a component."""
        ...

    def meter(self, links: Sequence[Link]) -> Meter:
        """Count the requests over these links from now on."""
        ...

    def sharing(self, component: str) -> tuple[str, ...]:
        """The other components that share a component's network, processes or IPC: its sidecars, or the
        component whose sidecar it is.
        """
        ...

    # Actions on a component. Each returns when the engine confirms the new state.

    def kill(self, component: str) -> None:
        """Send SIGKILL. The component stays down until it is started, whatever its restart policy."""
        ...

    def stop(self, component: str, timeout: float = 10.0) -> None:
        """Send the stop signal, then SIGKILL after ``timeout``. The component stays down until it is
        started.
        """
        ...

    def start_component(self, component: str) -> None:
        """Start a component again, with its declared restart policy. Does not wait until it is ready."""
        ...

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """Stop a component and start it again."""
        ...

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """Replace a component by another release, as a deploy does: by a new container from the same
        configuration, with the same name and addresses. Does not wait until it is ready.

        Args:
            component: the component to replace.
            image: the image of the new container; the same by default. It must be on the engine already.
            environment: variables that differ; ``None`` removes one.
            grace: seconds between the stop signal to the old container and SIGKILL.

        Raises:
            RuntimeFailure: the component shares a namespace with another one, or the new container cannot
                be made or started; the old container then runs as before.
        """
        ...

    def pause(self, component: str) -> None:
        """Freeze all processes of a component: it keeps its connections and answers nothing."""
        ...

    def resume(self, component: str) -> None:
        """Let the processes of a paused component run again."""
        ...

    def flood(self, component: str, plan: FloodPlan) -> Flood:
        """Begin to send requests from many clients to a component, from beside it and not over its links.

        Returns at once. The flood ends by itself, and at the latest with this process.
        """
        ...

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Wait until the components (all by default) serve and each of their declared ports listens.

        Raises:
            NotReady: with the component, the condition, the limit, its state and its last log lines.
        """
        ...

    # Actions on a link. Each reads the state back and compares it with what was asked for.

    def toxics(self, link: Link) -> tuple[Toxic, ...]:
        """The toxics on a link now."""
        ...

    def add_toxic(self, link: Link, toxic: Toxic) -> None:
        """Put a toxic on a link."""
        ...

    def remove_toxic(self, link: Link, name: str) -> None:
        """Remove a toxic from a link; a missing toxic is not an error."""
        ...

    def cut(self, link: Link, how: Cut) -> None:
        """Make a link dead, for open and for new connections."""
        ...

    def mend(self, link: Link) -> None:
        """Undo the cut of a link; a link that is not cut is not an error."""
        ...

    def cuts(self) -> Mapping[Link, Cut]:
        """The links that are cut now, read back from where the cut is made."""
        ...

    def connect(self, link: Link, timeout: float = 2.0) -> str:
        """The result of a fresh connection over a link: ``open``, ``refused``, ``silent`` or ``hang``. It is
        measured in the consumer's network, not read from the configuration, so it is evidence.
        """
        ...

    def exchange(
        self, link: Link, said: bytes, *, until: Until = "answer", patience: float = 2.0, past: bool = False
    ) -> Exchange:
        """The result of a fresh connection over a link and of the bytes sent on it, with the time that it
        took.
        It is measured in the consumer's network: evidence of the effect of toxics.

        Args:
            link: the link.
            said: the bytes that the consumer sends as soon as it is connected.
            until: ``answer`` ends with the first bytes that arrive; ``end`` closes the sending side, and ends
                when the other side is closed as well.
            patience: seconds after which the exchange is given up.
            past: whether to go past the link's proxy: from the place of the proxy to the provider itself.
        """
        ...

    def out_of_step(self, component: str) -> tuple[Link, ...]:
        """The links to a component that let connections through although it does not listen, or refuse them
        although it does; read back. Links that are cut on purpose are left out.
        """
        ...

    def reset_links(self) -> None:
        """Remove every toxic and every cut from every link, and read back that they are gone.

        Raises:
            ToxiproxyFailure: a toxic or a cut is still there.
        """
        ...

    def undo(self, step: Undo) -> None:
        """Take one step of an undo log; a step that is no longer necessary is not an error."""
        ...
