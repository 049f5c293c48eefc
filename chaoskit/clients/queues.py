"""Probes of job queues: how deep a queue is, how long its oldest job has waited, and how to put jobs.

A probe is frozen data, as a fault is. The probes for Redis and PostgreSQL stand beside this file. For another
kind of queue give functions to :class:`CallableQueue`, or write a subclass of :class:`Queue`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from chaoskit.errors import UsageError
from chaoskit.record.masking import MASK
from chaoskit.runtime import Runtime

OWN_QUEUE_REMEDY = (
    "For another kind of queue give functions of the runtime to CallableQueue(component, depth=…), or "
    "subclass faults.Queue"
)


@dataclass(frozen=True, repr=False)
class Queue(ABC):
    """A queue in a component. A field that holds a secret has ``repr=False``.

    Attributes:
        component: the component that the queue lives in.
    """

    component: str

    @property
    def can_put(self) -> bool:
        """Whether :meth:`put` can put jobs."""
        return False

    @abstractmethod
    def depth(self, runtime: Runtime) -> int:
        """How many jobs wait or are being worked on, as far as the queue knows of them.

        Raises:
            HarnessFailure: the queue cannot be read.
        """

    def oldest(self, runtime: Runtime) -> float | None:
        """How long the oldest job has waited, in seconds; ``None`` where that is not known.

        Raises:
            HarnessFailure: the queue cannot be read.
        """
        return None

    def put(self, runtime: Runtime, count: int) -> None:
        """Put ``count`` jobs.

        Raises:
            HarnessFailure: not all of the jobs were put.
            UsageError: this probe cannot put jobs.
        """
        raise UsageError(f"{self!r} cannot put jobs", remedy="tell the probe what a job looks like")

    def misfits(self, runtime: Runtime) -> list[str]:
        """Why the queue cannot be read; empty if it can. Only looks, changes nothing."""
        return []

    def describe(self) -> dict[str, Any]:
        """The probe as JSON-able data; its secrets are masked."""
        shown: dict[str, Any] = {"kind": type(self).__name__}
        for each in fields(self):
            value = getattr(self, each.name)
            if not each.repr:
                value = None if value is None else MASK
            shown[each.name] = _name(value) if callable(value) else value
        return shown

    def __repr__(self) -> str:
        # This text is part of the fault's name: it is short, has no secrets and is the same in every run.
        shown = []
        for position, each in enumerate(fields(self)):
            value = getattr(self, each.name)
            if not each.repr or (position and value == each.default):
                continue
            text = _name(value) if callable(value) else repr(value)
            shown.append(f"{each.name}={text}" if position else text)
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False, init=False)
class CallableQueue(Queue):
    """A queue that your own functions read: RabbitMQ, SQS, or a metric of the application.

    The functions reach the queue by :meth:`Runtime.address` (the harness's own link, which no fault touches)
    or by :meth:`Runtime.execute`. An exception that they raise makes the verdict UNKNOWN, never a pass.

    Args:
        component: the component that the queue lives in.
        depth: runtime → how many jobs wait.
        oldest: runtime → seconds that the oldest job has waited, or ``None``.
        put: (runtime, count) → nothing; puts that many jobs.
    """

    depth_by: Callable[[Runtime], int]
    oldest_by: Callable[[Runtime], float | None] | None = None
    put_by: Callable[[Runtime, int], None] | None = None

    def __init__(
        self,
        component: str,
        *,
        depth: Callable[[Runtime], int],
        oldest: Callable[[Runtime], float | None] | None = None,
        put: Callable[[Runtime, int], None] | None = None,
    ) -> None:
        for name, value in (
            ("component", component),
            ("depth_by", depth),
            ("oldest_by", oldest),
            ("put_by", put),
        ):
            object.__setattr__(self, name, value)

    @property
    def can_put(self) -> bool:
        """Whether there is a ``put`` function."""
        return self.put_by is not None

    def depth(self, runtime: Runtime) -> int:
        """The answer of the ``depth`` function."""
        return int(self.depth_by(runtime))

    def oldest(self, runtime: Runtime) -> float | None:
        """The answer of the ``oldest`` function; ``None`` without one."""
        return None if self.oldest_by is None else self.oldest_by(runtime)

    def put(self, runtime: Runtime, count: int) -> None:
        """Call the ``put`` function."""
        if self.put_by is None:
            super().put(runtime, count)
        else:
            self.put_by(runtime, count)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.component!r}, depth={_name(self.depth_by)})"


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", type(value).__name__))


def not_served(queue: Queue, runtime: Runtime, port: int | None, *known: int) -> list[str]:
    """The misfit of a component that serves no port of the queue's server; empty if it serves one.

    Args:
        queue: the probe.
        runtime: the runtime of the system.
        port: the port that was found, if any.
        known: the ports that such a server listens on.
    """
    if port is not None:
        return []
    ports = ", ".join(map(str, runtime.ports(queue.component))) or "none"
    needs = f"{type(queue).__name__} needs port {' or '.join(map(str, known))}"
    return [f"{needs}; {queue.component} does not serve it (its ports: {ports}). {OWN_QUEUE_REMEDY}"]
