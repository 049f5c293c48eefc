"""Journals of every kind, from experiments in memory, for the reports of these tests."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from chaoskit.chaos import Chaos
from chaoskit.experiment.result import Result
from chaoskit.faults import CacheLoss
from chaoskit.runtime import LogLine
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import Link
from tests.simulation import Answer, Behaviour, Simulation, hardened

BOOT = 1_790_000_000.0
HOSTILE = "</script><script>alert('pwned')</script><img src=x onerror=alert(1)>"


class Talking(MemoryRuntime):
    """Components that log four lines a second; the cache logs one line, which contains markup."""

    def wall_offset(self) -> float:
        return BOOT

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        if component == "cache":
            return [LogLine(since + 1.0, HOSTILE)]
        stamps = [since + number / 4 for number in range(int((until - since) * 4))]
        return [LogLine(at, f"{component} GET /listings 200 in {int(at * 7) % 40} ms") for at in stamps]


def lively(behaviour: Behaviour) -> Behaviour:
    """The same behaviour with latencies that vary, in the same way in every run."""

    def answer(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
        seconds, succeeds = behaviour(journey, at, runtime)
        return seconds * random.Random(f"{journey} {at:.4f}").lognormvariate(0.0, 0.25), succeeds

    return answer


def no_fallback(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """Browsing fails without the cache."""
    seconds, succeeds = hardened(journey, at, runtime)
    return seconds, succeeds and not (journey == "browse" and runtime.cuts())


def slow_to_recover(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """Buying keeps failing for 2.3 s after the link is mended."""
    seconds, succeeds = hardened(journey, at, runtime)
    mended = next((float(line.split()[-1]) for line in runtime.log if line.startswith("mended at")), None)
    return seconds, succeeds and not (journey == "buy" and mended is not None and at < mended + 2.3)


class Noting(Talking):
    """A runtime that logs when a link was mended."""

    def mend(self, link: Link) -> None:
        super().mend(link)
        self.log.append(f"mended at {self.clock.now()}")


def experiment(folder: Path, name: str, behaviour: Behaviour, about: str) -> Result:
    """The result of one experiment, with its journal in ``folder``."""
    simulation = Simulation(lively(behaviour), folder / "state", kind=Noting)
    facts = {"about": about, "test": f"experiments/test_cache.py::{name}", "stage": "50,000 users"}
    chaos = Chaos(simulation.environment, name, folder, about=facts)
    return chaos.experiment(CacheLoss("cache")).result


def held(folder: Path) -> Result:
    """An experiment that held, in which a journey recovered slowly."""
    about = "Losing the cache slows browsing within its degraded SLO and touches nothing else."
    return experiment(folder, "test_cache.test_cache_loss", slow_to_recover, about)


def broken(folder: Path) -> Result:
    """An experiment that broke: a journey fails without something that it only uses."""
    return experiment(
        folder, "test_cache.test_no_fallback", no_fallback, "Browsing survives without the cache."
    )


def unknown(folder: Path) -> Result:
    """An experiment without a steady state, in which nothing was injected."""
    return experiment(
        folder, "test_cache.test_unsteady", lambda *_: (0.02, False), "There is a steady state to lose."
    )


def three(folder: Path) -> list[Path]:
    """One journal of each verdict."""
    return [make(folder).journal for make in (held, broken, unknown)]


def many_samples(path: Path, into: Path) -> Path:
    """A copy of a journal with 100,000 requests: each request is repeated at shifted moments."""
    record = json.loads(path.read_text(encoding="utf-8"))
    samples = record["history"]["samples"]
    times = -(-100_000 // sum(len(each["intended"]) for each in samples.values()))
    for column in samples.values():
        rows = [
            [
                at + number / times / 20,
                at + number / times / 20,
                end + number / times / 20 * 1.01,
                outcome,
                error,
            ]
            for at, end, outcome, error in zip(
                *(column[key] for key in ("intended", "ended", "outcome", "error")), strict=True
            )
            for number in range(times)
        ]
        names = ("intended", "started", "ended", "outcome", "error")
        column.update(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    into.write_text(json.dumps(record), encoding="utf-8")
    return into


def hostile(path: Path, into: Path) -> Path:
    """A copy of a journal in which every text of a user contains markup."""
    record = json.loads(path.read_text(encoding="utf-8"))
    record["experiment"]["name"] = record["experiment"]["about"] = HOSTILE
    text = json.dumps(record).replace('"browse"', json.dumps(f"browse{HOSTILE}"))
    text = text.replace("ConnectError: refused", json.dumps(f"ConnectError: {HOSTILE}")[1:-1])
    into.write_text(text, encoding="utf-8")
    return into


def detection(folder: Path, journal: Path) -> Path:
    """A detection matrix beside journals; ``journal`` is the journal of a mutant."""
    wanted = {"journey": "browse", "promise": "degraded", "because": "it waits for the cache"}
    found = [{"journey": "browse", "promise": "degraded", "reason": "162 of 162 requests failed"}]

    def trial(mutant: str | None, verdict: str, right: bool, path: str) -> dict[str, object]:
        return {
            "experiment": "cache loss",
            "mutant": mutant,
            "fault": "CacheLoss('cache')",
            "verdict": verdict,
            "right": right,
            "wanted": wanted if mutant else None,
            "broken": found if verdict == "broken" else [],
            "journal": path,
        }

    trials = [
        trial(None, "held", True, "elsewhere/hardened.json"),
        trial("no fallback", "broken", True, str(journal)),
        trial("no deadline", "held", False, "elsewhere/no-deadline.json"),
    ]
    path = folder / "detection.json"
    path.write_text(json.dumps({"version": 1, "right": False, "trials": trials}), encoding="utf-8")
    return path
