"""A flood: requests from many clients at a rate far above what a system was built for.

The source of a flood is a program of its own that runs beside the entry, so that the process that floods is
not the one that measures. ``shipping.py`` names the files of this folder that are shipped to where the source
runs. They use Python's standard library only, and start in ``source.py``.

This file has what both ends know: what the source is asked to do (:class:`FloodPlan`), what it reports of
each second (:class:`Report`), and how the harness holds it (:class:`Flood`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

Identity = Literal["address", "header"]
"""How clients differ. ``address``: each has a source address of its own, and claims an address of its own in
``X-Forwarded-For``. ``header``: only ``X-Forwarded-For`` differs, as behind a load balancer."""

MOST_REQUESTS_PER_S = 20_000
MOST_CLIENTS = 10_000
MOST_SECONDS = 300.0
"""The limits of a flood."""

HEARTBEAT_SECONDS = 1.0
"""Seconds between two signs of life that the process that holds a source sends it."""

MOST_SILENT_SECONDS = 3.0
"""Seconds without a sign of life after which a source stops by itself."""

STOP_MESSAGE = b"stop"
"""Tells a source to stop; anything else that it receives is a sign of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodPlan:
    """What a source is asked to do.

    The source ends by itself after ``seconds``, and takes no more than ``rate_per_s * seconds`` turns.

    Attributes:
        port: the TCP port of the entry.
        rate_per_s: requests a second of all clients together, in an open loop.
        clients: how many clients there are, each with a connection of its own.
        seconds: the longest time that the flood lasts.
        path, method: the path and the method of each request.
        identity: how clients differ.
        patience: seconds after which a client gives a request up and replaces its connection.
    """

    port: int
    rate_per_s: float
    clients: int
    seconds: float
    path: str = "/"
    method: str = "GET"
    identity: Identity = "address"
    patience: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a source counted in one second, or from its start to its end.

    Each of the ``rate_per_s`` turns in a second is a request that is sent, one that is held back, one that
    gets no connection, or one that the source is too late for.

    Attributes:
        seconds: how long the source counted.
        sent: requests written to an established connection.
        answered: HTTP status → complete answers.
        closed: requests whose connection the entry closed without an answer (nginx's 444).
        reset: requests whose connection was reset.
        unreadable: answers that are not HTTP.
        given_up: requests that had no answer when the client's patience was over.
        failed_to_connect: connections that were refused, or not accepted in that time.
        held_back: turns of clients whose previous request had no answer yet.
        late: turns that the source itself was too late for.
        unanswered: requests that were sent and still had no answer at the end.
        connections: connections that were established at the end.
        connecting: connections that were not established yet at the end.
        latency: ``p50``, ``p95``, ``p99`` and ``max`` of complete answers in seconds, rounded up to 0.1 ms;
            empty without answers.
        cpu_seconds: processor time that the source itself used.
    """

    seconds: float
    sent: int = 0
    answered: Mapping[int, int] = field(default_factory=dict)
    closed: int = 0
    reset: int = 0
    unreadable: int = 0
    given_up: int = 0
    failed_to_connect: int = 0
    held_back: int = 0
    late: int = 0
    unanswered: int = 0
    connections: int = 0
    connecting: int = 0
    latency: Mapping[str, float] = field(default_factory=dict)
    cpu_seconds: float = 0.0

    @property
    def answers(self) -> int:
        """Complete answers, whatever their status."""
        return sum(self.answered.values())

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-able data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """The report from :meth:`as_json`, read back from JSON, which turns every key into a string."""
        answered = {int(status): count for status, count in data["answered"].items()}
        return cls(**{**data, "answered": answered})


class Flood(Protocol):
    """A source that was started."""

    @property
    def target(self) -> str:
        """The ``address:port`` at which the source found the entry."""
        ...

    def reports(self) -> Sequence[Report]:
        """The reports of the whole seconds so far, in order."""
        ...

    def total(self) -> Report | None:
        """The report of the whole flood at its end; ``None`` before, and if the source ended without one."""
        ...

    def silent_for(self) -> float:
        """Seconds since the source last reported anything."""
        ...

    def ended(self) -> str:
        """Why the source has ended; empty while it runs."""
        ...

    def stop(self) -> None:
        """Stop the source and remove its container. May be called again."""
        ...

    def left(self) -> str:
        """What is left of the source, as text; empty once nothing is left."""
        ...
