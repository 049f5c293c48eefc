"""Removes a run when its harness dies before it could: the harness's side of it.

Ending by SIGKILL runs no code of ours, so somebody else has to be there already. The reaper is a
small process of its own session; a connection to it tells it what to do, and its end tells it that
the harness is dead. See :mod:`chaoskit.containers.cleanup.reaper_process` for what it does then.
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
_GOODBYE_DEADLINE = 5.0


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
        """Claim the run's folder for this process and have a reaper watch over the run.

        Start it before anything that carries the run's label.

        Args:
            run_id: the run.
            keep: when the harness dies, leave the run as it is, but take back its faults.
            undo: the undo log to take them back by; by default ``undo.jsonl`` in the run's folder.
            replay: ``module:function`` that takes back what is pending in the log; it is imported
                in the reaper, when it is needed, and called with the log's path.
            attached: the compose project that the run is a guest of. When the harness dies, its
                faults are taken back first, and only what bears the run's own label is removed.

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
            # By its path and with -P: neither the package nor our docker.py is imported by accident.
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
        said = b""
        with suppress(OSError):
            said = ours.recv(64)
        if said != reaper_process.READY_MESSAGE:
            process.kill()
            self.goodbye()
            raise RuntimeFailure(
                "the process that would clean up after a crash does not start",
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
        """Have a child of ours killed, with its process group, when the harness dies.

        Start the child in a group of its own (``process_group=0``). One that has ended by itself
        is no harm: a process that gets its number later is told from it by when it was started.

        Raises:
            RuntimeFailure: the reaper is dead, so nobody would clean up after a crash.
        """
        try:
            with self._lock:
                self._channel.sendall(f"group {pid} {reaper_process.started(pid)}\n".encode())
        except OSError as error:
            raise RuntimeFailure(
                "the process that would clean up after a crash has died",
                where=f"process {self._process.pid}",
                evidence=f"{error}; exit code {self._process.poll()}",
                remedy="start the run anew, and find out who ends processes on this machine",
            ) from None

    def goodbye(self) -> None:
        """Tell the reaper that the run is gone, and wait until it has ended. May be called again.

        Of a run that is kept the folder stays, for ``chaoskit clean``.
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
