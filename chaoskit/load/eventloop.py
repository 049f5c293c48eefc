"""An event loop that starts arrivals on time while a thousand answers come in at once.

An ordinary event loop is late for two reasons. ``epoll_wait`` counts in milliseconds, which makes
every timer half a millisecond late on average. And when a stall ends, all sockets that waited become
readable at once. The loop would handle all of them before it looks at its timers again, and a
thousand answers take a quarter of a second.
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

SOCKETS_PER_TURN = 64
"""Sockets that are handled between two looks at the timers: some 3 ms of work at the end of a stall."""

POLL_EVERY = 0.0002
"""Seconds between two looks at the sockets while the loop has other work."""

_PR_SET_TIMERSLACK = 29

if sys.platform == "linux":

    class FairSelector(selectors.EpollSelector):
        """Epoll with time-outs in microseconds and few events at a time; the rest stays for the next turn."""

        def __init__(self) -> None:
            super().__init__()
            self._epoll = select.epoll.fromfd(os.dup(self.fileno()))
            self._waiting = [self.fileno()]
            self._looked = 0.0

        def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
            """As :meth:`selectors.BaseSelector.select`, at most :data:`SOCKETS_PER_TURN` events."""
            # The epoll descriptor itself is readable when it has events, and select() times out exactly.
            if timeout is None or timeout > 0:
                select.select(self._waiting, (), (), timeout)
            elif monotonic() - self._looked < POLL_EVERY:
                return []  # the loop has other work, and a look costs more than it is worth
            self._looked = monotonic()
            keys = self.get_map()
            ready = []
            for descriptor, events in self._epoll.poll(0, SOCKETS_PER_TURN):
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
    FairSelector = selectors.DefaultSelector  # the time-outs of kqueue are exact already


def sharpen_timers() -> None:
    """Ask for timers that are exact to the microsecond: Linux delays them by up to 50 µs to save power."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop for ``asyncio.Runner``."""
    return asyncio.SelectorEventLoop(FairSelector())


def calm_the_collector() -> None:
    """Keep garbage collection below a millisecond.

    Everything that is loaded by now is excluded for good. A request leaves no reference cycles behind,
    but the failures of journeys do, with their tracebacks. They are collected a few thousand objects at
    a time while they are young. The oldest generation grows with the requests in flight, and is not
    walked until the load ends.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 1_000)
