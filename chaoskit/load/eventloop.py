"""An event loop that starts arrivals on time while a thousand answers come in at once.

Two things stand in the way of that. ``epoll_wait`` counts in milliseconds, so every timer would
be half a millisecond late on the whole. And when a stall ends, all that waited becomes readable at
once: the loop would handle all of it before it looks at its timers again, a quarter of a second
for a thousand answers.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import select
import selectors
import sys
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from time import monotonic

AT_ONCE = 64
"""Sockets that are handled between two looks at the timers: some 3 ms of work at a stall's end."""

LOOK_EVERY = 0.0002
"""Seconds for which a busy loop does not look at its sockets."""

_PR_SET_TIMERSLACK = 29

if sys.platform == "linux":

    class FairSelector(selectors.EpollSelector):
        """Epoll with time-outs in microseconds and few events at a time; the others keep."""

        def __init__(self) -> None:
            super().__init__()
            self._epoll = select.epoll.fromfd(os.dup(self.fileno()))
            self._waiting = [self.fileno()]
            self._looked = 0.0

        def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
            """As :meth:`selectors.BaseSelector.select`, at most :data:`AT_ONCE` events."""
            # The epoll descriptor is itself readable when it has events, and select() is exact.
            if timeout is None or timeout > 0:
                select.select(self._waiting, (), (), timeout)
            elif monotonic() - self._looked < LOOK_EVERY:
                return []  # the loop has work at hand; a look costs more than that
            self._looked = monotonic()
            keys = self.get_map()
            ready = []
            for descriptor, events in self._epoll.poll(0, AT_ONCE):
                mask = (EVENT_WRITE if events & ~select.EPOLLIN else 0) | (
                    EVENT_READ if events & ~select.EPOLLOUT else 0
                )
                key = keys.get(descriptor)
                if key:
                    ready.append((key, mask & key.events))
            return ready

        def close(self) -> None:
            """Close both descriptors."""
            self._epoll.close()
            super().close()

else:
    FairSelector = selectors.DefaultSelector  # kqueue's time-outs are exact already


def sharpen_timers() -> None:
    """Ask for timers to the microsecond: Linux lets those of a thread be 50 µs late to save power."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """For ``asyncio.Runner``."""
    return asyncio.SelectorEventLoop(FairSelector())


def calm_the_collector() -> None:
    """Keep garbage collection below a millisecond.

    All that is loaded is left out for good. A request of ours leaves nothing in cycles behind, but
    the failures of journeys do (their tracebacks); they are collected a few thousand objects at a
    time while they are young. The oldest generation, which grows with the requests in flight, is not
    walked at all until the load ends.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
