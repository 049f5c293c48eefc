"""How many requests go over the links that a fault hits, counted before the injection.

A fault on a link without traffic proves nothing: no request meets it, so no promise is put to the test.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from chaoskit.record.history import History, Mark
from chaoskit.runtime import Runtime
from chaoskit.system import Impact, Link

MARK_NAME = "exercised"
"""The mark with the count: its detail has the number of ``requests`` and the names of the ``links``."""


def hit_links(impact: Impact, links: Iterable[Link]) -> tuple[Link, ...]:
    """The links that an impact concerns: all links to or from a component that it hits, and the links between
    the pairs that it severs or hampers.
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
    """Count the requests over the links that an impact concerns while the block runs, and mark the count.

    There is no count where the runtime does not know every way between two components: traffic that it
    cannot see may meet the fault. Nor is there one where the impact concerns no link, as with a flood,
    which takes no component away.
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
