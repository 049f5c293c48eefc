"""What is compared between nights: recovery, bad requests and the p95 of each journey."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from chaoskit.judge import Standing, Verdict
from chaoskit.judge.counts import Count
from chaoskit.trend.entry import Entry, JourneyEntry
from chaoskit.trend.regression import adjusted, level_rose, logarithm_rose, share_rose

NIGHTS = 2
"""Earlier nights without which nothing is compared."""
FALSE_DISCOVERIES = 0.05
"""The share of regressions that may be false ones: see :func:`chaoskit.trend.regression.adjusted`."""
OF_BUDGET, OF_DEADLINE, OF_BOUND = 0.5, 0.1, 0.1
"""A rise matters if it takes this much of what is allowed: of the budget for bad requests, of the
recovery deadline, of the bound of the latency promise."""
_SCALE = 0.05
"""The share of what is allowed below which differences of a time are noise."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of one journey, last night against the nights before.

    Attributes:
        experiment, journey: whose.
        what: ``recovery``, ``latency`` (the p95 of the fault window), or the promise against which
            requests of the fault window were bad.
        last: seconds, or the share of bad requests.
        before: the same of each earlier night in which the journey held.
        limit: what is allowed: the deadline, the bound or the budget.
        says: it in words.
        matters: whether it rose by as much as anybody would mind.
        chance: the p-value; ``None`` with too few earlier nights.
        adjusted: the same for all comparisons of this night together.
    """

    experiment: str
    journey: str
    what: str
    last: float
    before: tuple[float, ...]
    limit: float
    says: str
    matters: bool
    chance: float | None
    adjusted: float | None = None

    @property
    def regressed(self) -> bool:
        """Whether it is worse than nights differ anyway, and by enough to matter."""
        return self.matters and self.adjusted is not None and self.adjusted <= FALSE_DISCOVERIES


def compare(last: Sequence[Entry], before: Sequence[Entry]) -> list[Comparison]:
    """Every figure of the last night's experiments.

    Args:
        last: the last night's experiments.
        before: those of all earlier nights. An experiment is compared with those of its name that
            injected the same fault, a journey with nights in which it held and, for a promise,
            promised the same.
    """
    found = []
    for entry in last:
        past = [each for each in before if (each.experiment, each.fault) == (entry.experiment, entry.fault)]
        for journey in entry.journeys:
            if journey.verdict is not Verdict.UNKNOWN:
                earlier = [one for each in past if (one := each.journey(journey.journey))]
                held = [each for each in earlier if each.verdict is Verdict.HELD]
                found += list(_journey(entry.experiment, journey, held))
    tested = [index for index, each in enumerate(found) if each.chance is not None]
    together = adjusted([found[index].chance or 0.0 for index in tested])
    for index, chance in zip(tested, together, strict=True):
        found[index] = replace(found[index], adjusted=chance)
    return found


def _journey(experiment: str, journey: JourneyEntry, before: Sequence[JourneyEntry]) -> Iterator[Comparison]:
    if journey.recovery is not None and journey.deadline:
        yield _recovery(experiment, journey, journey.recovery, journey.deadline, before)
    phase = journey.phase("fault")
    if phase is None or journey.standing == Standing.MAY_FAIL:
        return  # what may fail may fail more
    pasts = [past for each in before if (past := each.phase("fault"))]
    for count in phase.counts:
        same = [other for past in pasts for other in past.counts if _comparable(count, other)]
        yield _share(experiment, journey.journey, count, same)
    bound = min((each.bound for each in phase.counts if each.bound is not None), default=None)
    usual = _p95s(journey)
    if usual is not None and bound is not None:
        times = [pair for each in before if (pair := _p95s(each)) is not None]
        yield _latency(experiment, journey.journey, usual, bound, times)


def _p95s(journey: JourneyEntry) -> tuple[float, float] | None:
    """The p95 of the fault window and that of the control window, if both are known."""
    phase, control = journey.phase("fault"), journey.phase("control")
    if phase is None or control is None or phase.p95 is None or control.p95 is None:
        return None
    return phase.p95, control.p95


def _comparable(one: Count, other: Count) -> bool:
    return (one.promise, one.bound, one.budget) == (other.promise, other.bound, other.budget)


def _recovery(
    experiment: str, journey: JourneyEntry, last: float, deadline: float, before: Sequence[JourneyEntry]
) -> Comparison:
    times = [each.recovery for each in before if each.recovery is not None]
    resolution = journey.resolution or 0.0
    usual = median(times) if times else last
    offset = max(resolution, _SCALE * deadline)
    chance = level_rose(times, last, offset) if len(times) >= NIGHTS else None
    says = (
        f"recovered in {last:.1f} s ± {resolution:.2f}, before in {span(times)} s over "
        f"{len(times)} nights, {deadline:g} s allowed"
    )
    matters = last - resolution - usual >= OF_DEADLINE * deadline
    return Comparison(
        experiment, journey.journey, "recovery", last, tuple(times), deadline, says, matters, chance
    )


def _share(experiment: str, journey: str, count: Count, before: Sequence[Count]) -> Comparison:
    pairs = [(each.bad, each.samples) for each in before if each.samples]
    bad, samples = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    last = count.bad / count.samples if count.samples else 0.0
    usual = bad / samples if samples else last
    chance = share_rose(pairs, (count.bad, count.samples)) if len(pairs) >= NIGHTS else None
    what = "failed" if count.bound is None else f"took longer than {count.bound:g} s"
    says = (
        f"{count.bad} of {count.samples} requests {what} under the fault ({last:.1%}), before "
        f"{bad} of {samples} ({usual:.1%}) over {len(pairs)} nights, {count.budget:.1%} allowed"
    )
    shares = tuple(k / n for k, n in pairs)
    matters = last - usual >= OF_BUDGET * count.budget and last > usual
    return Comparison(experiment, journey, count.promise, last, shares, count.budget, says, matters, chance)


def _latency(
    experiment: str,
    journey: str,
    last: tuple[float, float],
    bound: float,
    before: Sequence[tuple[float, float]],
) -> Comparison:
    """The p95 under the fault has to be worse by itself *and* against the same night's control window.

    On a slow or busy machine everything is slower, before the fault as well; that is no regression
    of what happens under it. (Both tests have to reject: R. L. Berger, "Multiparameter hypothesis
    testing and acceptance sampling", Technometrics 24, 1982.)
    """
    offset = _SCALE * bound
    times = [value for value, _ in before]
    usual = median(times) if times else last[0]

    def against_control(pair: tuple[float, float]) -> float:
        return math.log((pair[0] + offset) / (pair[1] + offset))

    chance = None
    if len(before) >= NIGHTS:
        by_itself = level_rose(times, last[0], offset)
        chance = max(by_itself, logarithm_rose([*map(against_control, before)], against_control(last)))
    milliseconds = [value * 1000 for value in times]
    says = (
        f"p95 of {last[0] * 1000:.0f} ms under the fault ({last[1] * 1000:.0f} ms in the control window), "
        f"before {span(milliseconds, 0)} ms over {len(before)} nights, {bound * 1000:.0f} ms promised"
    )
    matters = last[0] - usual >= OF_BOUND * bound
    return Comparison(experiment, journey, "latency", last[0], tuple(times), bound, says, matters, chance)


def span(values: Sequence[float], digits: int = 1) -> str:
    """The least and the largest of some values, once if they are written alike."""
    if not values:
        return "-"
    least, most = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return least if least == most else f"{least} … {most}"
