"""Invented nights: entries with given figures, and whole experiments on the manual clock."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaoskit.chaos import Chaos, Conclusion
from chaoskit.faults import CacheLoss
from chaoskit.judge import Verdict
from chaoskit.judge.counts import Count
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.trend.entry import Entry, JourneyEntry, Phase
from tests.simulation import Answer, Behaviour, Simulation


@dataclass(frozen=True)
class Weather:
    """How the simulated shop performs on one night.

    Attributes:
        seed: the seed of the night.
        pace: the factor by which all times are longer.
        recovery: seconds for which buying still fails after the cache is back.
        slow: the share of browsing that is too slow for its degraded SLO while the fault is active.
        failing: the share of requests that fail at any time.
    """

    seed: int
    pace: float = 1.0
    recovery: float = 0.5
    slow: float = 0.0
    failing: float = 0.0

    def behaviour(self) -> Behaviour:
        """The answers to requests, one after the other."""
        chance = random.Random(self.seed)
        last_cut, browsed = float("-inf"), 0

        def answer(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
            nonlocal last_cut, browsed
            cut = bool(runtime.cuts())
            last_cut = at if cut else last_cut
            seconds = 0.02 * self.pace * chance.uniform(0.8, 1.6)
            succeeds = chance.random() >= self.failing
            if journey == "browse" and cut:
                browsed += 1
                too_slow = int(browsed * self.slow) > int((browsed - 1) * self.slow)
                seconds = 1.0 if too_slow else 0.3 * self.pace
            if journey == "buy" and at - last_cut < self.recovery:
                succeeds = False
            return seconds, succeeds

        return answer


def night(folder: Path, weather: Weather, name: str) -> Conclusion:
    """An experiment of that night, with its journal in ``folder``/``name``."""
    simulation = Simulation(weather.behaviour(), folder)
    about = {"session": name, "commit": None}
    chaos = Chaos(simulation.environment, "cache", folder / name, about=about)
    return chaos.experiment(CacheLoss("cache"))


def entry(
    number: int,
    *,
    verdict: Verdict = Verdict.HELD,
    recovery: float | None = 1.0,
    bad: int = 0,
    p95: float = 0.05,
    control: float = 0.02,
    bound: float = 0.3,
    experiment: str = "cache",
    commit: str | None = None,
    **more: object,
) -> Entry:
    """An experiment of night ``number`` with one journey, which made 160 requests under the fault."""
    counts = (Count("availability", None, 0.01, 160, 0), Count("p95", bound, 0.05, 160, bad))
    phase = Phase("fault", 160, 0, p95 / 2, p95, p95 * 2, counts)
    calm = Phase("control", 80, 0, control / 2, control, control * 2, ())
    journey = JourneyEntry("browse", verdict, "degraded", recovery, 0.05, 10.0, (calm, phase))
    facts: Mapping[str, object] = {
        "run": f"night-{number}",
        "environment": f"run-{number}",
        "at": f"2026-01-{number + 1:02d}T02:00:00+00:00",
        "commit": commit,
        "experiment": experiment,
        "fault": "CacheLoss('cache')",
        "stage": "50,000 users",
        "verdict": verdict,
        "reason": "" if verdict is Verdict.HELD else "browse: degraded: 20 of 160 requests failed",
        "reset": 1.5,
        "rebuilt": False,
        "journeys": (journey,),
        **more,
    }
    return Entry(**facts)  # type: ignore[arg-type]
