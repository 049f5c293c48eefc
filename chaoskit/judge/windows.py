"""The requests of each phase, cut out of a journey's trace."""

from __future__ import annotations

from chaoskit.judge.phases import Phases
from chaoskit.judge.trace import Trace


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


def length(name: str, times: Phases) -> float:
    """Seconds that a phase lasted; 0 where it was not."""
    end = times.end
    inject = end if times.inject is None else times.inject
    starts = {"control": times.control, "fault": times.inject, "core": times.landed, "after": times.calm}
    ends = {"control": inject, "fault": times.calm, "core": times.lift, "after": end}
    start, stop = starts[name], ends[name]
    return 0.0 if start is None else max(0.0, min(end, end if stop is None else stop) - start)
