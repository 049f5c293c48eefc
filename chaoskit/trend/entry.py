"""What a history keeps of one experiment of one night."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from chaoskit.judge import Judgement, Verdict
from chaoskit.judge.counts import Count, count
from chaoskit.record import journal
from chaoskit.record.journal_types import Journal


@dataclass(frozen=True, slots=True)
class Phase:
    """The figures of one phase of one journey.

    Attributes:
        phase: ``control``, ``fault`` or ``after``.
        samples: how many requests there were.
        failed: how many of them failed.
        p50, p95, p99: latencies in seconds of successful requests; ``None`` without one.
        counts: the bad requests, for each promise that was owed in this phase.
    """

    phase: str
    samples: int
    failed: int
    p50: float | None
    p95: float | None
    p99: float | None
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class JourneyEntry:
    """One journey in one experiment.

    Attributes:
        journey: its name.
        verdict, standing: as the judge decided.
        recovery: seconds to be back inside the SLO; ``None`` where that was not seen.
        resolution: seconds by which the true moment may lie earlier or later.
        deadline: seconds that were allowed.
        failover: seconds to reach the degraded SLO; ``None`` where none was granted for it, or it was
            not seen.
        failover_resolution: seconds by which the truth may be away from it.
        within: seconds that were granted.
        phases: the phases that were measured.
    """

    journey: str
    verdict: Verdict
    standing: str
    recovery: float | None
    resolution: float | None
    deadline: float | None
    phases: tuple[Phase, ...]
    failover: float | None = None
    failover_resolution: float | None = None
    within: float | None = None

    def phase(self, name: str) -> Phase | None:
        """The phase of that name, if it was measured."""
        return next((each for each in self.phases if each.phase == name), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One experiment of one night.

    Attributes:
        run: the test session; its experiments are one night.
        environment: the label of the containers that it ran in.
        at: when it ended: ISO 8601, UTC.
        commit: the revision of the project, if known.
        experiment: its name.
        fault: what was injected.
        stage: the stage of growth that it stands for, if it names one.
        verdict: HELD, BROKEN or UNKNOWN.
        reason: the first reason for the verdict, in words; empty if it is HELD.
        reset: seconds until the environment was clean.
        rebuilt: whether the environment had to be rebuilt.
        journeys: the figures of each journey.
    """

    run: str
    environment: str
    at: str
    commit: str | None
    experiment: str
    fault: str
    stage: str | None
    verdict: Verdict
    reason: str
    reset: float | None
    rebuilt: bool
    journeys: tuple[JourneyEntry, ...]

    def journey(self, name: str) -> JourneyEntry | None:
        """The journey of that name, if it was driven."""
        return next((each for each in self.journeys if each.journey == name), None)

    @property
    def digest(self) -> str:
        """A hash of all of its content, by which a journal that is added twice is recognised."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def entry_of(record: Journal) -> Entry:
    """What a history keeps of a journal.

    Args:
        record: a journal, see :mod:`chaoskit.record.journal`. If it does not name its test session, its
            environment counts as the night.
    """
    told, run, reset = record["experiment"], record["run"], record["reset"]
    judgement = Judgement.from_record(record["judgement"])
    marks = record["history"]["marks"]
    faults = [mark["detail"]["fault"] for mark in marks if mark["name"] == "inject"]
    return Entry(
        run=told.get("session") or run["id"],
        environment=run["id"],
        at=run["written_at"],
        commit=told.get("commit"),
        experiment=told["name"],
        fault=" + ".join(faults) or "no fault",
        stage=told.get("stage"),
        verdict=judgement.verdict,
        reason=_reason(judgement),
        reset=None if reset is None else reset["seconds"],
        rebuilt=bool(reset and reset["rebuilt"]),
        journeys=_journeys(record, judgement),
    )


def _reason(judgement: Judgement) -> str:
    for each in judgement.all_findings:
        if each.verdict is judgement.verdict and each.verdict is not Verdict.HELD:
            whose = f"{each.journey}: " if each.journey else ""
            return f"{whose}{each.promise}: {each.reason}"
    return ""


def _journeys(record: Journal, judgement: Judgement) -> tuple[JourneyEntry, ...]:
    terms = [journal.terms_from_record(each) for each in record["system"]["journeys"]]
    standings = {each.journey: each.standing for each in judgement.journeys}
    counts = count(terms, standings, journal.history_from_record(record["history"]))
    found = []
    for each in judgement.journeys:
        phases = tuple(
            Phase(name, s.samples, s.failed, s.p50, s.p95, s.p99, counts[each.journey][name])
            for name, s in each.summary.items()
        )
        back = each.recovery
        over = each.failover if each.failover is not None and each.failover.deadline else None
        found.append(
            JourneyEntry(
                each.journey,
                each.verdict,
                each.standing.value,
                None if back is None else back.seconds,
                None if back is None else back.resolution,
                None if back is None else back.deadline,
                phases,
                None if over is None else over.seconds,
                None if over is None else over.resolution,
                None if over is None else over.deadline,
            )
        )
    return tuple(found)


def entry_to_text(entry: Entry) -> str:
    """An entry as JSON; :func:`entry_from_text` is the inverse."""
    return json.dumps(asdict(entry), ensure_ascii=False, separators=(",", ":"))


def entry_from_text(text: str) -> Entry:
    """The inverse of :func:`entry_to_text`."""
    plain = json.loads(text)
    journeys = tuple(
        JourneyEntry(
            **{
                **journey,
                "verdict": Verdict(journey["verdict"]),
                "phases": tuple(
                    Phase(**{**phase, "counts": tuple(Count(**each) for each in phase["counts"])})
                    for phase in journey["phases"]
                ),
            }
        )
        for journey in plain["journeys"]
    )
    return Entry(**{**plain, "verdict": Verdict(plain["verdict"]), "journeys": journeys})
