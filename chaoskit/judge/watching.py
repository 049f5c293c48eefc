"""Online: whether the journeys are back inside their SLO, and how long it is worth to go on watching.

The decision to stop is made by the same sequential test as the verdict, whose error holds for all
moments at which one may stop; so nothing is gained by stopping at the first calm moment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import Enum

from chaoskit.judge.excursions import Excursions, find_excursions
from chaoskit.judge.phases import load_begin
from chaoskit.judge.settings import JudgeSettings
from chaoskit.judge.slo import indicators
from chaoskit.judge.trace import Trace, traces
from chaoskit.record.history import History
from chaoskit.record.samples import NEVER
from chaoskit.system import Terms


class Outlook(Enum):
    """What there is to wait for."""

    INSIDE = "inside"
    """Every journey is inside its SLO, as surely as it can be told."""
    OPEN = "open"
    """A verdict may still change."""
    OUTSIDE = "outside"
    """No verdict can change any more, and not every journey is inside its SLO."""


def recovered(
    terms: Sequence[Terms],
    history: History,
    lift_at: float,
    now: float,
    settings: JudgeSettings | None = None,
) -> bool:
    """Whether every journey is inside its SLO by ``now``; see :func:`outlook`."""
    return outlook(terms, history, lift_at, now, settings) is Outlook.INSIDE


def outlook(
    terms: Sequence[Terms],
    history: History,
    lift_at: float,
    now: float,
    settings: JudgeSettings | None = None,
) -> Outlook:
    """Whether to go on watching.

    The same search as the judge's, on what is known so far. Requests in flight are not in the
    record yet; so each journey is looked at up to a moment by which its requests should have ended,
    and arrivals that are missing until then are taken to hang.

    Args:
        terms: the journeys.
        history: what happened.
        lift_at: since when they are watched. The load may begin later.
        now: the time.
        settings: how the judge decides. With a ``patience`` of 0 s a stability window is enough.
    """
    settings = settings or JudgeSettings()
    found = traces(terms, history.columns(lift_at), now)
    begin = load_begin(history.marks)
    start = max(lift_at, begin)
    risk = settings.risk(sum(len(indicators(each.slo)) for each in terms)) / 4
    seen = [_one(each, found[each.name], begin, start, now, settings, risk) for each in terms]
    if seen and all(each is Outlook.INSIDE for each in seen):
        return Outlook.INSIDE
    if now > lift_at + observation_limit(terms, settings) or (seen and Outlook.OPEN not in seen):
        return Outlook.OUTSIDE
    return Outlook.OPEN


def observation_limit(terms: Iterable[Terms], settings: JudgeSettings | None = None) -> float:
    """Seconds after lifting beyond which no verdict on recovery can change any more: the latest
    deadline, what a doubt is worth, a stability window, and time for the last requests to end.
    """
    settings = settings or JudgeSettings()
    return max(
        (
            each.slo.recovery
            + max(settings.stable_for(each.slowest(0.0)), settings.doubt if settings.patience else 0.0)
            + each.timeout
            for each in terms
        ),
        default=0.0,
    )


def _one(
    terms: Terms, trace: Trace, begin: float, start: float, now: float, settings: JudgeSettings, risk: float
) -> Outlook:
    bounds = [bound for _, bound in terms.slo.quantiles]
    served = [
        each for each, fail in zip(trace.latency, trace.failed, strict=True) if not fail and each < NEVER
    ]
    # As long as they take now, and half as long again; who takes longer is missing below.
    usual = min(1.5 * max(served, default=0.0), 2 * bounds[-1] if bounds else terms.timeout)
    until = now - max(settings.window, min(usual, terms.timeout))
    known = trace.between(start, until)
    slowest = terms.slowest(start - begin, now - begin)
    found = find_excursions(known, start, until - 1.0 / slowest, slowest, terms.slo, settings, risk)
    deadline, stability = terms.slo.recovery, settings.stable_for(slowest)
    if found.earliest - start >= deadline and until - start >= deadline + max(stability, settings.period):
        return Outlook.OUTSIDE
    if not found.stable or found.since is None:
        return Outlook.OPEN
    expected = terms.due(found.since - begin, until - begin)
    missing = expected - len(known.between(found.since, until))
    even = settings.even_arrivals and terms.pattern == "constant"
    if missing >= (2.0 if even else 2.0 + 4 * math.sqrt(expected)):
        return Outlook.OPEN
    return Outlook.INSIDE if _enough(found, until - found.since, settings) else Outlook.OPEN


def _enough(found: Excursions, watched: float, settings: JudgeSettings) -> bool:
    """Whether so much was seen since a journey is inside that it may be believed."""
    if found.shown or settings.patience <= 0:
        return True
    calm = found.clean and not found.doubt
    return watched >= (settings.patience if calm else settings.doubt)
