"""What a million requests cost the harness: seconds to judge them, and memory.

``python -m tests.bench.judging [SAMPLES]`` fills a history as a load process would, in batches and in the
order in which the requests ended, with a fault that slows a few of them. It judges the history, and
prints the CPU time of both and the peak memory of the process.
"""

from __future__ import annotations

import json
import random
import resource
import sys
from collections.abc import Iterator
from time import process_time

from chaoskit.judge import Judgement, judge
from chaoskit.record.history import History, Mark, Outcome, Sample
from chaoskit.system import Component, Impact, Slo, Terms

SECONDS = 200.0
COMPONENTS = (Component("api", "api"), Component("cache", "cache"), Component("mail", "mail"))
SLO = Slo(availability=0.99, p50=0.05, p95=0.25, p99=0.5, recovery=20.0)


def terms(samples: int, journeys: int = 4) -> list[Terms]:
    """Journeys that make so many requests together."""
    rate = samples / journeys / SECONDS
    return [Terms(name=f"journey-{n}", rate=rate, slo=SLO, needs=("api",)) for n in range(journeys)]


def entries(samples: int) -> Iterator[Sample]:
    """Requests, each batch of them in the order of their ends."""
    dice = random.Random(1)
    names = [each.name for each in terms(samples)]
    batch: list[tuple[float, Sample]] = []
    for index in range(samples):
        at = 1000.0 + index * SECONDS / samples
        slow = 90.0 < at - 1000.0 < 110.0 and dice.random() < 0.002
        ended = at + dice.lognormvariate(-4.0, 0.5) + (0.6 if slow else 0.0)
        outcome, error = (Outcome.FAILED, "HTTPStatusError: 503") if index % 500 == 0 else (Outcome.OK, "")
        batch.append((ended, Sample(names[index % len(names)], at, at + 0.0002, ended, outcome, error)))
        if len(batch) == 5000:
            batch.sort(key=lambda pair: pair[0])
            yield from (sample for _, sample in batch)
            batch.clear()
    yield from (sample for _, sample in batch)


def memory_mb() -> float:
    """The peak memory of this process, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(samples: int) -> tuple[dict[str, float], Judgement]:
    """The figures, and the judgement."""
    history = History()
    phases = {"control": 0, "inject": 89, "landed": 90, "lift": 110, "gone": 111, "end": SECONDS}
    history.add(*(Mark(name, 1000.0 + at) for name, at in phases.items()))
    before = memory_mb()
    source = entries(samples)
    spent = 0.0
    while batch := [sample for sample, _ in zip(source, range(1000), strict=False)]:
        began = process_time()
        history.add(*batch)
        spent += process_time() - began
    held = memory_mb()
    began = process_time()
    judgement = judge(terms(samples), COMPONENTS, Impact(lost=frozenset({"mail"})), history)
    judged = process_time() - began
    return {
        "samples": samples,
        "record_s": round(spent, 3),
        "judge_s": round(judged, 3),
        "memory_before_mb": round(before, 1),
        "memory_recorded_mb": round(held, 1),
        "memory_most_mb": round(memory_mb(), 1),
    }, judgement


def main() -> None:
    """Measure, and print."""
    figures, judgement = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    print(json.dumps({**figures, "verdict": judgement.verdict.value}))


if __name__ == "__main__":
    main()
