"""The requests of each phase, cut out of a journey's trace."""

from __future__ import annotations

from chaoskit.judge.phases import Phases
from chaoskit.judge.trace import Trace
from chaoskit.system import Terms


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
