"""The phases between the marks of a history, and the requests of each phase, cut out of a journey's trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaoskit.judge.trace import Trace, traces
from chaoskit.record.history import History, Mark
from chaoskit.system import Terms


@dataclass(frozen=True, slots=True)
class Phases:
    """The moments between which promises are judged; ``None`` where there was no such mark.

    With several faults, the fault window is the time in which all of them were active, and recovery
    counts from the start of the last lift.

    Attributes:
        control: the control window began.
        inject: the first injection began.
        landed: there was evidence that the last of the faults had landed.
        lift: the first lift began; the fault window ends.
        calm: the last lift began; recovery counts from here.
        gone: there was evidence that all faults were gone.
        end: the observation ended.
        begin: the load began; the time of the first mark, where that is not on record.
    """

    control: float | None
    inject: float | None
    landed: float | None
    lift: float | None
    calm: float | None
    gone: float | None
    end: float
    begin: float = 0.0


def phases(marks: Sequence[Mark], last_arrival: float) -> Phases:
    """Read the phases from the marks.

    Args:
        marks: all marks of a history.
        last_arrival: the last intended time of any journey. The observation ends there at the latest:
            the ``end`` mark may come later, after a wait for the last requests.
    """
    times: dict[str, list[float]] = {}
    for mark in marks:
        times.setdefault(mark.name, []).append(mark.at)
    injected, lifted = sorted(times.get("inject", ())), sorted(times.get("lift", ()))
    landed, gone = sorted(times.get("landed", ())), sorted(times.get("gone", ()))
    active = [at for at in landed if not lifted or at <= lifted[0]]
    return Phases(
        control=min(times.get("control", ()), default=None),
        inject=injected[0] if injected else None,
        landed=active[-1] if active and len(landed) >= len(injected) else None,
        lift=lifted[0] if lifted else None,
        calm=lifted[-1] if lifted else None,
        gone=gone[-1] if gone and len(gone) >= len(lifted) else None,
        end=min(min(times.get("end", ()), default=last_arrival), last_arrival),
        begin=load_begin(marks),
    )


def load_begin(marks: Sequence[Mark]) -> float:
    """When the load began; the course of a journey's rate counts from there."""
    return min(
        (mark.at for mark in marks if mark.name == "begin"),
        default=min((mark.at for mark in marks), default=0.0),
    )


def observed(terms: Sequence[Terms], history: History) -> tuple[Phases, dict[str, Trace], float]:
    """The phases, the journeys' traces, and when the last request was due (0 if there was none)."""
    columns, marks = history.columns(), history.marks
    last = max((columns[each.name].intended[-1] for each in terms if columns.get(each.name)), default=0.0)
    ended = min((mark.at for mark in marks if mark.name == "end"), default=last)
    return phases(marks, last), traces(terms, columns, ended), last


def cut_out(trace: Trace, times: Phases) -> dict[str, Trace]:
    """The requests of the phases: ``control``; ``fault`` (from the injection to the start of the last lift,
    and the requests in flight at the injection); its ``core``; ``after``.
    """
    none = trace.between(0.0, 0.0)
    past = trace.at[-1] + 1.0 if trace.at else 0.0
    if times.control is None:
        return {"control": none, "fault": none, "core": none, "after": none}
    inject = past if times.inject is None else times.inject
    control, flying = trace.between(times.control, inject).split(inject)
    calm = past if times.calm is None else times.calm
    core = none
    if times.landed is not None:
        core = trace.between(times.landed, past if times.lift is None else times.lift)
    after = none if times.calm is None else trace.between(times.calm, past)
    return {"control": control, "fault": flying + trace.between(inject, calm), "core": core, "after": after}


def due(name: str, terms: Terms, times: Phases) -> tuple[float, float]:
    """Seconds that a phase lasted, and how many arrivals were due in it; both 0 if it never began."""
    end = times.end
    inject = end if times.inject is None else times.inject
    starts = {"control": times.control, "fault": times.inject, "core": times.landed, "after": times.calm}
    ends = {"control": inject, "fault": times.calm, "core": times.lift, "after": end}
    start, stop = starts[name], ends[name]
    if start is None:
        return 0.0, 0.0
    last = max(start, min(end, end if stop is None else stop))
    return last - start, terms.due(start - times.begin, last - times.begin)
