"""When a queue has drained: a record of its depth, and what can be said from it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chaoskit.clients.queues import Queue
from chaoskit.faults.base import Obligation
from chaoskit.runtime import Runtime

STAYS = 1.0
"""Seconds for which a queue stays shallow before it counts as drained: one reading between two jobs
decides nothing."""

GAP = 1.0
"""Seconds between two readings at most, for their order to tell when something happened."""


class Drain:
    """Readings of a queue in their order, and whether it drained in time.

    Args:
        shallow: the depth at which it counts as drained.
        within: seconds from the lift that it may take.
    """

    def __init__(self, shallow: int, within: float) -> None:
        self.shallow, self.within = shallow, within
        self.depth: int | None = None
        self.peak = 0
        self.oldest_at_peak: float | None = None
        self._lifted: float | None = None
        self._last = 0.0
        self._deep: float | None = None
        self._since: float | None = None
        self._drained: float | None = None

    @property
    def drained(self) -> bool:
        """Whether it has been shallow for long enough, after the lift."""
        return self._drained is not None

    def see(self, at: float, depth: int, oldest: float | None = None) -> None:
        """Take a reading.

        Args:
            at: when, seconds of the run's clock; never before an earlier one.
            depth: of the queue.
            oldest: seconds that its oldest job has waited, where it was asked.
        """
        if depth > self.peak or (depth == self.peak and oldest is not None):
            self.peak, self.oldest_at_peak = depth, oldest
        self.depth, self._last = depth, at
        if depth > self.shallow:
            self._deep, self._since = at, None
        elif self._since is None:
            self._since = at
        if self._lifted is None or self._since is None or self._drained is not None:
            return
        if at - max(self._since, self._lifted) >= STAYS:
            self._drained = self._since

    def lift(self, at: float) -> None:
        """The fault is lifted now; a second time changes nothing."""
        if self._lifted is None:
            self._lifted = at

    def over(self, now: float) -> bool:
        """Whether further readings would change nothing."""
        return self.promise(now).kept is not None

    def promise(self, now: float) -> Obligation:
        """What can be said by now. It counts from the first reading that showed it."""
        figures = {
            "peak": self.peak,
            "oldest_at_peak": None if self.oldest_at_peak is None else round(self.oldest_at_peak, 3),
            "depth": self.depth,
            "drained_at": self.shallow,
            "drain_within": self.within,
        }
        peak = f"{self.peak} jobs at the peak"
        if self.oldest_at_peak is not None:
            peak += f", the oldest {self.oldest_at_peak:.1f} s old"
        if self._lifted is None:
            return Obligation("drain", None, f"{peak}; not lifted yet", figures)
        since = self._since if self._drained is None else self._drained
        if since is not None:
            took = max(0.0, since - self._lifted)
            figures["seconds"] = round(took, 3)
            says = (
                f"{peak}; at most {self.shallow} left {took:.1f} s after the lift, {self.within:g} s allowed"
            )
            if took <= self.within:
                return Obligation("drain", True if self.drained else None, says, figures)
            late = self._deep is not None and (
                self._deep - self._lifted > self.within or since - self._deep <= GAP
            )
            return Obligation("drain", False if late else None, says, figures)
        waited = now - self._lifted
        says = f"{peak}; {self.depth} left {waited:.1f} s after the lift, at most {self.shallow} within "
        late = self._last - self._lifted > self.within
        return Obligation("drain", False if late else None, f"{says}{self.within:g} s", figures)


class Gauge:
    """Reads a queue every quarter of a second, from its start until its drain is decided.

    A promise is asked for when the journeys have recovered: without readings in between nobody would
    know when the queue had drained.

    Args:
        queue: the probe.
        runtime: where it is.
        drain: what takes the readings.
    """

    EVERY = 0.25
    """Seconds between two readings, or ten times what one takes, so that looking costs little."""

    def __init__(self, queue: Queue, runtime: Runtime, drain: Drain) -> None:
        self._queue, self._runtime, self._drain = queue, runtime, drain
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._lifted: float | None = None
        self._thread = threading.Thread(target=self._watch, name="backlog-gauge", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def lift(self, at: float) -> None:
        """The lifting of the fault began then."""
        with self._lock:
            if self._lifted is None:
                self._lifted = at
                self._drain.lift(at)

    def look(self, *, oldest: bool = False) -> float | None:
        """Read it now.

        Args:
            oldest: ask for the age of the oldest job, also where this is no new peak.

        Returns:
            The age of the oldest job, where it was asked and could be told.

        Raises:
            HarnessFailure: it cannot be read; so may whatever the functions of a test raise.
        """
        with self._lock:  # one reading after the other: their order is what tells
            depth = self._queue.depth(self._runtime)
            age = None
            if oldest or depth > self._drain.peak:
                age = self._queue.oldest(self._runtime)
            self._drain.see(self._runtime.clock.now(), depth, age)
            return age

    def promise(self) -> Obligation:
        """What can be said by now, after one more look."""
        said = self.tried(self.look)
        with self._lock:
            promise = self._drain.promise(self._runtime.clock.now())
        if promise.kept is not None:
            self._over.set()
        if said and promise.kept is None:
            return Obligation("drain", None, f"{promise.says}; {said}", promise.figures)
        return promise

    def tried(self, look: Callable[[], object]) -> str:
        """Do something with the queue; what went wrong, one line, or nothing."""
        try:
            look()
        except Exception as error:  # noqa: BLE001  # functions of a test's own may raise anything
            return f"the queue could not be read: {' '.join(str(error).split()) or type(error).__name__}"
        return ""

    def _watch(self) -> None:
        while not self._over.is_set():
            began = self._runtime.clock.now()
            self.tried(self.look)  # what goes wrong here is told by the look that somebody asks for
            now = self._runtime.clock.now()
            self._over.wait(max(self.EVERY, 10 * (now - began)))
            if self._ended(now):
                return

    def _ended(self, now: float) -> bool:
        with self._lock:
            if self._lifted is None:
                return False
            # Beyond the deadline nothing changes for the better, also where nothing could be read.
            return self._drain.over(now) or now - self._lifted > self._drain.within + 2 * STAYS
