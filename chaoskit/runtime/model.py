"""Plain data about links, components and undo steps that runtimes and faults share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Cut = Literal["refuse", "silent", "hang"]
"""How a link is dead. ``refuse``: new connections are refused at once, and open ones are closed.
``silent``: packets vanish as on the way to a dead host; SYN gets no answer, open connections get nothing.
``hang``: connecting works, and then nothing follows."""


Until = Literal["answer", "end"]
"""The event that ends an exchange."""


@dataclass(frozen=True, slots=True)
class Toxic:
    """A Toxiproxy toxic, in chaoskit's units.

    Attributes:
        name: unique on its proxy.
        kind: ``latency``, ``bandwidth``, ``slow_close``, ``timeout``, ``reset_peer``, ``slicer`` or
            ``limit_data``.
        stream: ``upstream`` (consumer → provider) or ``downstream``.
        attributes: floats are seconds (``latency``, ``jitter``, ``timeout``, ``delay``), bytes per second
            (``rate_bytes_per_s``) or bytes (``size_bytes``, ``variation_bytes``, …).
        toxicity: the share of connections that the toxic affects.
    """

    name: str
    kind: str
    stream: Literal["upstream", "downstream"] = "downstream"
    attributes: Mapping[str, float] = field(default_factory=dict)
    toxicity: float = 1.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """The result of a fresh connection over a link on which the consumer sent bytes at once.

    Attributes:
        met: ``answered``; ``closed`` (without an answer, or at its end); ``reset``; ``quiet`` (connected, and
            nothing arrived in time); ``refused``; ``silent`` (no connection in time).
        seconds: the time from before the connection attempt until the result.
        heard_bytes: how many bytes arrived first; 0 for none.
    """

    met: str
    seconds: float
    heard_bytes: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """The state of a component, according to the engine.

    Attributes:
        status: ``created``, ``running``, ``paused``, ``restarting``, ``exited``, ``dead``, ``missing``.
        started_at: the engine's time stamp of the last start, as text; two starts differ.
        exit_code: of the last run; ``None`` while the component runs.
        health: ``healthy``, ``unhealthy``, ``starting``, or ``None`` without a health check.
        restarts: how often the engine has restarted the component by itself.
        out_of_memory: whether the kernel killed the last run for lack of memory.
        image: the image of the container, by the name with which it was requested.
    """

    status: str
    started_at: str = ""
    exit_code: int | None = None
    health: str | None = None
    restarts: int = 0
    out_of_memory: bool = False
    image: str = ""

    @property
    def serving(self) -> bool:
        """Whether it runs, and is not known to be unhealthy or still starting."""
        return self.status == "running" and self.health in (None, "healthy")


@dataclass(frozen=True, slots=True)
class Executed:
    """The result of a command inside a component: the exit code, and the output of both streams."""

    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a component wrote.

    Attributes:
        written: when the engine took the line, in seconds since 1970 by its clock.
        text: the line, without its line end.
    """

    written: float
    text: str


@dataclass(frozen=True, slots=True)
class Undo:
    """One step that undoes part of a fault. It is plain data, so that it can be on disk before the fault.

    Attributes:
        action: ``remove_toxic``, ``mend``, ``resume``, ``start``, ``restart`` or ``disconnect``. ``restart``
            is for an effect that ends with the component's process, and is taken whatever state the
            component is in. ``disconnect`` is the fault's own work: it ends with the fault's process, and
            the step says where.
        target: the component, or the proxy name of the link.
        detail: what else the step needs, as JSON-able strings and numbers. ``how`` is the cut to mend;
            ``replaced`` says that the component has another container afterwards.
    """

    action: Literal["remove_toxic", "mend", "resume", "start", "restart", "disconnect"]
    target: str
    detail: Mapping[str, Any] = field(default_factory=dict)
