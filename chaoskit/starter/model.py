"""What a starter is made of: plain data between the modules that look, decide and write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpEntry:
    """An entry that answers HTTP: a journey can use it.

    Attributes:
        name: ``service:port``.
        service: the service behind it.
        path: the path to request; the end of the redirects, if there were any.
        says: how the path was found, such as ``/ leads to /login, which answers 200``.
        rate: arrivals per second of its journey.
    """

    name: str
    service: str
    path: str
    says: str
    rate: int


@dataclass(frozen=True, slots=True)
class UnusedEntry:
    """An entry that no journey uses.

    Attributes:
        name: ``service:port``.
        says: why, one clause that follows the name, such as ``does not speak HTTP``.
    """

    name: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """What was measured of one journey with nothing at fault.

    Attributes:
        seconds: how long it was measured.
        samples: how many requests were due.
        failed: how many of them failed or did not end.
        p50, p95: latencies in seconds of the requests that succeeded.
        error: the error of the first failure.
        limited: how many requests were refused with 429, too many requests.
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
    """The first objective of a journey.

    Attributes:
        availability: a share of the requests.
        p95: seconds.
        degraded_p95: seconds, while a component that the journey uses is at fault.
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
        entry: the entry that it uses.
        needs, uses: services.
        calm: what was measured; ``None`` before that.
        objective: its objective; ``None`` before the measurement.
    """

    name: str
    entry: HttpEntry
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    calm: Calm | None = None
    objective: Objective | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterTrial:
    """One experiment of the starter.

    Attributes:
        name: the test's name.
        component: the component at fault.
        kind: the name of the fault's class.
        arguments: the fault's arguments, as source text.
        about: the test's docstring, one sentence.
        stage: the stage of growth; empty for a primitive fault.
        notes: comments above the test, each one or more sentences.
        active: whether it runs; otherwise it is written as a comment.
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
        """The source text of the fault."""
        return f"faults.{self.kind}({', '.join(self.arguments)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """Everything that ``chaoskit init`` writes down.

    Attributes:
        compose: the compose file, relative to the folder that the starter is written into.
        date: the day of the measurement, as ``2026-02-28``.
        visits: the journeys.
        unused: the entries that no journey uses.
        trials: the experiments.
        idle: services without an experiment, and why: ``(service, reason)``.
    """

    compose: str
    date: str
    visits: tuple[Visit, ...]
    unused: tuple[UnusedEntry, ...] = ()
    trials: tuple[StarterTrial, ...] = ()
    idle: tuple[tuple[str, str], ...] = ()
