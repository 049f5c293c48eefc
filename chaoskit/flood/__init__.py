"""A flood: requests from many clients at a rate far above what a system was built for.

Its source is a program of its own that runs beside the entry, so that what measures and what
floods are not one process. ``shipping.py`` says what of this folder is shipped to where the source
runs: it knows nothing but Python's standard library, and starts at ``source.py``.

What both ends know is here: what is asked of a source (:class:`FloodPlan`), what it tells of each second
(:class:`Report`), and how it is held (:class:`Flood`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

Identity = Literal["address", "header"]
"""How clients differ. ``address``: each has a source address of its own, and says so in
``X-Forwarded-For`` too. ``header``: in ``X-Forwarded-For`` only, as behind a load balancer."""

MOST_PER_S = 20_000
MOST_CLIENTS = 10_000
MOST_SECONDS = 300.0

HEARTBEAT = 1.0
"""Seconds between two signs of life that whoever holds a source gives it."""

SILENCE = 3.0
"""Seconds without one after which a source stops by itself."""

STOP = b"stop"
"""What tells a source to end; anything else that it hears is a sign of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodPlan:
    """What is asked of a source. It ends by itself after ``seconds``, and takes no more than
    ``rate_per_s * seconds`` turns.

    Attributes:
        port: the TCP port of the entry.
        rate_per_s: requests in a second, of all clients together; open loop.
        clients: how many clients there are, each with a connection of its own.
        seconds: how long it lasts at most.
        path, method: of each request.
        identity: how clients differ.
        patience: seconds after which a request is given up and its connection replaced.
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
    """What a source counted in one second, or from its beginning to its end.

    Each of ``rate_per_s`` turns in a second is a request that is sent, one that is held back, one
    for which no connection came about, or one that the source was too late for.

    Attributes:
        seconds: how long it counted.
        sent: requests written to an established connection.
        answered: HTTP status → complete answers.
        closed: requests whose connection the entry closed without an answer (nginx's 444).
        reset: requests whose connection was reset.
        unreadable: answers that are no HTTP.
        given_up: requests without an answer for as long as the patience lasts.
        failed_to_connect: connections that were refused, or not accepted for that long.
        held_back: turns of clients whose previous request had no answer yet.
        late: turns that the source itself came too late for.
        unanswered: requests that were sent and still had no answer at the end.
        connections: established connections at the end.
        connecting: connections that had not come about yet at the end.
        latency: ``p50``, ``p95``, ``p99`` and ``max`` of complete answers in seconds, rounded up to
            0.1 ms; empty without answers.
        cpu_seconds: what the source itself used.
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
        """JSON-able data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """What :meth:`as_json` gave, after a way through JSON, which makes every key a string."""
        answered = {int(status): count for status, count in data["answered"].items()}
        return cls(**{**data, "answered": answered})


class Flood(Protocol):
    """A source that was started."""

    @property
    def target(self) -> str:
        """The ``address:port`` that it found the entry at."""
        ...

    def reports(self) -> Sequence[Report]:
        """What it told of each whole second so far, in order."""
        ...

    def total(self) -> Report | None:
        """What it told at its end; ``None`` before, and of one that ended without a word."""
        ...

    def silent_for(self) -> float:
        """Seconds since it last told anything."""
        ...

    def ended(self) -> str:
        """Why it has ended; empty while it runs."""
        ...

    def stop(self) -> None:
        """End it and remove what it ran in. May be called again."""
        ...

    def left(self) -> str:
        """What is still there of it, in words; empty once nothing is."""
        ...
