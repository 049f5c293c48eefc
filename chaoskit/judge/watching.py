"""While the load runs: whether the journeys are back inside their SLO, and how long watching pays off.

The same sequential test decides when to stop and what the verdict is. Its error holds for every moment
at which the watch may stop, so a stop at the first calm moment does not make a pass more likely.
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
    """What the watch can still wait for."""

    INSIDE = "inside"
    """Every journey is inside its SLO, as certainly as the judge can tell."""
    OPEN = "open"
    """A verdict may still change."""
    OUTSIDE = "outside"
    """No verdict can change any more, and at least one journey is outside its SLO."""


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

    This is the judge's own search on the record so far. Requests in flight are not in the record yet.
    So each journey is judged up to a moment by which its requests should have ended, and arrivals that
    are missing until then are taken to hang.

    Args:
        terms: the journeys.
        history: the record so far.
        lift_at: when the watch began. The load may begin later.
        now: the current time.
        settings: how the judge decides. With a ``patience`` of 0 s a stability window is enough.
    """
    settings = settings or JudgeSettings()
    seen = [each for each, _ in _looks(terms, history, lift_at, now, settings)]
    if seen and all(each is Outlook.INSIDE for each in seen):
        return Outlook.INSIDE
    if now > lift_at + observation_limit(terms, settings) or (seen and Outlook.OPEN not in seen):
        return Outlook.OUTSIDE
    return Outlook.OPEN


def pending(
    terms: Sequence[Terms],
    history: History,
    lift_at: float,
    now: float,
    settings: JudgeSettings | None = None,
) -> tuple[str, ...]:
    """Why :func:`outlook` is not INSIDE: one clause for each journey that is not inside its SLO."""
    looks = _looks(terms, history, lift_at, now, settings or JudgeSettings())
    return tuple(
        f"{each.name}: {why}"
        for each, (seen, why) in zip(terms, looks, strict=True)
        if seen is not Outlook.INSIDE
    )


def _looks(
    terms: Sequence[Terms], history: History, lift_at: float, now: float, settings: JudgeSettings
) -> list[tuple[Outlook, str]]:
    found = traces(terms, history.columns(lift_at), now)
    begin = load_begin(history.marks)
    start = max(lift_at, begin)
    risk = settings.risk(sum(len(indicators(each.slo)) for each in terms)) / 4
    return [_one(each, found[each.name], begin, start, now, settings, risk) for each in terms]


def observation_limit(terms: Iterable[Terms], settings: JudgeSettings | None = None) -> float:
    """Seconds after the lift beyond which no verdict on recovery can change any more: the latest deadline,
    the longest watch that a doubt justifies (or a stability window, if longer), and time for the last
    requests to end.
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
) -> tuple[Outlook, str]:
    """The outlook on one journey, and why."""
    bounds = [bound for _, bound in terms.slo.quantiles]
    served = [
        each for each, fail in zip(trace.latency, trace.failed, strict=True) if not fail and each < NEVER
    ]
    # Half as long again as requests take now; a request that takes longer counts as missing below.
    usual = min(1.5 * max(served, default=0.0), 2 * bounds[-1] if bounds else terms.timeout)
    until = now - max(settings.window, min(usual, terms.timeout))
    known = trace.between(start, until)
    slowest = terms.slowest(start - begin, now - begin)
    found = find_excursions(known, start, until - 1.0 / slowest, slowest, terms.slo, settings, risk)
    deadline, stability = terms.slo.recovery, settings.stable_for(slowest)
    if found.earliest - start >= deadline and until - start >= deadline + max(stability, settings.period):
        return Outlook.OUTSIDE, f"outside its SLO for at least {found.earliest - start:.3g} s"
    if not found.stable or found.since is None:
        return Outlook.OPEN, _unstable(found, known, until, stability)
    expected = terms.due(found.since - begin, until - begin)
    missing = expected - len(known.between(found.since, until))
    even = settings.even_arrivals and terms.pattern == "constant"
    if missing >= (2.0 if even else 2.0 + 4 * math.sqrt(expected)):
        return Outlook.OPEN, f"{missing:.0f} of the {expected:.0f} requests that were due have not ended"
    watched = until - found.since
    if _enough(found, watched, settings):
        return Outlook.INSIDE, ""
    return Outlook.OPEN, f"inside its SLO for {watched:.3g} s, too short a time to be sure"


def _unstable(found: Excursions, known: Trace, until: float, stability: float) -> str:
    if found.since is None:
        return "outside its SLO"
    inside = max(0.0, until - found.since)
    seen = len(known.between(found.since, until))
    return f"inside its SLO for {inside:.3g} s with {seen} requests; {stability:.3g} s are needed"


def _enough(found: Excursions, watched: float, settings: JudgeSettings) -> bool:
    """Whether the requests since a journey is inside are enough to rely on."""
    if found.shown or settings.patience <= 0:
        return True
    calm = found.clean and not found.doubt
    return watched >= (settings.patience if calm else settings.doubt)
