"""``docker compose up`` in a thread of its own, which can be ended at any moment."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from chaoskit.errors import ChaoskitError


class Up:
    """One call of Compose that goes on while other things happen.

    Args:
        work: the call; returns when Compose has done its part, raises what the user is to read.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run, name="chaoskit-compose", daemon=True)
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._ended = False
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def spawned(self, pid: int) -> None:
        """Compose runs as this process, which leads a process group of its own."""
        with self._lock:
            self._pid = pid
            if self._ended:
                self._kill()

    @property
    def done(self) -> bool:
        """Whether Compose has come to its end."""
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise what Compose ended with, if it has failed."""
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Kill Compose, if it still runs, and wait until it has gone."""
        with self._lock:
            self._ended = True
            if self._thread.is_alive():
                self._kill()
        if self._thread.ident is not None:
            self._thread.join(10.0)

    def _kill(self) -> None:
        if self._pid is not None:
            with suppress(OSError):
                os.killpg(self._pid, signal.SIGKILL)

    def _run(self) -> None:
        try:
            if not self._ended:
                self._work()
        except ChaoskitError as error:
            self._error = error
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            self._error = error
