"""A short look at the journeys with nothing at fault: the same load engine, the same code as later."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from chaoskit.clock import Clock
from chaoskit.load.process import LoadProcess
from chaoskit.load.source import FunctionPlace, JourneyPlan, LoadSource
from chaoskit.record.history import History, Outcome, Sample
from chaoskit.starter.model import Calm, Door, Starter
from chaoskit.starter.texts import declaration

RATES = (10, 5, 2)
"""Arrivals per second that a journey may have."""

WARM_UP = 1.0
"""Seconds at the beginning that do not count."""

_TIMEOUT = 10.0
_LOOK = 0.5


def measure(
    starter: Starter,
    addresses: Mapping[str, str],
    seconds: float,
    clock: Clock,
    *,
    look: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda line: None,
) -> Starter:
    """The starter with what its journeys were like. One that is refused for coming too often (all users
    have one address here) comes less often, and is measured again.

    Args:
        starter, addresses, seconds, clock, look: see :func:`drive`.
        tell: takes progress, a line at a time.

    Raises:
        LoadFailure: the load engine failed.
    """
    while True:
        measured = drive(starter, addresses, seconds, clock, look)
        slower = {visit.name for visit in starter.visits if measured[visit.name].limited and slow(visit.door)}
        if not slower:
            return replace(
                starter, visits=tuple(replace(each, calm=measured[each.name]) for each in starter.visits)
            )
        visits = []
        for visit in starter.visits:
            door = slow(visit.door) if visit.name in slower else None
            if door:
                tell(f"{door.entry}: {door.says}; measuring again at {door.rate} a second")
            visits.append(replace(visit, door=door or visit.door))
        starter = replace(starter, visits=tuple(visits))


def slow(door: Door) -> Door | None:
    """The same entry at the next lower rate, with the reason; nothing below the lowest."""
    lower = [rate for rate in RATES if rate < door.rate]
    if not lower:
        return None
    says = f"{door.says.partition('; ')[0]}; at {door.rate} a second from one address it refused some (429)"
    return replace(door, rate=lower[0], says=says)


def drive(
    starter: Starter, addresses: Mapping[str, str], seconds: float, clock: Clock, look: Callable[[], None]
) -> dict[str, Calm]:
    """Drive the journeys for a while; what each was like, by its name.

    Args:
        starter: with the journeys; what will be written is what is driven.
        addresses: entry → ``127.0.0.1:12345``.
        seconds: how long, after a second of warm-up.
        clock: the runtime's.
        look: called about twice a second meanwhile.

    Raises:
        LoadFailure: the load engine failed.
    """
    history = History()
    with tempfile.TemporaryDirectory(prefix="chaoskit-init-") as folder:
        file = Path(folder) / "resilience.py"
        file.write_text(declaration(starter), encoding="utf-8")
        plans = tuple(
            JourneyPlan(
                name=visit.name,
                rate=visit.door.rate,
                timeout=_TIMEOUT,
                run=FunctionPlace("chaoskit_init", visit.name, file=str(file)),
            )
            for visit in starter.visits
        )
        doors = {visit.name: f"http://{addresses[visit.door.entry]}" for visit in starter.visits}
        with LoadProcess(LoadSource(plans, tuple(sys.path)), history, entries=doors, seed=0) as load:
            load.start()
            began = load.begin() + WARM_UP
            while (left := began + seconds - clock.now()) > 0:
                look()
                clock.sleep(min(_LOOK, left))
                if load.error is not None:
                    raise load.error
            load.stop()
    counting = [each for each in history.samples if each.intended >= began]
    return {
        visit.name: calm([each for each in counting if each.journey == visit.name], seconds)
        for visit in starter.visits
    }


def calm(samples: Sequence[Sample], seconds: float) -> Calm:
    """What a journey's samples come to. Percentiles are nearest ranks.

    Args:
        samples: its samples.
        seconds: over which they were due.
    """
    good = sorted(each.latency or 0.0 for each in samples if each.outcome is Outcome.OK)
    bad = [each for each in samples if each.outcome is not Outcome.OK]
    return Calm(
        seconds=seconds,
        samples=len(samples),
        failed=len(bad),
        p50=_rank(good, 0.50),
        p95=_rank(good, 0.95),
        limited=sum("429" in each.error for each in bad),
        error=(bad[0].error or bad[0].outcome.value) if bad else "",
    )


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0
