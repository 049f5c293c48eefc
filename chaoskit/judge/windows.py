"""What a history shows: its phases, each journey's trace, and the requests of a phase cut out of it."""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.history import History
from chaoskit.judge.phases import Phases, phases
from chaoskit.judge.trace import Trace, traces
from chaoskit.system import Terms


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
