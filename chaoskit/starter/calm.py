"""Measures the journeys with nothing at fault: with the same load generator and code as later runs."""

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
from chaoskit.starter.model import Calm, HttpEntry, Starter
from chaoskit.starter.texts import declaration

RATES_PER_S = (10, 5, 2)
"""Arrivals per second that a journey may have, the highest first."""

WARM_UP = 1.0
"""Seconds at the beginning that do not count."""

_JOURNEY_TIMEOUT = 10.0
_LOOK_EVERY = 0.5


def measure(
    starter: Starter,
    addresses: Mapping[str, str],
    seconds: float,
    clock: Clock,
    *,
    look: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda line: None,
) -> Starter:
    """The starter with a measurement of each journey.

    All users have one address here, so an entry may refuse some because too many requests come from it.
    Such a journey gets a lower rate, and is measured again.

    Args:
        starter, addresses, seconds, clock, look: see :func:`drive`.
        tell: takes progress, a line at a time.

    Raises:
        LoadFailure: the load generator failed.
    """
    while True:
        measured = drive(starter, addresses, seconds, clock, look)
        limited = {
            visit.name for visit in starter.visits if measured[visit.name].limited and slower(visit.entry)
        }
        if not limited:
            return replace(
                starter, visits=tuple(replace(each, calm=measured[each.name]) for each in starter.visits)
            )
        visits = []
        for visit in starter.visits:
            entry = slower(visit.entry) if visit.name in limited else None
            if entry:
                tell(f"{entry.name}: {entry.says}; measuring again at {entry.rate} per second")
            visits.append(replace(visit, entry=entry or visit.entry))
        starter = replace(starter, visits=tuple(visits))


def slower(entry: HttpEntry) -> HttpEntry | None:
    """The same entry at the next lower rate, with the reason; ``None`` at the lowest."""
    lower = [rate for rate in RATES_PER_S if rate < entry.rate]
    if not lower:
        return None
    found = entry.says.partition("; ")[0]
    says = f"{found}; at {entry.rate} requests per second from one address it refused some (429)"
    return replace(entry, rate=lower[0], says=says)


def drive(
    starter: Starter, addresses: Mapping[str, str], seconds: float, clock: Clock, look: Callable[[], None]
) -> dict[str, Calm]:
    """Drive the journeys for a while.

    Args:
        starter: holds the journeys. They are driven by the very module that will be written.
        addresses: entry → ``127.0.0.1:12345``.
        seconds: how long, after :data:`WARM_UP`.
        clock: the runtime's.
        look: called about twice a second meanwhile.

    Returns:
        Journey → its measurement.

    Raises:
        LoadFailure: the load generator failed.
    """
    history = History()
    with tempfile.TemporaryDirectory(prefix="chaoskit-init-") as folder:
        file = Path(folder) / "resilience.py"
        file.write_text(declaration(starter), encoding="utf-8")
        plans = tuple(
            JourneyPlan(
                name=visit.name,
                rate=visit.entry.rate,
                timeout=_JOURNEY_TIMEOUT,
                run=FunctionPlace("chaoskit_init", visit.name, file=str(file)),
            )
            for visit in starter.visits
        )
        entries = {visit.name: f"http://{addresses[visit.entry.name]}" for visit in starter.visits}
        with LoadProcess(LoadSource(plans, tuple(sys.path)), history, entries=entries, seed=0) as load:
            load.start()
            began = load.begin() + WARM_UP
            while (left := began + seconds - clock.now()) > 0:
                look()
                clock.sleep(min(_LOOK_EVERY, left))
                if load.error is not None:
                    raise load.error
            load.stop()
    counting = [each for each in history.samples if each.intended >= began]
    return {
        visit.name: calm([each for each in counting if each.journey == visit.name], seconds)
        for visit in starter.visits
    }


def calm(samples: Sequence[Sample], seconds: float) -> Calm:
    """The figures of a journey's samples. Quantiles are nearest ranks.

    Args:
        samples: its samples.
        seconds: the time over which they were due.
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
