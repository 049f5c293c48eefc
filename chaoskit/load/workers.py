"""A process of ours at the end of a pipe: starts it, talks to it, and notices when it dies.

Several load processes that work as one: where one core cannot send as much as is wanted.

They have one clock, for the monotonic clock is the machine's, and one origin, which the harness
sets. Arrival ``k`` of each journey belongs to process ``k mod n``; so do its users, and the promises
made to them.
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

INSIDE = "CHAOSKIT_LOAD_PROCESS"
"""Set in the environment of a load process."""


class LoadWorker:
    """Runs ``python -m chaoskit.load.child``.

    Args:
        paths: its import path.
        entries: takes the batches of entries, in a thread.
    """

    def __init__(self, paths: Sequence[str], entries: Callable[[list[Entry]], None]) -> None:
        self._entries = entries
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._gone = False
        self.output: deque[str] = deque(maxlen=200)
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "chaoskit.load.child", str(write)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[write],
                process_group=0,  # out of reach of the terminal's Ctrl-C
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), INSIDE: "1"},
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
        """Whether it is there and can still be heard."""
        return not self._gone and self._process.poll() is None

    def send(self, line: bytes) -> None:
        """Tell it something.

        Raises:
            LoadFailure: it is gone.
        """
        try:
            self._stdin.write(line)
            self._stdin.flush()
        except (OSError, ValueError):
            raise self.death() from None

    def wait_for(self, say: str, timeout: float) -> dict[str, Any]:
        """Its next message, which must be this one.

        Raises:
            LoadFailure: it is gone, has failed, or does not answer in time.
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
        """End it for sure; may be called again."""
        with contextlib.suppress(OSError):
            self._stdin.close()  # its sign to leave
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(1.0)

    def death(self) -> LoadFailure:
        """How it died, and its last words."""
        try:
            code = self._process.wait(1.0)
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        except subprocess.TimeoutExpired:
            how = "it can no longer be heard"
        for thread in self._threads:
            thread.join(0.5)
        return LoadFailure(
            f"the load process died ({how})",
            evidence="\n".join(list(self.output)[-20:]) or "it printed nothing",
            remedy="no verdict can rest on this load; run it again",
        )

    def _silence(self, timeout: float) -> LoadFailure:
        self.output.clear()
        self._process.send_signal(signal.SIGUSR1)  # it answers with its stack
        end = monotonic() + 1.0
        while monotonic() < end and not any("in <module>" in line for line in self.output):
            sleep(0.02)
        return LoadFailure(
            "the load process does not answer",
            limit=f"{timeout:g} s",
            evidence="\n".join(self.output) or None,
            remedy="a journey that blocks (time.sleep, a synchronous client) stops all of them: use await",
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
        except ValueError as error:  # cut off in the middle of a line
            self.output.append(str(error))
        finally:
            self._gone = True
            self._messages.put(None)

    def _read(self, stream: BinaryIO) -> None:
        with stream:
            for line in stream:
                self.output.append(line.decode("utf-8", "replace").rstrip())


COMFORTABLE = 2500.0
"""Arrivals per second that one process launches without being late: a request takes it about
0.1 ms, and there must be room for a stall's end, when all that waited is answered at once."""


def processes_for(rate: float) -> int:
    """How many processes so many arrivals per second want; never more than there are cores."""
    return max(1, min(os.cpu_count() or 1, math.ceil(rate / COMFORTABLE)))


def parts(setup: Setup, of: int) -> list[Setup]:
    """What each of ``of`` processes is told: its share of the arrivals, and of those in flight."""
    limit = setup.max_in_flight
    return [
        replace(setup, share=(number, of), max_in_flight=limit // of + (number < limit % of))
        for number in range(of)
    ]


class Crew:
    """The load processes of one load.

    Args:
        setups: what each is told; see :func:`parts`.
        paths: their import path.
        entries: takes the batches of entries of all, each in a thread of its own.
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
        """One that has died, if any has."""
        return next((worker for worker in self.workers if not worker.alive), None)

    def tell(self, say: str, /, **content: Any) -> None:
        """Tell all of them."""
        for worker in self.workers:
            worker.send(encode_message(say, **content))

    def wait_for(self, say: str, timeout: float) -> list[dict[str, Any]]:
        """What each of them answers; ``timeout`` is for all together.

        Raises:
            LoadFailure: one of them is gone, has failed, or does not answer in time.
        """
        end = monotonic() + timeout
        return [worker.wait_for(say, max(0.0, end - monotonic())) for worker in self.workers]

    def verify(self, promises: Sequence[Acknowledgement], within: float, timeout: float) -> None:
        """Have each check the promises that were made to its users."""
        for number, worker in enumerate(self.workers):
            mine = [
                [each.journey, each.kind, each.id, each.at]
                for each in promises
                if self._owners.get((each.journey, each.kind, each.id), 0) == number
            ]
            worker.send(encode_message("verify", promises=mine, within=within))
        self.wait_for("verified", timeout)

    def close(self) -> None:
        """End all of them for sure; may be called again."""
        for worker in self.workers:
            worker.close()

    def _take(self, number: int, batch: list[Entry]) -> None:
        if number:
            for entry in batch:
                if isinstance(entry, Acknowledgement):
                    self._owners[entry.journey, entry.kind, entry.id] = number
        self._entries(batch)
