"""The words that runtimes and faults share: plain data about links, components and undoing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Cut = Literal["refuse", "silent", "hang"]
"""How a link is dead. ``refuse``: connecting is refused at once and open connections are closed.
``silent``: packets vanish, as to a dead host; no answer to SYN, nothing on open connections.
``hang``: connecting works, then nothing more is ever said."""


Until = Literal["answer", "end"]
"""What an exchange waits for."""


@dataclass(frozen=True, slots=True)
class Toxic:
    """A Toxiproxy toxic, in chaoskit's units.

    Attributes:
        name: unique on its proxy.
        kind: ``latency``, ``bandwidth``, ``slow_close``, ``timeout``, ``reset_peer``, ``slicer``
            or ``limit_data``.
        stream: ``upstream`` (consumer → provider) or ``downstream``.
        attributes: floats are seconds (``latency``, ``jitter``, ``timeout``, ``delay``), bytes
            per second (``rate_bytes_per_s``) or bytes (``size_bytes``, ``variation_bytes``, …).
        toxicity: the share of connections it acts on.
    """

    name: str
    kind: str
    stream: Literal["upstream", "downstream"] = "downstream"
    attributes: Mapping[str, float] = field(default_factory=dict)
    toxicity: float = 1.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a fresh connection over a link on which something was said at once.

    Attributes:
        met: ``answered``; ``closed`` (without an answer, or at its end); ``reset``; ``quiet`` (connected,
            and nothing came in time); ``refused``; ``silent`` (no connection in time).
        seconds: from before connecting until then.
        heard_bytes: how many bytes came first; 0 for none.
    """

    met: str
    seconds: float
    heard_bytes: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """What the engine says of a component.

    Attributes:
        status: ``created``, ``running``, ``paused``, ``restarting``, ``exited``, ``dead``, ``missing``.
        started_at: the engine's own time stamp of its last start, as text; two starts differ.
        exit_code: of the last run; ``None`` while it runs.
        health: ``healthy``, ``unhealthy``, ``starting``, or ``None`` without a health check.
        restarts: how often the engine has restarted it by itself.
        out_of_memory: whether the kernel killed its last run for memory.
        image: what it was made from, by the name it was asked for.
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
        """Running, and not known to be unhealthy or still starting."""
        return self.status == "running" and self.health in (None, "healthy")


@dataclass(frozen=True, slots=True)
class Executed:
    """What a command inside a component left: its exit code and its output, both streams."""

    exit_code: int
    output: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a component wrote.

    Attributes:
        written: when, in seconds since 1970 by the clock of the engine that took it.
        text: the line, without its line end.
    """

    written: float
    text: str


@dataclass(frozen=True, slots=True)
class Undo:
    """One step that takes back part of a fault; plain data, so that it can be on disk beforehand.

    Attributes:
        action: ``remove_toxic``, ``mend``, ``resume``, ``start``, ``restart`` or ``disconnect``.
            ``restart`` is for what does not outlive the component's process, and is taken whatever
            state the component is in. ``disconnect`` is the fault's own affair: it ends with its
            process, and the step says where.
        target: the component, or the link's proxy name.
        detail: whatever else the step needs, JSON-able strings and numbers only. ``how`` is the cut
            that is mended; ``replaced`` says that the component's container is another one afterwards.
    """

    action: Literal["remove_toxic", "mend", "resume", "start", "restart", "disconnect"]
    target: str
    detail: Mapping[str, Any] = field(default_factory=dict)
