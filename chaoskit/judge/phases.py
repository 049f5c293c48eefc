"""When the phases were, by the marks of a history.

What a history shows: its phases, each journey's trace, and the requests of a phase cut out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaoskit.judge.trace import Trace, traces
from chaoskit.record.history import History, Mark
from chaoskit.system import Terms


@dataclass(frozen=True, slots=True)
class Phases:
    """The moments between which promises are judged; ``None`` where there was no such mark.

    With several faults the fault window is that in which all of them were active, and recovery
    counts from when the last was lifted.

    Attributes:
        control: the control window began.
        inject: the first injection began.
        landed: the last of the faults was seen to have landed.
        lift: the first lifting began; the fault window ends.
        calm: the last lifting began; recovery is counted from here.
        gone: all faults were seen to be gone.
        end: the observation ended.
        begin: the load began; the first mark of all, where that is not on record.
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
    """Read the marks.

    Args:
        marks: all of a history's.
        last_arrival: the last intended time of any journey. Observation ends there, if not
            earlier: the ``end`` mark may come after the last requests were waited for.
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
    """When the load began, from which the course of a journey's rate counts."""
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
    """The requests of the phases: ``control``, ``fault`` (from injection to the last lifting, and
    what was in flight at the injection), its ``core`` and ``after``.
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
    """Seconds that a phase lasted, and how many arrivals it should have had; 0 where it was not."""
    end = times.end
    inject = end if times.inject is None else times.inject
    starts = {"control": times.control, "fault": times.inject, "core": times.landed, "after": times.calm}
    ends = {"control": inject, "fault": times.calm, "core": times.lift, "after": end}
    start, stop = starts[name], ends[name]
    if start is None:
        return 0.0, 0.0
    last = max(start, min(end, end if stop is None else stop))
    return last - start, terms.due(start - times.begin, last - times.begin)
