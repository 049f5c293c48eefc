"""Histories by hand: one request every eighth of a second, whose outcome comes from a rule.

All times are multiples of 1/64 s, so that shifting them by whole seconds is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chaoskit.judge import Finding, JourneyJudgement, Judgement, JudgeSettings, judge
from chaoskit.record.history import History, Mark, Outcome, Sample
from chaoskit.system import Component, Impact, Slo, Terms

RATE = 8.0
FAST = 1 / 64
SLOW = 1.0
PHASES = {"control": 0.0, "inject": 6.0, "landed": 6.5, "lift": 12.5, "gone": 12.75, "end": 24.5}
"""6 s of control (48 requests), 6 s of fault (48), 12 s after the lift (96)."""

SLO = Slo(availability=0.995, p95=0.25, recovery=5.0)
BROWSE = Terms(name="browse", rate=RATE, slo=SLO, needs=("api",), uses=("cache",))
COMPONENTS = (
    Component("api", "api"),
    Component("cache", "cache"),
    Component("mail", "mail"),
    Component("db-1", "db", 1),
    Component("db-2", "db", 2),
)
SETTINGS = JudgeSettings(stability=3.0)

MAIL_LOST = Impact(lost=frozenset({"mail"}))
CACHE_LOST = Impact(lost=frozenset({"cache"}))
API_LOST = Impact(lost=frozenset({"api"}))

Rule = Callable[[float], "Sample | float | str | None"]


def ok(at: float, latency: float = FAST, journey: str = "browse", lag: float = 0.0) -> Sample:
    """A request that succeeded."""
    return Sample(journey, at, at + lag, at + latency, Outcome.OK)


def failed(at: float, latency: float = FAST, error: str = "503", journey: str = "browse") -> Sample:
    """A request that failed."""
    return Sample(journey, at, at, at + latency, Outcome.FAILED, error)


def never_sent(at: float, journey: str = "browse") -> Sample:
    """A request for which there was no room."""
    return Sample(journey, at, None, None, Outcome.NEVER_SENT)


def unfinished(at: float, journey: str = "browse") -> Sample:
    """A request that was in flight when the load ended."""
    return Sample(journey, at, at, None, Outcome.UNFINISHED)


def nothing_special(at: float) -> None:
    """The rule of a perfect history."""


def marks(phases: Mapping[str, float] = PHASES, without: tuple[str, ...] = ()) -> list[Mark]:
    """The marks of the phases."""
    return [Mark(name, at) for name, at in phases.items() if name not in without]


def requests(
    rule: Rule = nothing_special, *, rate: float = RATE, end: float = 24.5, journey: str = "browse"
) -> list[Sample]:
    """Evenly spaced requests. The rule gives the sample itself, a latency, an error, or nothing
    for a quick success.
    """
    found = []
    for index in range(int(end * rate)):
        at = index / rate
        what = rule(at)
        if isinstance(what, Sample):
            found.append(what)
        elif isinstance(what, str):
            found.append(failed(at, error=what, journey=journey))
        else:
            found.append(ok(at, FAST if what is None else what, journey))
    return found


def history(rule: Rule = nothing_special, *, without: tuple[str, ...] = (), end: float = 24.5) -> History:
    """A whole experiment with one journey."""
    whole = History()
    whole.add(*marks({**PHASES, "end": end}, without), *requests(rule, end=end))
    return whole


def during(start: float, end: float, what: float | str) -> Rule:
    """The rule that something happens to every request in [start, end)."""
    return lambda at: what if start <= at < end else None


def judged(
    rule: Rule = nothing_special,
    impact: Impact = MAIL_LOST,
    terms: Terms = BROWSE,
    *,
    settings: JudgeSettings = SETTINGS,
    without: tuple[str, ...] = (),
    end: float = 24.5,
) -> JourneyJudgement:
    """The judgement on that journey."""
    return whole(history(rule, without=without, end=end), impact, terms, settings=settings).journeys[0]


def whole(
    record: History, impact: Impact = MAIL_LOST, *terms: Terms, settings: JudgeSettings = SETTINGS
) -> Judgement:
    """The judgement on a history."""
    return judge(terms or (BROWSE,), COMPONENTS, impact, record, settings)


def finding(judgement: JourneyJudgement, promise: str) -> Finding:
    """The finding on a promise."""
    return next(each for each in judgement.findings if each.promise == promise)
