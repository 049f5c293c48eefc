"""How often ``chaoskit trend`` raises false alarms, and what it finds.

``python -m tests.bench.trend_alarms`` draws histories of fifteen journeys: requests that are bad by
chance, with a share that differs between nights (beta), and times whose logarithm differs between nights
(normal). Nothing gets worse in them, so everything that is flagged is a false alarm. The figures in
docs/trend.md come from here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from chaoskit.judge.counts import Count
from chaoskit.trend import trend_of
from chaoskit.trend.entry import Entry, JourneyEntry, Phase
from tests.trend.nights import entry

JOURNEYS = 15
BOUND, BUDGET, DEADLINE = 0.3, 0.05, 10.0

Noise = tuple[float, float]
"""The spread of times between nights (of their logarithm), and the correlation within a night."""
CALM: Noise = (0.1, 0.001)
NOISY: Noise = (0.25, 0.005)
WILD: Noise = (0.4, 0.02)


def history(nights: int, noise: Noise, chance: random.Random) -> list[Entry]:
    """The entries of some nights in which nothing gets worse."""
    found = [replace(entry(number), journeys=()) for number in range(nights)]
    for index in range(JOURNEYS):
        samples, share = chance.choice((60, 160, 400)), chance.choice((0.001, 0.005, 0.02))
        recovery, p95 = chance.choice((0.0, 0.3, 1.0, 3.0)), chance.choice((0.01, 0.05, 0.2))
        control = p95 / 2
        for number, each in enumerate(found):
            bad = _bad(samples, share, noise[1], chance)
            times = [value * math.exp(chance.gauss(0.0, noise[0])) for value in (recovery, p95, control)]
            journey = _journey(f"journey-{index}", samples, bad, *times)
            found[number] = replace(each, journeys=(*each.journeys, journey))
    return found


def _journey(name: str, samples: int, bad: int, recovery: float, p95: float, control: float) -> JourneyEntry:
    usual = entry(0).journeys[0]
    calm = Phase("control", samples, 0, control, control, control, ())
    phase = Phase("fault", samples, 0, p95, p95, p95, (Count("p95", BOUND, BUDGET, samples, bad),))
    return replace(usual, journey=name, recovery=recovery, deadline=DEADLINE, phases=(calm, phase))


def _bad(samples: int, share: float, alike: float, chance: random.Random) -> int:
    precision = 1.0 / alike - 1.0
    tonight = chance.betavariate(share * precision, (1.0 - share) * precision)
    return sum(chance.random() < tonight for _ in range(samples))


def false_alarms(nights: int, noise: Noise, *, histories: int, seed: int = 1) -> int:
    """The number of histories in which anything is flagged on the last night."""
    chance = random.Random(seed)
    return sum(bool(trend_of(history(nights, noise, chance)).regressions) for _ in range(histories))


def found(nights: int, noise: Noise, *, histories: int, worse: dict[str, float], seed: int = 2) -> float:
    """The share of histories in which one journey's last night, made worse, is flagged."""
    chance, hits = random.Random(seed), 0
    for _ in range(histories):
        entries = history(nights, noise, chance)
        for number, each in enumerate(entries):
            bad = _bad(160, worse["share"] if number == nights - 1 else 0.005, noise[1], chance)
            level = worse["recovery"] if number == nights - 1 else 1.0
            recovery = level * math.exp(chance.gauss(0.0, noise[0]))
            entries[number] = replace(
                each, journeys=(*each.journeys, _journey("worse", 160, bad, recovery, 0.05, 0.02))
            )
        hits += any(each.journey == "worse" for each in trend_of(entries).regressions)
    return hits / histories


def main(histories: int = 1000, columns: Sequence[int] = (3, 5, 10, 30)) -> None:
    """Print both tables."""
    print(f"false alarms in {histories} histories of {JOURNEYS} journeys without a regression, by nights")
    for name, noise in (("calm", CALM), ("noisy", NOISY), ("wild", WILD)):
        counts = [false_alarms(nights, noise, histories=histories) for nights in columns]
        cells = [f"{nights}: {count / histories:.1%}" for nights, count in zip(columns, counts, strict=True)]
        print(f"  {name:<6} {'  '.join(cells)}")
    print(f"one of {JOURNEYS + 1} journeys gets worse: found in, by nights")
    for title, worse in (
        ("recovery 1 s → 4 s of 10 s", {"recovery": 4.0, "share": 0.005}),
        ("recovery 1 s → 8 s of 10 s", {"recovery": 8.0, "share": 0.005}),
        ("slow 0.5% → 8% of 160", {"recovery": 1.0, "share": 0.08}),
        ("slow 0.5% → 15% of 160", {"recovery": 1.0, "share": 0.15}),
    ):
        for name, noise in (("calm", CALM), ("noisy", NOISY)):
            cells = [
                f"{nights}: {found(nights, noise, histories=histories // 5, worse=worse):.0%}"
                for nights in columns
            ]
            print(f"  {title:<28} {name:<6} {'  '.join(cells)}")


if __name__ == "__main__":
    main()
