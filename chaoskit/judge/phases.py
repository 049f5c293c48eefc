"""When the phases were, by the marks of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaoskit.history import Mark


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
