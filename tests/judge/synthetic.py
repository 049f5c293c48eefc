"""Random services whose true behaviour is known, to measure the judge's coverage, power and false alarms."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from chaoskit.judge.recovery import Recovered, judge_recovery
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.trace import Trace
from chaoskit.record.history import History, Mark
from chaoskit.record.samples import OUTCOMES, Column, Columns, Outcome
from chaoskit.system import Slo, Terms

FAST = 0.02
SLOW = 1.0
SETTINGS = JudgeSettings()
RISK = SETTINGS.risk(14)
"""Seven journeys with two promises each."""

_OK, _FAILED = OUTCOMES.index(Outcome.OK), OUTCOMES.index(Outcome.FAILED)

Stretch = tuple[int, int, float]
"""First request, the one after the last, and the share of bad ones among them."""


def chosen(stretches: Iterable[Stretch], dice: random.Random) -> list[int]:
    """Which requests are bad, each independently of the others."""
    found = list[int]()
    for low, high, share in stretches:
        if share >= 1.0:
            found += range(low, high)
            continue
        if share <= 0.0:
            continue
        step = math.log1p(-share)
        index = low - 1
        while True:
            index += 1 + int(math.log(1.0 - dice.random()) / step)
            if index >= high:
                break
            found.append(index)
    return found


@lru_cache(maxsize=4)
def _columns(samples: int, rate: float, phase: float) -> tuple[array[float], array[float], array[float]]:
    at = array("d", ((index + phase) / rate for index in range(samples)))
    return at, array("d", [FAST]) * samples, array("d", [0.0]) * samples


def trace(samples: int, rate: float, bad: Sequence[int], phase: float = 0.5) -> Trace:
    """Requests at an even rate from 0 s on, of which some fail."""
    at, latency, lag = _columns(samples, rate, phase)
    failed = bytearray(samples)
    for index in bad:
        failed[index] = 1
    return Trace(at, latency, lag, bytes(failed), array("I", bytes(4 * samples)), ("",))


def recovery_of(
    rate: float,
    share: float,
    until: float,
    observed: float,
    slo: Slo,
    dice: random.Random,
    calm: float = 0.0,
) -> Recovered:
    """The judgement on a journey that fails with ``share`` until that moment and with ``calm`` later."""
    samples = int(observed * rate)
    end = min(samples, math.ceil(until * rate - 0.5))
    bad = chosen([(0, end, share), (end, samples, calm)], dice)
    terms = Terms(name="browse", rate=rate, slo=slo)
    return judge_recovery(
        terms, trace(samples, rate, bad), 0.0, observed - 1.0 / rate, SETTINGS, RISK / 2, lifted=True
    )


def experiment(
    terms: Sequence[Terms],
    phases: Mapping[str, float],
    bad: Mapping[str, Iterable[int]],
    slow: Mapping[str, Iterable[int]],
) -> History:
    """A whole experiment.

    Args:
        terms: the journeys.
        phases: the marks.
        bad: journey → which requests fail.
        slow: journey → which requests take :data:`SLOW` seconds.
    """
    columns = Columns()
    for each in terms:
        samples = int(phases["end"] * each.rate)
        at, _, _ = _columns(samples, each.rate, 0.5)
        column = Column(each.name)
        outcome = array("B", bytes([_OK])) * samples
        for index in bad.get(each.name, ()):
            outcome[index] = _FAILED
        ended = array("d", [moment + FAST for moment in at])
        for index in slow.get(each.name, ()):
            ended[index] = at[index] + SLOW
        column.intended, column.started, column.ended = at, at, ended
        column.outcome, column.error = outcome, array("I", bytes(4 * samples))
        columns[each.name] = column
    found = History(columns)
    found.add(*(Mark(name, moment) for name, moment in phases.items()))
    return found
