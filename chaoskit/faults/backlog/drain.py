"""When a queue has drained: readings of its depth, and the obligation that they decide."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chaoskit.clients.queues import Queue
from chaoskit.faults.base import Obligation
from chaoskit.runtime import Runtime

SHALLOW_SECONDS = 1.0
"""How long a queue must stay shallow to count as drained: one reading between two jobs proves nothing."""

LONGEST_GAP_SECONDS = 1.0
"""The longest time between two readings from which it can still be told when the queue drained."""


class Drain:
    """The readings of a queue in their order, and whether the queue drained in time.

    Args:
        shallow: the depth at which the queue counts as drained.
        within: seconds from the lift within which it must drain.
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
        """Whether the queue has been shallow for long enough since the lift."""
        return self._drained is not None

    def see(self, at: float, depth: int, oldest: float | None = None) -> None:
        """Take a reading.

        Args:
            at: when it was taken, in seconds of the run's clock; never before the last one.
            depth: how many jobs were in the queue.
            oldest: seconds that the oldest job had waited, where the queue was asked for it.
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
        if at - max(self._since, self._lifted) >= SHALLOW_SECONDS:
            self._drained = self._since

    def lift(self, at: float) -> None:
        """The lift starts at ``at``; a second call changes nothing."""
        if self._lifted is None:
            self._lifted = at

    def over(self, now: float) -> bool:
        """Whether further readings would change nothing."""
        return self.obligation(now).kept is not None

    def obligation(self, now: float) -> Obligation:
        """Whether the queue drained in time, as far as the readings tell by ``now``.

        The time to drain ends with the first reading that showed a shallow queue.
        """
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
            return Obligation("drain", None, f"{peak}; the fault is not lifted yet", figures)
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
                self._deep - self._lifted > self.within or since - self._deep <= LONGEST_GAP_SECONDS
            )
            return Obligation("drain", False if late else None, says, figures)
        waited = now - self._lifted
        says = (
            f"{peak}; {self.depth} left {waited:.1f} s after the lift, at most {self.shallow} allowed within "
            f"{self.within:g} s"
        )
        late = self._last - self._lifted > self.within
        return Obligation("drain", False if late else None, says, figures)


class Gauge:
    """Reads a queue every quarter of a second, until it is decided whether the queue drained in time.

    The experiment asks for the obligation once the journeys have recovered. Without readings in between it
    could not be told when the queue drained.

    Args:
        queue: the probe of the queue.
        runtime: the runtime of the system.
        drain: takes the readings.
    """

    INTERVAL_SECONDS = 0.25
    """Seconds between two readings, or ten times what a reading takes if that is longer: looking must cost
    the system little."""

    def __init__(self, queue: Queue, runtime: Runtime, drain: Drain) -> None:
        self._queue, self._runtime, self._drain = queue, runtime, drain
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._lifted: float | None = None
        self._thread = threading.Thread(target=self._watch, name="backlog-gauge", daemon=True)

    def start(self) -> None:
        """Start to read, in a thread of its own."""
        self._thread.start()

    def lift(self, at: float) -> None:
        """The lift started at ``at``; a second call changes nothing."""
        with self._lock:
            if self._lifted is None:
                self._lifted = at
                self._drain.lift(at)

    def look(self, *, oldest: bool = False) -> float | None:
        """Read the queue now.

        Args:
            oldest: ask for the age of the oldest job even if this reading is not a new peak.

        Returns:
            The age of the oldest job in seconds; ``None`` where it was not asked for or is not known.

        Raises:
            HarnessFailure: the queue cannot be read. The functions of a test may raise anything else.
        """
        # One reading at a time: the answer depends on their order.
        with self._lock:
            depth = self._queue.depth(self._runtime)
            age = None
            if oldest or depth > self._drain.peak:
                age = self._queue.oldest(self._runtime)
            self._drain.see(self._runtime.clock.now(), depth, age)
            return age

    def obligation(self) -> Obligation:
        """Whether the queue drained in time, as far as it can be told after one more look."""
        trouble = self.tried(self.look)
        with self._lock:
            owed = self._drain.obligation(self._runtime.clock.now())
        if owed.kept is not None:
            self._over.set()
        if trouble and owed.kept is None:
            return Obligation("drain", None, f"{owed.says}; {trouble}", owed.figures)
        return owed

    def tried(self, look: Callable[[], object]) -> str:
        """Look at the queue; returns what went wrong, in one line, or nothing."""
        try:
            look()
        except Exception as error:  # noqa: BLE001 - the functions of a test may raise anything
            return f"the queue could not be read: {' '.join(str(error).split()) or type(error).__name__}"
        return ""

    def _watch(self) -> None:
        while not self._over.is_set():
            began = self._runtime.clock.now()
            # A failure is not kept here: the next look for evidence meets it again and reports it.
            self.tried(self.look)
            now = self._runtime.clock.now()
            self._over.wait(max(self.INTERVAL_SECONDS, 10 * (now - began)))
            if self._ended(now):
                return

    def _ended(self, now: float) -> bool:
        with self._lock:
            if self._lifted is None:
                return False
            # Long after the deadline no reading can keep the obligation, even if none could be taken so far.
            return self._drain.over(now) or now - self._lifted > self._drain.within + 2 * SHALLOW_SECONDS
