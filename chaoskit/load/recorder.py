"""Carries entries out of the load process without ever blocking its event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from queue import SimpleQueue
from time import monotonic

from chaoskit.load.protocol import Entry, encode_entries, encode_message
from chaoskit.record.history import Mark

BATCH_EVERY = 0.05
"""Seconds between two batches, and between two looks at the event loop's own lag."""

MARKED_LAG = 0.05
"""Seconds of lag of the event loop above which the history gets a mark."""


class Recorder:
    """Batches entries and writes them from a thread of its own.

    Args:
        out: the file descriptor to write to.

    Attributes:
        worst_lag: the most seconds by which the event loop was late since the last reset.
    """

    def __init__(self, out: int) -> None:
        self._out = out
        self._batch: list[Entry] = []
        self._lines: SimpleQueue[bytes | list[Entry] | threading.Event] = SimpleQueue()
        self.worst_lag = 0.0
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, name="records", daemon=True).start()
        self._expected = self._loop.time() + BATCH_EVERY
        self._loop.call_at(self._expected, self._tick)

    def add(self, entry: Entry) -> None:
        """Send an entry with the next batch."""
        self._batch.append(entry)

    def say(self, message: str, /, **content: object) -> None:
        """Send a message now, after all entries so far."""
        self._flush()
        self._lines.put(encode_message(message, **content))

    def drain(self) -> None:
        """Block until everything is written."""
        self._flush()
        written = threading.Event()
        self._lines.put(written)
        written.wait(1.0)

    def _tick(self) -> None:
        now = monotonic()
        lag = now - self._expected
        self.worst_lag = max(self.worst_lag, lag)
        if lag > MARKED_LAG:
            self._batch.append(Mark("load-lag", now, {"seconds": round(lag, 4)}))
        self._flush()
        self._expected = now + BATCH_EVERY
        self._loop.call_at(self._expected, self._tick)

    def _flush(self) -> None:
        if self._batch:
            self._lines.put(self._batch)
            self._batch = []

    def _write(self) -> None:
        try:
            while True:
                item = self._lines.get()
                if isinstance(item, threading.Event):
                    item.set()
                    continue
                line = encode_entries(item) if isinstance(item, list) else item
                while line:
                    line = line[os.write(self._out, line) :]
        except OSError:
            os._exit(0)  # the harness is gone
