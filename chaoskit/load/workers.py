"""The load processes as the harness sees them: starts them, talks to them, and notices when one dies.

Where one core cannot send as much as is wanted, several processes work as one. They share one clock,
since the monotonic clock is the machine's, and one origin, which the harness sets. Arrival ``k`` of
each journey belongs to process ``k mod n``, and so do its user and what the system acknowledges to it.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic, sleep
from typing import Any, BinaryIO

from chaoskit.errors import LoadFailure
from chaoskit.load.protocol import Entry, Setup, decode, encode_message, encode_setup
from chaoskit.record.history import Acknowledgement

LOAD_PROCESS_VARIABLE = "CHAOSKIT_LOAD_PROCESS"
"""The environment variable that is set in a load process."""

LAST_WORDS_WITHIN = 1.0
"""Seconds to wait for the exit code of a process that went silent, or for its stack."""

MOST_OUTPUT_LINES = 200
"""Lines of a load process's output that are kept."""


ARRIVALS_PER_S_OF_ONE_PROCESS = 2500.0
"""Arrivals per second that one process launches on time. A request takes it about 0.1 ms, and it needs
spare time for the end of a stall, when everything that waited is answered at once."""


class LoadWorker:
    """One load process: ``python -m chaoskit.load.child``.

    Args:
        paths: its import path.
        entries: takes the batches of entries; called from a thread.
    """

    def __init__(self, paths: Sequence[str], entries: Callable[[list[Entry]], None]) -> None:
        self._entries = entries
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._gone = False
        self.output: deque[str] = deque(maxlen=MOST_OUTPUT_LINES)
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "chaoskit.load.child", str(write)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[write],
                process_group=0,  # so that Ctrl-C in the terminal does not reach it
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), LOAD_PROCESS_VARIABLE: "1"},
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin = self._process.stdin
        self._threads = [
            threading.Thread(
                target=self._take, args=(os.fdopen(read, "rb"),), name="load records", daemon=True
            ),
            threading.Thread(
                target=self._read, args=(self._process.stdout,), name="load output", daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs and its pipe is open."""
        return not self._gone and self._process.poll() is None

    def send(self, line: bytes) -> None:
        """Send it a line.

        Raises:
            LoadFailure: it has died.
        """
        try:
            self._stdin.write(line)
            self._stdin.flush()
        except (OSError, ValueError):
            raise self.death() from None

    def wait_for(self, say: str, timeout: float) -> dict[str, Any]:
        """Wait for its next message, which must be this one.

        Raises:
            LoadFailure: it has died, has failed, or does not answer in time.
        """
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            raise self._silence(timeout) from None
        if message is None:
            self._messages.put(None)
            raise self.death()
        if message["say"] == "failed":
            raise LoadFailure(message["what"], evidence=message["traceback"], remedy=message["remedy"])
        assert message["say"] == say, message
        return message

    def close(self) -> None:
        """End it, by force if need be. May be called again."""
        with contextlib.suppress(OSError):
            self._stdin.close()  # tells it to exit
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(1.0)

    def death(self) -> LoadFailure:
        """An error that says how it died, with the last lines of its output."""
        try:
            code = self._process.wait(LAST_WORDS_WITHIN)
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        except subprocess.TimeoutExpired:
            how = "it closed its pipe, but did not exit"
        for thread in self._threads:
            thread.join(0.5)
        return LoadFailure(
            f"the load process died ({how})",
            evidence="\n".join(list(self.output)[-20:]) or "it printed nothing",
            remedy="run it again; no verdict can rest on this load",
        )

    def _silence(self, timeout: float) -> LoadFailure:
        self.output.clear()
        self._process.send_signal(signal.SIGUSR1)  # its handler prints the stack
        end = monotonic() + LAST_WORDS_WITHIN
        while monotonic() < end and not any("in <module>" in line for line in self.output):
            sleep(0.02)
        return LoadFailure(
            "the load process does not answer",
            limit=f"{timeout:g} s",
            evidence="\n".join(self.output) or None,
            remedy="a journey that blocks (time.sleep, a synchronous client) stops all journeys: use await",
        )

    def _take(self, stream: BinaryIO) -> None:
        try:
            with stream:
                for line in stream:
                    said = decode(line)
                    if isinstance(said, dict):
                        self._messages.put(said)
                    else:
                        self._entries(said)
        except ValueError as error:  # it died in the middle of a line
            self.output.append(str(error))
        finally:
            self._gone = True
            self._messages.put(None)

    def _read(self, stream: BinaryIO) -> None:
        with stream:
            for line in stream:
                self.output.append(line.decode("utf-8", "replace").rstrip())


def processes_for(rate: float) -> int:
    """How many processes so many arrivals per second need; never more than the machine has cores."""
    return max(1, min(os.cpu_count() or 1, math.ceil(rate / ARRIVALS_PER_S_OF_ONE_PROCESS)))


def parts(setup: Setup, of: int) -> list[Setup]:
    """The setup of each of ``of`` processes: its share of the arrivals and of the runs in flight."""
    limit = setup.max_in_flight
    return [
        replace(setup, share=(number, of), max_in_flight=limit // of + (number < limit % of))
        for number in range(of)
    ]


class Crew:
    """All load processes of one load.

    Args:
        setups: the setup of each; see :func:`parts`.
        paths: their import path.
        entries: takes the batches of entries; called from one thread per process.
    """

    def __init__(
        self, setups: Sequence[Setup], paths: Sequence[str], entries: Callable[[list[Entry]], None]
    ) -> None:
        self._owners: dict[tuple[str, str, str], int] = {}
        self._entries = entries
        self.workers: list[LoadWorker] = []
        try:
            for number, setup in enumerate(setups):
                self.workers.append(LoadWorker(paths, partial(self._take, number)))
                self.workers[-1].send(encode_setup(setup))
        except BaseException:
            self.close()
            raise

    @property
    def dead(self) -> LoadWorker | None:
        """A process that has died, if there is one."""
        return next((worker for worker in self.workers if not worker.alive), None)

    def tell(self, say: str, /, **content: Any) -> None:
        """Send a message to all of them."""
        for worker in self.workers:
            worker.send(encode_message(say, **content))

    def wait_for(self, say: str, timeout: float) -> list[dict[str, Any]]:
        """The answer of each; ``timeout`` is for all together.

        Raises:
            LoadFailure: one of them has died, has failed, or does not answer in time.
        """
        end = monotonic() + timeout
        return [worker.wait_for(say, max(0.0, end - monotonic())) for worker in self.workers]

    def verify(self, acknowledgements: Sequence[Acknowledgement], within: float, timeout: float) -> None:
        """Have each process check the acknowledgements that its users got."""
        for number, worker in enumerate(self.workers):
            mine = [
                [each.journey, each.kind, each.id, each.at]
                for each in acknowledgements
                if self._owners.get((each.journey, each.kind, each.id), 0) == number
            ]
            worker.send(encode_message("verify", acknowledgements=mine, within=within))
        self.wait_for("verified", timeout)

    def close(self) -> None:
        """End all of them, by force if need be. May be called again."""
        for worker in self.workers:
            worker.close()

    def _take(self, number: int, batch: list[Entry]) -> None:
        if number:
            for entry in batch:
                if isinstance(entry, Acknowledgement):
                    self._owners[entry.journey, entry.kind, entry.id] = number
        self._entries(batch)
