"""Whether a fault can be met: how many requests go over the links that it hits, before it is injected.

A fault on a link that carries nothing proves nothing: whatever holds under it has not been tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chaoskit.record.history import History, Mark
from chaoskit.runtime import Runtime
from chaoskit.system import Impact, Link

MARK_NAME = "exercised"
"""The mark of what was counted: ``requests``, and the names of the ``links``."""


def hit_links(impact: Impact, links: Iterable[Link]) -> tuple[Link, ...]:
    """The links that an impact concerns: all links to or from a component that it hits, and the pairs that it
    severs or hampers.
    """
    components, pairs = impact.lost | impact.strained, impact.severed | impact.hampered
    return tuple(
        link
        for link in links
        if link.provider in components
        or link.consumer in components
        or (link.consumer, link.provider) in pairs
    )


@contextmanager
def counted(impact: Impact, runtime: Runtime, history: History) -> Iterator[None]:
    """Count the requests over the links that an impact concerns while the block runs; mark the count.

    Nothing is counted where the runtime does not know every way between two components, since what it
    cannot see may have met the fault; nor where the impact concerns no link (a flood takes nothing away).
    """
    links = hit_links(impact, runtime.links)
    if not links or not runtime.knows_all_links:
        yield
        return
    meter = runtime.meter(links)
    try:
        yield
        requests = meter.read()
    finally:
        meter.close()
    names = [link.name for link in links]
    history.add(Mark(MARK_NAME, runtime.clock.now(), {"requests": requests, "links": names}))
