"""What a starter is made from: plain data between those who look, decide and write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A published port that answers HTTP: where a journey enters.

    Attributes:
        entry: ``service:port``.
        service: the service behind it.
        path: what is asked for; the end of the redirects, if there were any.
        says: how it was found: ``/ leads to /login, which answers 200``.
        rate: arrivals per second that a journey is driven at.
    """

    entry: str
    service: str
    path: str
    says: str
    rate: int


@dataclass(frozen=True, slots=True)
class Shut:
    """A published port by which no journey enters.

    Attributes:
        entry: ``service:port``.
        says: why, one clause that follows its name: ``does not speak HTTP``.
    """

    entry: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """One journey with nothing at fault.

    Attributes:
        seconds: how long it was looked at.
        samples: requests that were due.
        failed: those of them that failed, or did not end.
        p50, p95: of those that succeeded, in seconds.
        error: what the first failure said.
        limited: those that were refused with 429, too many requests.
    """

    seconds: float
    samples: int
    failed: int
    p50: float
    p95: float
    error: str = ""
    limited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a journey promises at first.

    Attributes:
        availability: a share.
        p95: seconds.
        degraded_p95: seconds, while something it uses is at fault.
        recovery: seconds.
    """

    availability: float
    p95: float
    degraded_p95: float
    recovery: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One journey of the starter.

    Attributes:
        name: a Python name.
        door: where it enters.
        needs, uses: services.
        calm: what was measured, or nothing yet.
        objective: what it promises, or nothing yet.
    """

    name: str
    door: Door
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    calm: Calm | None = None
    objective: Objective | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterTrial:
    """One experiment of the starter.

    Attributes:
        name: the test's name.
        component: whom it hits.
        kind: the fault's class.
        arguments: what it is made with, as it is written.
        about: the test's docstring, one sentence.
        stage: the stage of growth; empty for a primitive.
        notes: comments above it, each a sentence.
        active: whether it runs; else it is written as a comment.
    """

    name: str
    component: str
    kind: str
    arguments: tuple[str, ...]
    about: str
    stage: str = ""
    notes: tuple[str, ...] = ()
    active: bool = True

    @property
    def fault(self) -> str:
        """The expression that makes the fault."""
        return f"faults.{self.kind}({', '.join(self.arguments)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """All of it.

    Attributes:
        compose: the compose file, relative to the folder that the starter is written into.
        date: when it was measured, as ``2026-02-28``.
        visits: the journeys.
        shut: the published ports without one.
        trials: the experiments.
        idle: services without an experiment, and why: ``(service, reason)``.
    """

    compose: str
    date: str
    visits: tuple[Visit, ...]
    shut: tuple[Shut, ...] = ()
    trials: tuple[StarterTrial, ...] = ()
    idle: tuple[tuple[str, str], ...] = ()
