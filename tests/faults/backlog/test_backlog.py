"""A backlog of jobs, on a runtime in memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chaoskit import Chaos
from chaoskit.errors import FaultMisfit, HarnessFailure
from chaoskit.faults import CallableQueue, Fault, PostgresTable, Queue, RedisList, RedisStream, WorkerBacklog
from chaoskit.faults.backlog.drain import Gauge
from chaoskit.faults.base import check
from chaoskit.judge import Verdict
from chaoskit.record.jsontext import pieces
from chaoskit.runtime import Runtime, Undo
from chaoskit.runtime.memory import MemoryRuntime
from tests.simulation import Simulation, hardened
from tests.waiting import until


@dataclass(frozen=True, repr=False)
class Shelf(Queue):
    """A queue that is a list in this process: the times at which its jobs were put."""

    jobs: list[float] = field(default_factory=list)
    full: list[str] = field(default_factory=list)

    @property
    def can_put(self) -> bool:
        return True

    def depth(self, runtime: Runtime) -> int:
        return len(self.jobs)

    def oldest(self, runtime: Runtime) -> float | None:
        return runtime.clock.now() - self.jobs[0] if self.jobs else None

    def put(self, runtime: Runtime, count: int) -> None:
        if self.full:
            raise HarnessFailure(self.full[0])
        self.jobs.extend([runtime.clock.now()] * count)


@pytest.fixture
def runtime() -> MemoryRuntime:
    """A queue and two workers."""
    made = MemoryRuntime(["worker-1=worker", "worker-2=worker", "queue"], [("worker-1", "queue", 6379)])
    made.start()
    return made


@pytest.mark.parametrize(("how", "status"), [("stop", "exited"), ("pause", "paused")])
def test_without_workers_real_jobs_pile_up(runtime: MemoryRuntime, how: Any, status: str) -> None:
    """The fault lands and holds while five more jobs wait than before, and is gone when the workers run."""
    shelf = Shelf("queue", [0.0] * 3)
    fault = WorkerBacklog(shelf, "worker", how=how)
    steps = fault.undo(runtime)
    injection = fault.inject(runtime)
    assert {runtime.state(f"worker-{n}").status for n in (1, 2)} == {status}
    shelf.jobs.extend([0.0] * 4)
    assert not injection.landed().holds
    runtime.clock.sleep(2.5)
    shelf.jobs.append(2.5)
    landed = injection.landed()
    assert landed.holds
    assert landed.figures["depth"] == 8
    assert "8 jobs are in the queue (3 before" in landed.says
    assert "the oldest has waited 2.5 s" in landed.says
    assert injection.holding().holds
    del shelf.jobs[5:]
    assert not injection.holding().holds
    assert not injection.gone().holds
    injection.lift()
    injection.lift()
    assert injection.gone().holds
    injection = fault.inject(runtime)
    for step in steps:
        runtime.undo(step)
    assert injection.gone().holds
    injection.lift()


def test_a_worker_that_came_back_by_itself_is_no_evidence(runtime: MemoryRuntime) -> None:
    """A deep queue alone does not prove that the workers are down."""
    shelf = Shelf("queue")
    injection = WorkerBacklog(shelf, "worker", how="stop").inject(runtime)
    shelf.put(runtime, 50)
    assert injection.landed().holds
    runtime.start_component("worker-1")
    assert not injection.landed().holds
    injection.lift()


def test_a_flood_that_is_worked_off_already_still_holds(runtime: MemoryRuntime) -> None:
    """A flood lands by its peak, and holds even if a fast system has finished it meanwhile."""
    shelf = Shelf("queue", [0.0])
    injection = WorkerBacklog(shelf, jobs=40).inject(runtime)
    assert len(shelf.jobs) == 41
    shelf.jobs.clear()
    landed = injection.landed()
    assert landed.holds
    assert (landed.figures["peak"], landed.figures["depth"], landed.figures["at_least"]) == (41, 0, 21)
    assert injection.holding().holds
    injection.lift()
    assert injection.gone().holds
    runtime.clock.sleep(1.0)
    (drain,) = injection.obligations(1.0)
    assert drain.kept
    assert (drain.figures["peak"], drain.figures["seconds"]) == (41, 0.0)


def test_a_depth_that_was_there_before_is_no_evidence(runtime: MemoryRuntime) -> None:
    """An at_least below the depth before the injection does not make the fault land."""
    injection = WorkerBacklog(Shelf("queue", [0.0] * 30), "worker", at_least=10).inject(runtime)
    assert not injection.landed().holds
    injection.lift()


def test_crashing_workers_are_killed_again_and_again(runtime: MemoryRuntime) -> None:
    """Each worker is killed and started until the lift, and the kills are counted; then all of them run."""
    shelf = Shelf("queue")
    fault = WorkerBacklog(shelf, "worker", how="crash", jobs=10, every=0.001)
    assert fault.undo(runtime) == (Undo("start", "worker-1"), Undo("start", "worker-2"))
    injection = fault.inject(runtime)
    until(lambda: injection.landed().figures["kills"] >= 6)
    assert injection.landed().holds
    shelf.jobs.clear()
    assert not injection.landed().holds
    assert injection.holding().holds
    injection.lift()
    kills = runtime.log.count("kill worker-1")
    assert kills >= 3
    assert runtime.log.count("start worker-1") == kills + 1
    assert injection.gone().holds


def test_a_worker_that_cannot_be_killed_is_told(runtime: MemoryRuntime) -> None:
    """Without a kill the fault does not land, and the evidence says why."""
    runtime.refuses["kill"] = "the engine is busy"
    injection = WorkerBacklog(Shelf("queue"), "worker", how="crash", jobs=10, every=0.001).inject(runtime)
    until(lambda: "kill failed" in injection.landed().says)
    assert not injection.landed().holds
    injection.lift()
    assert injection.gone().holds


def test_a_worker_that_crashed_for_good_is_started_at_the_lift(runtime: MemoryRuntime) -> None:
    """A worker that the loop killed and could not start is started by the lift."""
    injection = WorkerBacklog(Shelf("queue"), "worker-1", how="crash", jobs=10, every=0.001).inject(runtime)
    runtime.refuses["start"] = "the engine is busy"
    until(lambda: "start failed" in injection.landed().says)
    until(lambda: runtime.state("worker-1").status == "exited")
    runtime.refuses.clear()
    runtime.refuses["kill"] = "the loop has ended"
    injection.lift()
    assert injection.gone().holds


def test_workers_come_back_where_no_job_could_be_put(runtime: MemoryRuntime) -> None:
    """An injection that fails half-way leaves no worker stopped."""
    with pytest.raises(HarnessFailure, match="no room"):
        WorkerBacklog(Shelf("queue", full=["no room"]), "worker", how="stop", jobs=5).inject(runtime)
    assert runtime.state("worker-2").status == "running"


def test_an_unreadable_queue_is_never_a_pass(runtime: MemoryRuntime) -> None:
    """If the depth cannot be read, nothing lands, nothing holds, and the drain stays undecided."""
    broken: list[bool] = []

    def depth(runtime: Runtime) -> int:
        if broken:
            raise ConnectionError("refused")
        return 0

    injection = WorkerBacklog(CallableQueue("queue", depth=depth), "worker").inject(runtime)
    broken.append(True)
    for look in (injection.landed, injection.holding):
        seen = look()
        assert not seen.holds
        assert "the queue could not be read: refused" in seen.says
    injection.lift()
    runtime.clock.sleep(100.0)
    (drain,) = injection.obligations(100.0)
    assert drain.kept is None
    assert "refused" in drain.says


class Level:
    """A queue that fills at two jobs a second, and that a running worker empties at ``pace`` a second."""

    def __init__(self, worker: str, pace: float) -> None:
        self._worker, self._pace = worker, pace
        self._level, self._at = 0.0, float("nan")

    def __call__(self, runtime: Runtime) -> int:
        now = runtime.clock.now()
        passed = 0.0 if math.isnan(self._at) else now - self._at
        flow = 2.0 - self._pace * (runtime.state(self._worker).status == "running")
        self._level, self._at = max(0.0, self._level + flow * passed), now
        return round(self._level)


@pytest.mark.parametrize(("pace", "verdict"), [(20.0, Verdict.HELD), (2.2, Verdict.BROKEN)])
def test_draining_is_part_of_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pace: float, verdict: Verdict
) -> None:
    """In a whole experiment a queue that drains in time holds, and one that does not breaks the drain."""
    # Only the experiment itself looks: its clock does not wait for a thread.
    monkeypatch.setattr(Gauge, "start", lambda gauge: None)
    fault = WorkerBacklog(CallableQueue("cache", depth=Level("api", pace)), "api", how="pause")
    chaos = Chaos(Simulation(hardened, tmp_path).environment, "one", tmp_path)
    conclusion = chaos.experiment(fault)
    (finding,) = [each for each in conclusion.result.judgement.findings if each.promise == "drain"]
    assert (finding.verdict, conclusion.verdict) == (verdict, verdict)
    assert int(finding.figures["peak"] or 0) >= 20
    "".join(pieces(conclusion.result.record))


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            WorkerBacklog("jobs", "worker"),  # type: ignore[arg-type]
            "chaoskit has RedisList, RedisStream and PostgresTable. For another",
        ),
        (WorkerBacklog(Shelf("kafka"), "worker"), "no component or service 'kafka'"),
        (WorkerBacklog(Shelf("worker"), "queue"), "name one component"),
        (WorkerBacklog(Shelf("queue"), "wroker"), "no component or service 'wroker'"),
        (WorkerBacklog(Shelf("queue"), "queue"), "both queue and worker"),
        (WorkerBacklog(Shelf("queue")), "name them with workers="),
        (WorkerBacklog(Shelf("queue"), "worker", how="melt"), "not one of flood, stop, pause, crash"),  # type: ignore[arg-type]
        (WorkerBacklog(Shelf("queue"), "worker", how="flood"), "a flood needs jobs="),
        (WorkerBacklog(Shelf("queue"), jobs=10**6), "from 0 to 100,000"),
        (
            WorkerBacklog(RedisList("queue", "jobs"), jobs=10),
            "does not know what a job looks like, .*payload=",
        ),
        (WorkerBacklog(Shelf("queue"), jobs=10, at_least=-1), "at_least is -1"),
        (WorkerBacklog(Shelf("queue"), "worker", drain_within=0), "must be above 0"),
        (WorkerBacklog(PostgresTable("queue", "jobs"), "worker"), "needs port 5432 or 6432"),
        (WorkerBacklog(RedisList("worker-2", "jobs"), "worker-1"), "serves? .*its ports: none"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_a_misfit_is_refused_before_anything_happens(runtime: MemoryRuntime, fault: Fault, says: str) -> None:
    """A backlog that does not fit says why and what would fit, and touches nothing."""
    before = list(runtime.log)
    with pytest.raises(FaultMisfit, match=says):
        check(fault, runtime)
    assert runtime.log == before


def test_who_is_hit(runtime: MemoryRuntime) -> None:
    """The workers are lost and the queue is strained; a flood without named workers loses no component."""
    impact = WorkerBacklog(Shelf("queue"), "worker").impact(runtime)
    assert (set(impact.lost), set(impact.strained)) == ({"worker-1", "worker-2"}, {"queue"})
    impact = WorkerBacklog(Shelf("queue"), jobs=5).impact(runtime)
    assert (set(impact.lost), set(impact.strained)) == (set(), {"queue"})


@pytest.mark.parametrize(
    ("queue", "written"),
    [
        (
            RedisList("queue", "jobs", password="hush", payload="x{n}"),
            "RedisList('queue', key='jobs', payload='x{n}')",
        ),
        (
            RedisStream("queue", "jobs", "workers", password="hush"),
            "RedisStream('queue', key='jobs', group='workers')",
        ),
        (PostgresTable("db", "jobs", password="hush"), "PostgresTable('db', table='jobs')"),
        (CallableQueue("mq", depth=lambda runtime: 0), "CallableQueue('mq', depth=<lambda>)"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Queue) else "",
)
def test_a_probe_is_written_short_and_without_secrets(queue: Queue, written: str) -> None:
    """Reports and journals show a probe as its user would write it, and never a password."""
    fault = WorkerBacklog(queue, "worker")
    assert fault.name == f"WorkerBacklog({written}, workers='worker')"
    told = json.dumps(fault.describe())
    assert "hush" not in told + fault.name
    assert '"stage": "20,000 users"' in told
    assert '"how": "stop"' in told
