"""A process of ours at the end of a pipe: starts it, talks to it, and notices when it dies."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any, BinaryIO

from chaoskit.errors import LoadFailure
from chaoskit.load.protocol import Entry, decode

INSIDE = "CHAOSKIT_LOAD_PROCESS"
"""Set in the environment of a load process."""


class Worker:
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
