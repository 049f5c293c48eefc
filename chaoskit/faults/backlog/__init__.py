"""A backlog of background jobs: the workers do not keep up, and jobs wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from chaoskit.clients.queues import OWN_QUEUE_REMEDY, Queue
from chaoskit.faults.backlog.crashes import CrashLoop
from chaoskit.faults.backlog.drain import Drain, Gauge
from chaoskit.faults.base import Evidence, Fault, Injection, Obligation, targets, unknown
from chaoskit.faults.components import PauseInjection, Stopped, serving
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact

How = Literal["flood", "stop", "pause", "crash"]

MOST_JOBS = 100_000
"""The most jobs that one injection puts."""

_BACKLOG_JOBS = 5
"""Jobs by which a queue must grow to count as a backlog, where the test does not say."""


@dataclass(frozen=True)
class WorkerBacklog(Fault):
    """Jobs arrive faster than the workers finish them: many come at once, or the workers are down.

    20,000 users: background jobs compete with users for the same database, queue and processor. A backlog
    that builds up within a minute must drain soon after its cause is gone, and must take nothing from the
    users meanwhile.

    For example, ``WorkerBacklog(faults.RedisList("queue", "jobs"), workers="worker")`` stops the workers, so
    that the system's own jobs pile up. ``WorkerBacklog(faults.RedisList("queue", "jobs", payload="job {n}"),
    jobs=100)`` puts a hundred jobs at once and leaves the workers at work.

    The system owes one obligation besides the journeys' promises, ``drain``: within ``drain_within`` seconds
    of the lift, the queue is as shallow as before. The depth does not tell whether each job was done, nor
    whether it was done only once. The ledgers of the journeys tell that (``user.acknowledge`` and
    ``verify``). Jobs that this fault puts are in no ledger, so of them the verdict says only that the queue
    drained.

    Attributes:
        queue: a probe of the queue: :class:`RedisList`, :class:`RedisStream`, :class:`PostgresTable`,
            :class:`CallableQueue`, or your own subclass of :class:`Queue`.
        workers: the component or service that takes jobs from the queue. May be left out with ``flood``.
        jobs: how many jobs the fault puts, up to 100,000. The probe must know what a job looks like.
        how: what happens to the workers. ``flood`` leaves them at work; ``stop`` and ``pause`` take them
            away until the lift; ``crash`` kills them again and again until the lift. The default is
            ``flood`` if there are ``jobs``, else ``stop``.
        at_least: the depth that counts as a backlog; always more than the depth before. The default is the
            depth before plus half of ``jobs``, since workers finish some of them at once, or plus five
            where no jobs are put.
        drain_within: seconds from the lift within which the queue must drain.
        drained_at: the depth at which the queue counts as drained. The default is two more than before the
            injection, since a live queue is never still.
        every: seconds from each start of a crashing worker to its next kill.
    """

    stage: ClassVar[str] = "20,000 users"
    evidence: ClassVar[str] = (
        "the queue is ``at_least`` deep (with ``flood``: it was, at its peak), read from the queue itself; "
        "with ``stop``, ``pause`` and ``crash`` the engine also says that the workers are down, frozen or "
        "killed"
    )
    owes: ClassVar[str] = (
        "``drain``: the queue is no deeper than ``drained_at`` within ``drain_within`` seconds of the lift"
    )

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
        """The fault as JSON-able data; the secrets of its probe are masked."""
        return {**super().describe(), "queue": self.queue.describe(), "how": self.manner}

    def misfits(self, runtime: Runtime) -> list[str]:
        """A queue that the harness can read, and workers in another component than the queue."""
        given: object = self.queue
        if not isinstance(given, Queue):
            return [
                f"queue={given!r} is not a probe of a queue; chaoskit has RedisList, RedisStream and "
                f"PostgresTable. {OWN_QUEUE_REMEDY}"
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
            return [
                f"{self.queue.component} is both queue and worker: while it is down, the depth of the queue "
                "cannot be read"
            ]
        return self.queue.misfits(runtime)

    def _contradictions(self) -> list[str]:
        reasons = []
        if self.how not in (None, *get_args(How)):
            reasons.append(f"how={self.how!r} is not one of {', '.join(get_args(How))}")
        elif self.manner != "flood" and self.workers is None:
            reasons.append(f"how={self.manner!r} takes the workers away; name them with workers=")
        if not 0 <= self.jobs <= MOST_JOBS:
            reasons.append(f"jobs is {self.jobs:,}; it must be from 0 to {MOST_JOBS:,}")
        elif self.manner == "flood" and not self.jobs:
            reasons.append("a flood needs jobs=")
        elif self.jobs and not self.queue.can_put:
            reasons.append(
                f"{self.queue!r} does not know what a job looks like, so it cannot put any; give it payload= "
                "(RedisList), entry= (RedisStream), insert= (PostgresTable) or put= (CallableQueue)"
            )
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
        """The workers are lost: they are down, or busy with the backlog. The queue is strained: it still
        takes jobs.
        """
        queue = frozenset(targets(self.queue.component, runtime.components))
        workers = frozenset(self._workers(runtime)) - queue
        return Impact(lost=workers, strained=queue)

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start or resume the workers. Jobs that were put stay in the queue for the workers to finish."""
        if self.manner == "flood":
            return ()
        if self.manner == "pause":
            return tuple(Undo("resume", name) for name in self._workers(runtime))
        return tuple(Undo("start", name) for name in self._workers(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Stop, pause or crash the workers, then put the jobs."""
        injection = Backlog(self, runtime, self._workers(runtime))
        injection.start()
        return injection


class Backlog(Injection):
    """A backlog, and the gauge that reads its depth until it has drained.

    Args:
        fault: the fault as the user described it.
        runtime: the runtime that it was injected into.
        workers: the components that take jobs from the queue.

    Raises:
        HarnessFailure: the queue cannot be read; nothing was injected.
    """

    def __init__(self, fault: WorkerBacklog, runtime: Runtime, workers: tuple[str, ...]) -> None:
        self._fault, self._runtime, self._workers = fault, runtime, workers
        self._before = fault.queue.depth(runtime)
        more = fault.jobs // 2 or (1 if fault.jobs else _BACKLOG_JOBS)
        # A depth that the queue had before is not evidence, whatever the test asks for.
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
        """Stop, pause or crash the workers, put the jobs, and start to read the depth."""
        try:
            if self._hold is not None:
                self._hold.start()
            if self._fault.jobs:
                self._fault.queue.put(self._runtime, self._fault.jobs)
        except BaseException:
            if self._hold is not None:
                self._hold.lift()
            raise
        # The first look comes at once: fast workers finish much of a flood within a quarter of a second.
        self._gauge.tried(self._gauge.look)
        self._gauge.start()

    def landed(self) -> Evidence:
        """Whether the workers are as the fault wants them, and the queue is (in a flood: was) deep enough."""
        look = self._look()
        reached = self._drain.peak >= self._deep if self._fault.manner == "flood" else look.holds
        figures = dict(look.figures)
        if self._hold is None:
            return Evidence(reached, look.says, figures)
        hold = self._hold.landed()
        return Evidence(reached and hold.holds, f"{look.says}; {hold.says}", {**figures, **hold.figures})

    def holding(self) -> Evidence:
        """Whether the fault is still there: with stopped or frozen workers the queue is still deep, and
        crashing workers are still being killed. A flood holds in any case: a good system may have finished
        it already.
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
        """Give the workers back. Jobs that were put stay for them to finish."""
        began = self._runtime.clock.now()
        self._gauge.tried(self._gauge.look)
        self._gauge.lift(began)
        if self._hold is not None:
            self._hold.lift()

    def gone(self) -> Evidence:
        """Whether the workers run and are not known to be unhealthy."""
        if self._hold is not None:
            return self._hold.gone()
        if not self._workers:
            return Evidence(True, "no worker was taken away; the jobs are left for the workers to finish")
        return serving(self._runtime, self._workers)

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """``drain``: the queue drains in time."""
        return (self._gauge.obligation(),)
