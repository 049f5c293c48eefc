"""What the screen shows at one moment, as plain data: the game day, and a look at the running system."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chaoskit.errors import ChaoskitError
from chaoskit.gameday.conditions import Reading
from chaoskit.gameday.day import Day
from chaoskit.gameday.lifting import Active
from chaoskit.gameday.record import DayEvent
from chaoskit.gameday.runbook import Step
from chaoskit.judge.summary import quantile
from chaoskit.record.samples import NEVER, OUTCOMES, Column, Outcome
from chaoskit.runtime import Runtime, Toxic
from chaoskit.system import Slo, Terms


@dataclass(frozen=True, slots=True)
class ComponentLook:
    """A component.

    Attributes:
        name: its name.
        well: whether it serves.
        says: its state in words, such as ``running`` or ``exited (137)``.
    """

    name: str
    well: bool
    says: str


@dataclass(frozen=True, slots=True)
class SystemLook:
    """One look at the running system.

    Attributes:
        components: all components, first those that do not serve.
        links: the links with a toxic or a cut, each with what was read back.
    """

    components: tuple[ComponentLook, ...] = ()
    links: tuple[str, ...] = ()


def look(runtime: Runtime, active: list[Active]) -> SystemLook:
    """Look once, which takes as long as the Docker engine takes. A failed look is reported in the result."""
    seen = [_component(runtime, each.name) for each in runtime.components]
    seen.sort(key=lambda each: each.well)
    return SystemLook(tuple(seen), tuple(_links(runtime, active)))


def _component(runtime: Runtime, name: str) -> ComponentLook:
    try:
        state = runtime.state(name)
    except ChaoskitError as error:
        return ComponentLook(name, False, f"cannot be inspected: {error.what}")
    says = state.health if state.status == "running" and state.health else state.status
    if state.exit_code is not None and state.status in ("exited", "dead"):
        says = f"{state.status} ({state.exit_code})"
    finished = state.status == "exited" and state.exit_code == 0
    return ComponentLook(name, state.serving or finished, "finished" if finished else says)


def _links(runtime: Runtime, active: list[Active]) -> list[str]:
    """The links with a cut, and the toxics on the links that an active fault is about."""
    found = []
    try:
        found += [f"{link.name} cut: {how}" for link, how in runtime.cuts().items()]
        touched = {
            step.target for each in active for step in each.injector.steps if step.action == "remove_toxic"
        }
        for link in runtime.links:
            if link.proxy in touched:
                found += [f"{link.name} {_toxic(each)}" for each in runtime.toxics(link)]
    except ChaoskitError as error:
        found.append(f"links cannot be read: {error.what}")
    return found


def _toxic(toxic: Toxic) -> str:
    named = ((key if key != toxic.kind else "", value) for key, value in toxic.attributes.items() if value)
    told = ", ".join(f"{key} {value:g}".strip() for key, value in named)
    return f"{toxic.kind} {told}".strip()


FIGURES_OVER = 5.0
"""Seconds over which the figures of a journey are taken."""

BARS_OVER = 60.0
"""Seconds that its bars show."""

BAR_COUNT = 30

EVENT_COUNT = 12
"""Events that the screen may show."""

_OK = OUTCOMES.index(Outcome.OK)


@dataclass(frozen=True, slots=True)
class JourneyNow:
    """A journey, over the last :data:`FIGURES_OVER` seconds.

    Attributes:
        name: its name.
        rate: requests that ended per second.
        ok: the share of them that succeeded; ``None`` if there were none.
        p50, p95: latencies in seconds of those that succeeded.
        state: ``SLO``, ``degraded`` (only inside its degraded SLO), ``OUTSIDE``, or ``no data``.
        bars: the p95 of each stretch of the last minute, as a share of the tightest bound; ``None``
            without a request, -1 if more requests failed than the SLO allows.
    """

    name: str
    rate: float
    ok: float | None
    p50: float | None
    p95: float | None
    state: str
    bars: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ActiveNow:
    """A fault.

    Attributes:
        name: its name.
        seconds: seconds since its injection began.
        phase: what is known of it.
        evidence: what was seen of it.
    """

    name: str
    seconds: float
    phase: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that the screen shows."""

    title: str
    wall: datetime
    elapsed: float
    phase: str
    phase_left: float | None = None
    paused: bool = False
    journeys: tuple[JourneyNow, ...] = ()
    system: SystemLook = field(default_factory=SystemLook)
    active: tuple[ActiveNow, ...] = ()
    step: str = ""
    next_step: Step | None = None
    steps_left: int = 0
    readings: tuple[Reading, ...] = ()
    events: tuple[DayEvent, ...] = ()
    prompt: str | None = None
    typed: str = ""
    hints: Sequence[str] = ()
    message: str = ""


def take(
    day: Day,
    system: SystemLook,
    *,
    prompt: str | None = None,
    typed: str = "",
    hints: Sequence[str] = (),
    message: str = "",
) -> Snapshot:
    """A snapshot of a day. It is quick, since it reads memory only."""
    now = day.clock.now()
    columns = day.history.columns(now - BARS_OVER - max((each.timeout for each in day.terms), default=0.0))
    left = None if day.phase_until is None else max(0.0, day.phase_until - now)
    return Snapshot(
        title=day.book.title,
        wall=datetime.now().astimezone(),
        elapsed=day.now(),
        phase=day.phase,
        phase_left=left,
        paused=day.paused,
        journeys=tuple(journey(each, columns.get(each.name) or Column(each.name), now) for each in day.terms),
        system=system,
        active=tuple(ActiveNow(a.name, now - a.since, a.phase, a.evidence) for a in day.active),
        step=day.record.entry(day.number).name if day.trial is not None and day.number else "",
        next_step=day.next_step if day.trial is None else _after(day),
        steps_left=len(day.book.steps) - day.position,
        readings=day.readings,
        events=day.record.events[-EVENT_COUNT:],
        prompt=prompt,
        typed=typed,
        hints=hints,
        message=day.record.unwritten or message,
    )


def _after(day: Day) -> Step | None:
    by_book = day.number > 0 and day.record.entry(day.number).by == "runbook"
    position = day.position + (1 if by_book else 0)
    return day.book.steps[position] if position < len(day.book.steps) else None


def journey(terms: Terms, column: Column, now: float) -> JourneyNow:
    """A journey's figures, from the requests that ended in the last :data:`FIGURES_OVER` seconds."""
    low = bisect_left(column.intended, now - FIGURES_OVER - terms.timeout)
    ended = failed = 0
    good = []
    for row in range(low, len(column)):
        at = column.ended[row] if column.ended[row] < NEVER else column.intended[row]
        if not now - FIGURES_OVER < at <= now:
            continue
        ended += 1
        if column.outcome[row] == _OK:
            good.append(column.ended[row] - column.intended[row])
        else:
            failed += 1
    good.sort()
    ok = 1 - failed / ended if ended else None
    state = "no data" if ok is None else _state(terms, ok, good)
    return JourneyNow(
        terms.name,
        ended / FIGURES_OVER,
        ok,
        quantile(good, 0.5),
        quantile(good, 0.95),
        state,
        _bars(terms, column, now),
    )


def _state(terms: Terms, ok: float, good: Sequence[float]) -> str:
    if _inside(terms.slo, ok, good):
        return "SLO"
    return "degraded" if terms.degraded is not None and _inside(terms.degraded, ok, good) else "OUTSIDE"


def _inside(slo: Slo, ok: float, good: Sequence[float]) -> bool:
    return ok >= slo.availability and all(
        (quantile(good, share) or 0.0) <= bound for share, bound in slo.quantiles
    )


def _bars(terms: Terms, column: Column, now: float) -> tuple[float | None, ...]:
    width = BARS_OVER / BAR_COUNT
    bound = next((bound for share, bound in terms.slo.quantiles if share >= 0.9), None)
    scale = bound or max((b for _, b in terms.slo.quantiles), default=1.0)
    first = (now // width - BAR_COUNT + 1) * width  # with fixed edges, bars move on and do not flicker
    found: list[float | None] = []
    for number in range(BAR_COUNT):
        low = bisect_left(column.intended, first + number * width)
        high = bisect_left(column.intended, first + (number + 1) * width)
        bad = sum(column.outcome[row] != _OK for row in range(low, high))
        good = sorted(
            column.ended[row] - column.intended[row] for row in range(low, high) if column.outcome[row] == _OK
        )
        if high == low:
            found.append(None)
        elif bad > (high - low) * (1 - terms.slo.availability):
            found.append(-1.0)
        else:
            found.append((quantile(good, 0.95) or 0.0) / scale)
    return tuple(found)
