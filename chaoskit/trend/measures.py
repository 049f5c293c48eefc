"""The figures that are compared between nights: recovery, bad requests and the p95 of each journey."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from chaoskit.judge import Standing, Verdict
from chaoskit.judge.counts import Count
from chaoskit.trend.entry import Entry, JourneyEntry
from chaoskit.trend.regression import adjusted, level_rose, logarithm_rose, share_rose

FEWEST_EARLIER_NIGHTS = 2
"""With fewer earlier nights nothing is compared."""
FALSE_DISCOVERY_RATE = 0.05
"""The share of regressions that may be false: see :func:`chaoskit.trend.regression.adjusted`."""
BUDGET_SHARE, DEADLINE_SHARE, BOUND_SHARE = 0.5, 0.1, 0.1
"""A rise matters if it takes this share of the limit: of the budget for bad requests, of the recovery
deadline, of the bound of the latency promise."""
_NOISE_SHARE = 0.05
"""The share of the limit below which differences between times are noise."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of one journey, last night against the nights before.

    Attributes:
        experiment, journey: the experiment and the journey that the figure belongs to.
        what: ``recovery``, ``fail-over``, ``latency`` (the p95 of the fault window), or the promise that
            the bad requests of the fault window violate.
        last: the figure of the last night: seconds, or the share of bad requests.
        before: the same figure of each earlier night in which the journey held.
        limit: what is allowed: the deadline, the bound or the budget.
        says: the comparison in words.
        matters: whether the rise is large enough to matter: see :data:`BUDGET_SHARE`.
        chance: the p-value; ``None`` with too few earlier nights.
        adjusted: the p-value after adjusting for all comparisons of this night.
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
        """Whether it got worse by more than nights usually differ, and by enough to matter."""
        return self.matters and self.adjusted is not None and self.adjusted <= FALSE_DISCOVERY_RATE


def compare(last: Sequence[Entry], before: Sequence[Entry]) -> list[Comparison]:
    """Compare every figure of the experiments of the last night.

    Args:
        last: the experiments of the last night.
        before: the experiments of all earlier nights. An experiment is compared with those of the same
            name and fault. A journey is compared with the nights in which it held; for a promise, only
            with those that had the same promise.
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
        earlier = [each.recovery for each in before if each.recovery is not None]
        yield _took(
            (experiment, journey.journey, "recovery", "recovered"),
            (journey.recovery, journey.resolution or 0.0, journey.deadline),
            earlier,
        )
    if journey.failover is not None and journey.within:
        earlier = [each.failover for each in before if each.failover is not None]
        yield _took(
            (experiment, journey.journey, "fail-over", "failed over"),
            (journey.failover, journey.failover_resolution or 0.0, journey.within),
            earlier,
        )
    phase = journey.phase("fault")
    if phase is None or journey.standing == Standing.MAY_FAIL:
        # A journey that may fail may also fail more often.
        return
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
    """The p95 of the fault window and the p95 of the control window, if both are known."""
    phase, control = journey.phase("fault"), journey.phase("control")
    if phase is None or control is None or phase.p95 is None or control.p95 is None:
        return None
    return phase.p95, control.p95


def _comparable(one: Count, other: Count) -> bool:
    return (one.promise, one.bound, one.budget) == (other.promise, other.bound, other.budget)


def _took(
    names: tuple[str, str, str, str], figures: tuple[float, float, float], times: Sequence[float]
) -> Comparison:
    """A time that something took.

    Args:
        names: the experiment, the journey, what it is, and the verb.
        figures: the last time, its resolution and what is allowed, in seconds.
        times: those of earlier nights.
    """
    (experiment, journey, what, verb), (last, resolution, deadline) = names, figures
    usual = median(times) if times else last
    offset = max(resolution, _NOISE_SHARE * deadline)
    chance = level_rose(times, last, offset) if len(times) >= FEWEST_EARLIER_NIGHTS else None
    says = (
        f"{verb} in {last:.1f} s ± {resolution:.2f}; before: {span(times)} s "
        f"({_nights(len(times))}); {deadline:g} s allowed"
    )
    matters = last - resolution - usual >= DEADLINE_SHARE * deadline
    return Comparison(experiment, journey, what, last, tuple(times), deadline, says, matters, chance)


def _share(experiment: str, journey: str, count: Count, before: Sequence[Count]) -> Comparison:
    pairs = [(each.bad, each.samples) for each in before if each.samples]
    bad, samples = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    last = count.bad / count.samples if count.samples else 0.0
    usual = bad / samples if samples else last
    chance = share_rose(pairs, (count.bad, count.samples)) if len(pairs) >= FEWEST_EARLIER_NIGHTS else None
    what = "failed" if count.bound is None else f"took longer than {count.bound:g} s"
    says = (
        f"{count.bad} of {count.samples} requests {what} under the fault ({last:.1%}); before: "
        f"{bad} of {samples} ({usual:.1%}, {_nights(len(pairs))}); {count.budget:.1%} allowed"
    )
    shares = tuple(k / n for k, n in pairs)
    matters = last - usual >= BUDGET_SHARE * count.budget and last > usual
    return Comparison(experiment, journey, count.promise, last, shares, count.budget, says, matters, chance)


def _latency(
    experiment: str,
    journey: str,
    last: tuple[float, float],
    bound: float,
    before: Sequence[tuple[float, float]],
) -> Comparison:
    """The p95 under the fault must be worse by itself *and* relative to the control window of its night.

    On a slow or busy machine everything is slower, before the fault too. That is not a regression under
    the fault. (Both tests have to reject: R. L. Berger, "Multiparameter hypothesis testing and acceptance
    sampling", Technometrics 24, 1982.)
    """
    offset = _NOISE_SHARE * bound
    times = [value for value, _ in before]
    usual = median(times) if times else last[0]

    def against_control(pair: tuple[float, float]) -> float:
        return math.log((pair[0] + offset) / (pair[1] + offset))

    chance = None
    if len(before) >= FEWEST_EARLIER_NIGHTS:
        by_itself = level_rose(times, last[0], offset)
        chance = max(by_itself, logarithm_rose([*map(against_control, before)], against_control(last)))
    milliseconds = [value * 1000 for value in times]
    says = (
        f"p95 of {last[0] * 1000:.0f} ms under the fault ({last[1] * 1000:.0f} ms in the control window); "
        f"before: {span(milliseconds, 0)} ms ({_nights(len(before))}); {bound * 1000:.0f} ms promised"
    )
    matters = last[0] - usual >= BOUND_SHARE * bound
    return Comparison(experiment, journey, "latency", last[0], tuple(times), bound, says, matters, chance)


def _nights(count: int) -> str:
    return f"{count} night{'' if count == 1 else 's'}"


def span(values: Sequence[float], digits: int = 1) -> str:
    """The smallest and the largest of some values; one figure if both are written alike."""
    if not values:
        return "-"
    least, most = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return least if least == most else f"{least} … {most}"
