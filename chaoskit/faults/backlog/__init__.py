"""A backlog of background jobs: the workers do not keep up, and what was put waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from chaoskit.clients.queues import OF_ONES_OWN, Queue
from chaoskit.faults.backlog.crashes import CrashLoop
from chaoskit.faults.backlog.drain import Drain, Gauge
from chaoskit.faults.base import Evidence, Fault, Injection, Obligation, targets, unknown
from chaoskit.faults.components import PauseInjection, Stopped, serving
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact

How = Literal["flood", "stop", "pause", "crash"]

MOST_JOBS = 100_000
"""Jobs that one injection puts at most."""

_PILED_UP = 5
"""Jobs by which a queue has to grow to be a backlog, where the test does not say."""


@dataclass(frozen=True)
class WorkerBacklog(Fault):
    """Jobs come faster than they are done: more of them at once, or workers that are down.

    20,000 users: background jobs compete with users for the same database, queue and processor. A
    backlog that builds up in a minute must drain again, soon after its cause is gone, and must take
    nothing from the users meanwhile.

    The fault owes one promise beside the journeys' own: after the lift the queue is back to what it
    was within ``drain_within`` seconds ("drain"). Depth does not tell whether each job was done, and
    once: that is for the journeys' ledgers (``user.acknowledge`` and ``verify``). Jobs that this fault
    puts itself stand in no ledger, so nothing is said of them beyond that the queue drained.

    Attributes:
        queue: a probe: :class:`RedisList`, :class:`RedisStream`, :class:`PostgresTable`,
            :class:`CallableQueue`, or a :class:`Queue` of your own.
        workers: the component (or service) that works on it; for a flood it may be left out.
        jobs: how many jobs are put at the injection, as the probe knows to put them.
        how: ``flood`` leaves the workers at work; ``stop`` and ``pause`` take them away until the
            lift; ``crash`` kills them again and again. ``flood`` by default if there are ``jobs``,
            else ``stop``.
        at_least: the depth that counts as a backlog; by default what there was before and half of
            ``jobs`` (some are done by then), or five more where none are put.
        drain_within: seconds from the lift within which the queue is owed to drain.
        drained_at: the depth at which it has drained; by default two more than before the
            injection, since a live queue is never still.
        every: seconds from each start of a crashing worker to its next kill.
    """

    stage: ClassVar[str] = "20,000 users"
    evidence: ClassVar[str] = (
        "the queue is as deep as ``at_least``, read from the queue itself, and the workers are seen to be "
        "down, frozen or killed, as the engine says"
    )
    owes: ClassVar[str] = "``drain``: the queue is back to ``drained_at`` within ``drain_within`` of the lift"

    queue: Queue
    workers: str | None = None
    jobs: int = 0
    how: How | None = None
    at_least: int | None = None
    drain_within: float = 30.0
    every: float = 1.5
    drained_at: int | None = None

    @property
    def manner(self) -> How:
        """``how``, or its default."""
        return self.how or ("flood" if self.jobs else "stop")

    def describe(self) -> dict[str, Any]:
        """The fault as JSON-able data, without the secrets of its probe."""
        return {**super().describe(), "queue": self.queue.describe(), "how": self.manner}

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits a queue that can be read, and workers that are not the queue itself."""
        given: object = self.queue
        if not isinstance(given, Queue):
            return [
                f"queue={given!r} is no probe of a queue; chaoskit knows RedisList, RedisStream and "
                f"PostgresTable. {OF_ONES_OWN}"
            ]
        components = runtime.components
        reasons = [*unknown(self.queue.component, components), *self._contradictions()]
        if self.workers is not None:
            reasons += unknown(self.workers, components)
        if reasons:
            return reasons
        names = targets(self.queue.component, components)
        if names != (self.queue.component,):
            return [f"{self.queue.component!r} means {', '.join(names)}; name one component"]
        if self.manner != "flood" and self.queue.component in self._workers(runtime):
            return [f"{self.queue.component} is both queue and worker: without it no depth can be read"]
        return self.queue.misfits(runtime)

    def _contradictions(self) -> list[str]:
        reasons = []
        if self.how not in (None, *get_args(How)):
            reasons.append(f"how={self.how!r} is none of {', '.join(get_args(How))}")
        elif self.manner != "flood" and self.workers is None:
            reasons.append(f"how={self.manner!r} takes the workers away; name them by workers=")
        if not 0 <= self.jobs <= MOST_JOBS:
            reasons.append(f"jobs is {self.jobs}; it must be 0 to {MOST_JOBS}")
        elif self.manner == "flood" and not self.jobs:
            reasons.append("a flood needs jobs=")
        elif self.jobs and not self.queue.can_put:
            reasons.append(f"{self.queue!r} does not know what a job looks like, so none can be put")
        for name in ("at_least", "drained_at"):
            value = getattr(self, name)
            if value is not None and value < 0:
                reasons.append(f"{name} is {value}; it must be zero or more")
        if self.drain_within <= 0 or self.every <= 0:
            reasons.append(
                f"drain_within is {self.drain_within:g} s and every {self.every:g} s; both must be above 0"
            )
        return reasons

    def _workers(self, runtime: Runtime) -> tuple[str, ...]:
        return targets(self.workers, runtime.components) if self.workers else ()

    def impact(self, runtime: Runtime) -> Impact:
        """The workers are down, or busy with what was put; the queue still serves whoever puts."""
        queue = frozenset(targets(self.queue.component, runtime.components))
        workers = frozenset(self._workers(runtime)) - queue
        return Impact(lost=workers, strained=queue)

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start the workers, or let them run on; jobs that were put are there to be done."""
        if self.manner == "flood":
            return ()
        if self.manner == "pause":
            return tuple(Undo("resume", name) for name in self._workers(runtime))
        return tuple(Undo("start", name) for name in self._workers(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Take the workers away, then put the jobs."""
        injection = Backlog(self, runtime, self._workers(runtime))
        injection.start()
        return injection


class Backlog(Injection):
    """A backlog, and the gauge that reads its depth until it has drained.

    Args:
        fault: what was asked for.
        runtime: where it happens.
        workers: the components that work on the queue.

    Raises:
        HarnessFailure: the queue cannot be read; nothing was done to it.
    """

    def __init__(self, fault: WorkerBacklog, runtime: Runtime, workers: tuple[str, ...]) -> None:
        self._fault, self._runtime, self._workers = fault, runtime, workers
        self._before = fault.queue.depth(runtime)
        more = fault.jobs // 2 or (1 if fault.jobs else _PILED_UP)
        # A depth that was there before is no evidence, whatever the test asks for.
        self._deep = self._before + more if fault.at_least is None else max(fault.at_least, self._before + 1)
        shallow = self._before + 2 if fault.drained_at is None else fault.drained_at
        self._drain = Drain(shallow, fault.drain_within)
        self._gauge = Gauge(fault.queue, runtime, self._drain)
        self._hold: Stopped | PauseInjection | CrashLoop | None = None
        if fault.manner == "stop":
            self._hold = Stopped(runtime, workers)
        elif fault.manner == "pause":
            self._hold = PauseInjection(runtime, workers)
        elif fault.manner == "crash":
            self._hold = CrashLoop(runtime, workers, fault.every)

    def start(self) -> None:
        """Take the workers away, put the jobs, and begin to read the depth."""
        try:
            if self._hold is not None:
                self._hold.start()
            if self._fault.jobs:
                self._fault.queue.put(self._runtime, self._fault.jobs)
        except BaseException:
            if self._hold is not None:
                self._hold.lift()
            raise
        self._gauge.tried(self._gauge.look)  # before fast workers have done much of a flood
        self._gauge.start()

    def landed(self) -> Evidence:
        """The workers are seen to be as they should be, and the queue has been deep enough."""
        look = self._look()
        reached = self._drain.peak >= self._deep if self._fault.manner == "flood" else look.holds
        figures = dict(look.figures)
        if self._hold is None:
            return Evidence(reached, look.says, figures)
        hold = self._hold.landed()
        return Evidence(reached and hold.holds, f"{look.says}; {hold.says}", {**figures, **hold.figures})

    def holding(self) -> Evidence:
        """Stopped or frozen workers: still deep. Crashing ones: still killed. A flood that was worked
        off already is what a good system does with it.
        """
        look = self._look()
        if self._hold is None:
            return Evidence(True, look.says, look.figures)
        hold = self._hold.landed()
        still = hold.holds and (look.holds or self._fault.manner == "crash")
        return Evidence(still, f"{look.says}; {hold.says}", {**look.figures, **hold.figures})

    def _look(self) -> Evidence:
        ages: list[float | None] = []
        if wrong := self._gauge.tried(lambda: ages.append(self._gauge.look(oldest=True))):
            return Evidence(False, wrong)
        depth, age = self._drain.depth or 0, ages[0]
        figures = {
            "depth": depth,
            "before": self._before,
            "at_least": self._deep,
            "peak": self._drain.peak,
            "oldest": None if age is None else round(age, 3),
        }
        waited = "" if age is None else f", the oldest has waited {age:.1f} s"
        says = (
            f"{depth} jobs are in the queue ({self._before} before, at least {self._deep} make a backlog, "
            f"{self._drain.peak} at the peak){waited}"
        )
        return Evidence(depth >= self._deep, says, figures)

    def lift(self) -> None:
        """Let the workers work; jobs that were put are there to be done."""
        began = self._runtime.clock.now()
        self._gauge.tried(self._gauge.look)
        self._gauge.lift(began)
        if self._hold is not None:
            self._hold.lift()

    def gone(self) -> Evidence:
        """The workers run and are not known to be unhealthy."""
        if self._hold is not None:
            return self._hold.gone()
        if not self._workers:
            return Evidence(True, "nothing was taken away; the jobs are there to be done")
        return serving(self._runtime, self._workers)

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """The queue drains in time."""
        return (self._gauge.promise(),)
