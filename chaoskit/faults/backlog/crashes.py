"""Components that are killed again and again while they work."""

from __future__ import annotations

import threading

from chaoskit.errors import ChaoskitError
from chaoskit.faults.base import Evidence, Injection
from chaoskit.faults.components import serving
from chaoskit.runtime import Runtime


class CrashLoop(Injection):
    """Kills components, starts them, and kills them again some seconds after the start, until the lift.

    Args:
        runtime: the runtime of the system.
        names: the components.
        every: seconds from each start to the next kill.
    """

    def __init__(self, runtime: Runtime, names: tuple[str, ...], every: float) -> None:
        self._runtime, self._names, self._every = runtime, names, every
        self._kills = dict.fromkeys(names, 0)
        self._error = ""
        self._lifted = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="crash-loop", daemon=True)

    def start(self) -> None:
        """Start the loop, in a thread of its own."""
        self._thread.start()

    def _loop(self) -> None:
        while not self._lifted.is_set():
            try:
                for name in self._names:
                    self._runtime.kill(name)
                    self._kills[name] += 1
                for name in self._names:
                    self._runtime.start_component(name)
                self._error = ""
            except ChaoskitError as error:
                # The next round tries again, and the evidence says what went wrong.
                self._error = f"; the last round failed: {error.what}"
            self._lifted.wait(self._every)

    def landed(self) -> Evidence:
        """Whether each component was killed at least once."""
        killed = ", ".join(f"{name} was killed {count} times" for name, count in self._kills.items())
        figures = {"kills": sum(self._kills.values())}
        return Evidence(all(self._kills.values()), f"{killed}{self._error}", figures)

    def lift(self) -> None:
        """End the loop, and start every component that is down."""
        self._lifted.set()
        if self._thread.is_alive():
            self._thread.join(timeout=60.0)
        for name in self._names:
            if self._runtime.state(name).status not in ("running", "restarting"):
                self._runtime.start_component(name)

    def gone(self) -> Evidence:
        """Whether the loop has ended and every component serves again."""
        if self._thread.is_alive():
            return Evidence(False, "the thread that kills the workers is still running")
        return serving(self._runtime, self._names)
