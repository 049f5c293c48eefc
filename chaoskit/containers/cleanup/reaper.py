"""The harness's side of the reaper, which removes a run when its harness dies first.

A process that ends by SIGKILL cannot clean up after itself, so another process must exist before that.
The reaper is a small process in a session of its own. The harness gives it orders over a connection, and
the end of that connection tells the reaper that the harness is dead. For what it does then, see
:mod:`chaoskit.containers.cleanup.reaper_process`.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from chaoskit.containers.cleanup import reaper_process
from chaoskit.containers.cleanup.owner import Claim, Owner, close_in_forks
from chaoskit.errors import RuntimeFailure

_READY_DEADLINE = 10.0
"""Seconds within which a reaper must say that it has started."""
_GOODBYE_DEADLINE = 5.0
"""Seconds within which a reaper must end after the harness's goodbye."""


class Reaper:
    """The reaper of one run, from :meth:`start` to :meth:`goodbye`."""

    def __init__(self, claim: Claim, channel: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self._claim = claim
        self._channel = channel
        self._process = process
        self._keep = False
        self._lock = threading.Lock()
        close_in_forks(self._channel)

    @classmethod
    def start(
        cls,
        run_id: str,
        *,
        keep: bool,
        undo: Path | None = None,
        replay: str | None = None,
        attached: str = "",
    ) -> Self:
        """Claim the run's folder for this process, and start a reaper for the run.

        Call it before anything carries the run's label.

        Args:
            run_id: the run.
            keep: when the harness dies, keep the run's system and lift its faults.
            undo: the undo log of these faults; by default ``undo.jsonl`` in the run's folder.
            replay: ``module:function`` that takes the pending steps of that log. The reaper imports
                it only when it needs it, and calls it with the log's path.
            attached: the compose project in which the run is a guest. When the harness dies, its
                faults are lifted first, and only objects with the run's own label are removed.

        Raises:
            RuntimeFailure: the folder cannot be made, or the reaper does not start.
        """
        command = shlex.join(sys.orig_argv)[:400]
        claim = Claim.take(run_id, Owner(os.getpid(), time.time(), keep, command, attached))
        order = {
            "run": run_id,
            "folder": str(claim.folder),
            "keep": keep,
            "attached": attached,
            "undo": str(undo or claim.folder / "undo.jsonl"),
            "replay": replay,
            "path": [str(Path(entry).absolute()) for entry in sys.path],
        }
        ours, theirs = socket.socketpair()
        ours.settimeout(_READY_DEADLINE)
        with theirs:
            # Run by its path and with -P, so that it imports no module of the package by accident.
            process = subprocess.Popen(
                [sys.executable, "-P", reaper_process.__file__, json.dumps(order)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        self = cls(claim, ours, process)
        self._keep = keep
        answer = b""
        with suppress(OSError):
            answer = ours.recv(64)
        if answer != reaper_process.READY_MESSAGE:
            process.kill()
            self.goodbye()
            raise RuntimeFailure(
                "the reaper, which would clean up after a crash, does not start",
                where=f"{sys.executable} {reaper_process.__file__}",
                limit=f"{_READY_DEADLINE:g} s",
                evidence=f"exit code {process.returncode}",
                remedy="run that command by hand to see why",
            )
        return self

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self._claim.folder

    @property
    def pid(self) -> int:
        """The reaper's process."""
        return self._process.pid

    def register(self, pid: int) -> None:
        """Let the reaper kill a child of this process, with its process group, when the harness dies.

        Start the child in a group of its own (``process_group=0``). A child that has already ended
        does no harm: the start time tells it from a later process with the same number.

        Raises:
            RuntimeFailure: the reaper is dead, so it could not clean up after a crash.
        """
        try:
            with self._lock:
                self._channel.sendall(f"group {pid} {reaper_process.started(pid)}\n".encode())
        except OSError as error:
            raise RuntimeFailure(
                "the reaper, which would clean up after a crash, has died",
                where=f"process {self._process.pid}",
                evidence=f"{error}; exit code {self._process.poll()}",
                remedy="start the run again, and find out what kills processes on this machine",
            ) from None

    def goodbye(self) -> None:
        """Tell the reaper that the run is over, and wait until the reaper has ended. May be called again.

        The folder of a kept run stays, for ``chaoskit clean``.
        """
        with suppress(OSError), self._lock:
            self._channel.sendall(b"goodbye\n")
        self._channel.close()
        try:
            self._process.wait(_GOODBYE_DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._claim.release(remove=not self._keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.goodbye()
