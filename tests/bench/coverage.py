"""How often the judge is right: the tables of ``docs/statistics.md``, from services whose truth is known.

``python -m tests.bench.coverage [CASES]`` simulates so many cases for each cell (10,000 for the
published tables, in a quarter of an hour on two busy cores) and prints the tables.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from chaoskit.judge import Outlook, Verdict, judge, outlook
from chaoskit.judge.binomial import at_least, breaks_at
from chaoskit.judge.verdict import duration
from chaoskit.record.history import History, Mark, Outcome, Sample
from chaoskit.system import Component, Impact, Slo, Terms
from tests.judge.synthetic import FAST, RISK, chosen, experiment, recovery_of

RATES = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
BUDGET = 0.005
SLO = Slo(availability=1.0 - BUDGET, recovery=3.0)
COMPONENTS = (Component("api", "api"), Component("mail", "mail"))
MAIL_LOST = Impact(lost=frozenset({"mail"}))
JOURNEYS = (2.0, 4.0, 8.0, 15.0, 20.0, 50.0, 100.0)
"""The rates of the seven journeys of a whole experiment."""
PHASES = {"begin": 0.0, "control": 3.0, "inject": 9.0, "landed": 9.2, "lift": 17.2, "gone": 17.3, "end": 33.0}


@dataclass(frozen=True, slots=True)
class Covered:
    """What was found in one cell: of so many cases, how many intervals held the truth, and so on."""

    held_truth: float
    seen: float
    width: float


def covered(rate: float, share: float, cases: int) -> Covered:
    """Recoveries of a share of failing users at a moment from 1 to 4 s after the lift, 13 s observed."""
    dice = random.Random(f"coverage {rate} {share}")
    right, seen, widths = 0, 0, []
    for _ in range(cases):
        until = dice.uniform(1.0, 4.0)
        found = recovery_of(rate, share, until, 13.0, SLO, dice, BUDGET / 2).recovery
        latest = float("inf") if found.latest is None else found.latest
        right += found.earliest <= until <= latest
        if found.disturbed:
            seen += 1
            widths.append(latest - found.earliest)
    return Covered(right / cases, seen / cases, statistics.median(widths) if widths else float("inf"))


def deadline(rate: float, share: float, late: float, cases: int) -> Counter[Verdict]:
    """The verdicts on a recovery that is so late (negative: early) for its deadline of 3 s."""
    dice = random.Random(f"deadline {rate} {share} {late}")
    counted = Counter[Verdict]()
    for _ in range(cases):
        found = recovery_of(rate, share, SLO.recovery + late, 21.0, SLO, dice, BUDGET / 2)
        counted[min(found.findings, key=lambda each: each.verdict is Verdict.HELD).verdict] += 1
    return counted


def unseen(rate: float, share: float, budget: float, cases: int) -> float:
    """Seconds that a share must be bad after the lift to be passed over in at most 1% of the cases."""
    dice = random.Random(f"unseen {rate} {share} {budget}")
    slo = Slo(availability=1.0 - budget, recovery=0.001)

    def passed_over(seconds: float) -> float:
        found = (recovery_of(rate, share, seconds, seconds + 15.0, slo, dice) for _ in range(cases))
        return sum(all(one.verdict is Verdict.HELD for one in each.findings) for each in found) / cases

    low, high = 1.0, 2.0
    while passed_over(high / rate) > 0.01:
        low, high = high, high * 2
        if high > 20_000:
            return float("inf")
    while high / low > 1.1:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if passed_over(middle / rate) <= 0.01 else (middle, high)
    return high / rate


def whole(used: float, burst: float, seed: int, cases: int) -> Counter[Verdict]:
    """Whole experiments with seven journeys that use such a share of both budgets all the time.

    Args:
        used: the share of the budgets.
        burst: seconds of one stall of every journey, at a moment after the lift.
        seed: of the dice.
        cases: how many.
    """
    dice = random.Random(f"whole {used} {burst} {seed}")
    slo = Slo(availability=1.0 - BUDGET, p95=0.3, recovery=3.0)
    terms = [Terms(name=f"at {rate:g}/s", rate=rate, slo=slo, needs=("api",)) for rate in JOURNEYS]
    counted = Counter[Verdict]()
    for _ in range(cases):
        bad, slow = {}, {}
        for each in terms:
            samples = int(PHASES["end"] * each.rate)
            bad[each.name] = chosen([(0, samples, BUDGET * used)], dice)
            begin = int(dice.uniform(PHASES["lift"], PHASES["end"] - 2.0) * each.rate)
            stall = range(begin, begin + int(burst * each.rate))
            slow[each.name] = {*chosen([(0, samples, 0.05 * used)], dice), *stall}
        counted[judge(terms, COMPONENTS, MAIL_LOST, experiment(terms, PHASES, bad, slow)).verdict] += 1
    return counted


def stopped(share: float, seed: int, cases: int) -> Counter[str]:
    """A share fails for ever after the lift, at 20/s, and the harness decides when to stop looking."""
    dice = random.Random(f"stopped {share} {seed}")
    terms = Terms(name="browse", rate=20.0, slo=Slo(availability=1.0 - BUDGET, recovery=10.0), needs=("api",))
    counted = Counter[str]()
    for _ in range(cases):
        history, now = History(), 18.0
        for name, at in PHASES.items():
            if name != "end":
                history.add(Mark(name, at))
        due = 0
        while True:
            while (at := (due + 0.5) / terms.rate) + FAST <= now:
                fails = at >= PHASES["lift"] and dice.random() < share
                outcome, error = (Outcome.FAILED, "503") if fails else (Outcome.OK, "")
                history.add(Sample("browse", at, at, at + FAST, outcome, error))
                due += 1
            if outlook([terms], history, PHASES["lift"], now) is not Outlook.OPEN:
                break
            now += 0.5
        history.add(Mark("end", now))
        counted[judge([terms], COMPONENTS, MAIL_LOST, history).verdict.name] += 1
        counted["seconds"] += round(now - PHASES["lift"])
    return counted


def worst_kept(samples: int, budget: float) -> float:
    """The share that is called kept in 1% of the windows of so many requests; more is rarer."""
    return _share_at(0.01, lambda share: 1 - at_least(breaks_at(samples, budget, 0.99), samples, share))


def surely_broken(samples: int, budget: float) -> float:
    """The share that is called broken in 90% of such windows of an experiment with seven journeys."""
    fewest = breaks_at(samples, budget, 1 - RISK / 8)
    return _share_at(0.1, lambda share: 1 - at_least(fewest, samples, share))


def _share_at(chance: float, passed_over: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if passed_over(middle) > chance else (low, middle)
    return high


def table(corner: str, columns: Iterable[str], rows: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Print Markdown."""
    names = [corner, *columns]
    print("| " + " | ".join(names) + " |\n|" + " ---: |" * len(names))
    for name, cells in rows:
        print("| " + " | ".join([name, *cells]) + " |")
    print(flush=True)


def percent(share: float) -> str:
    """As the tables have it."""
    return f"{share * 100:.3g}%" if share < 0.995 else f"{share * 100:.1f}%"


def main() -> None:
    """Simulate, and print."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    began = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        _recoveries(pool, cases)
        _experiments(pool, cases)
    _windows()
    print(f"{cases} cases a cell, {time.monotonic() - began:.0f} s", file=sys.stderr)


def _recoveries(pool: ProcessPoolExecutor, cases: int) -> None:
    cells = {
        (rate, share): pool.submit(covered, rate, share, cases)
        for rate in reversed(RATES)
        for share in SHARES
    }
    rates = [f"{rate:g}/s" for rate in RATES]

    def cover(share: float, tell: Callable[[Covered], str]) -> tuple[str, list[str]]:
        return percent(share), [tell(cells[rate, share].result()) for rate in RATES]

    print("### The interval of a recovery holds the truth\n")
    table("failing", rates, (cover(share, lambda each: percent(each.held_truth)) for share in SHARES))
    print("### Seen to be outside beyond doubt, and the median length of the interval\n")

    def tell(each: Covered) -> str:
        width = "∞" if each.width == float("inf") else duration(each.width)
        return f"{percent(each.seen)}, {width}" if each.seen else "0%"

    table("failing", rates, (cover(share, tell) for share in SHARES))
    moments = (-2.0, -0.5, 0.5, 2.0, 5.0)
    some = max(1, cases // 10)
    verdicts = {
        (rate, share, late): pool.submit(deadline, rate, share, late, some)
        for rate in (10.0, 50.0)
        for share in SHARES[2:]
        for late in moments
    }
    print("### HELD / UNKNOWN / BROKEN, by how late a recovery is for its deadline of 3 s, in %\n")

    def judged(rate: float, share: float, late: float) -> str:
        counted = verdicts[rate, share, late].result()
        return " / ".join(
            f"{100 * counted[each] / some:.3g}" for each in (Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN)
        )

    table(
        "failing, rate",
        [f"{late:+g} s" for late in moments],
        (
            (f"{percent(share)}, {rate:g}/s", [judged(rate, share, late) for late in moments])
            for rate in (10.0, 50.0)
            for share in SHARES[2:]
        ),
    )
    print("### Seconds that a share must fail after the lift to be passed over (HELD) in at most 1%\n")
    needed = {
        (budget, share): pool.submit(unseen, 20.0, share, budget, max(100, cases // 20))
        for budget in (0.001, 0.005, 0.01, 0.05)
        for share in SHARES[1:]
        if share >= 2 * budget
    }

    def seconds(budget: float, share: float) -> str:
        cell = needed.get((budget, share))
        if cell is None:
            return "-"
        return "∞" if cell.result() == float("inf") else f"{cell.result():.3g}"

    allowed = (0.001, 0.005, 0.01, 0.05)
    table(
        "failing, at 20/s",
        [f"{percent(budget)} allowed" for budget in allowed],
        ((percent(share), [seconds(budget, share) for budget in allowed]) for share in SHARES[1:]),
    )


def _experiments(pool: ProcessPoolExecutor, cases: int) -> None:
    kinds = {
        "half of both budgets": (0.5, 0.0),
        "all of both budgets": (1.0, 0.0),
        "half, a stall of 0.25 s": (0.5, 0.25),
    }
    chunks = range(8)
    each = max(1, cases // len(chunks) // 4)
    runs = {name: [pool.submit(whole, *kind, seed, each) for seed in chunks] for name, kind in kinds.items()}
    online = {
        share: [pool.submit(stopped, share, seed, max(1, cases // 160)) for seed in chunks]
        for share in (0.0, BUDGET / 2, 4 * BUDGET)
    }
    print("### Whole experiments with seven journeys\n")
    rows = []
    for name, parts in runs.items():
        total = sum((part.result() for part in parts), Counter[Verdict]())
        rows.append((name, [str(total.total()), *(percent(total[v] / total.total()) for v in Verdict)]))
    table("used", ["experiments", *Verdict], rows)
    print("### A share that fails for ever after the lift (20/s, 0.5% allowed), stopped online\n")
    rows = []
    for share, several in online.items():
        counted = sum((part.result() for part in several), Counter[str]())
        runs_of = counted["HELD"] + counted["UNKNOWN"] + counted["BROKEN"]
        cells = [percent(counted[name.name] / runs_of) for name in Verdict]
        rows.append((percent(share), [str(runs_of), *cells, f"{counted['seconds'] / runs_of:.0f} s"]))
    table("failing", ["experiments", *Verdict, "watched for"], rows)


def _windows() -> None:
    budgets, sizes = (0.001, 0.005, 0.01, 0.05, 0.1), (20, 40, 80, 160, 320, 640, 1000, 2000)
    columns = [f"{percent(budget)} allowed" for budget in budgets]
    print("### In a window: fewest bad requests for UNKNOWN, for BROKEN (seven journeys, two promises)\n")

    def fewest(samples: int, budget: float) -> str:
        return f"{breaks_at(samples, budget, 0.99)}, {breaks_at(samples, budget, 1 - RISK / 8)}"

    table("requests", columns, ((str(n), [fewest(n, b) for b in budgets]) for n in sizes))
    print("### The share that is called HELD in 1% of such windows; BROKEN in 90%\n")

    def power(samples: int, budget: float) -> str:
        return f"{percent(worst_kept(samples, budget))}; {percent(surely_broken(samples, budget))}"

    table("requests", columns, ((str(n), [power(n, b) for b in budgets]) for n in sizes))


if __name__ == "__main__":
    main()
