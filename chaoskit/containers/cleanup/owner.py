"""The owner of a run: a folder on this machine, with a lock that lives exactly as long as the harness.

A process number alone does not identify a run, because the system soon gives it to another process.
The kernel frees a lock at the moment its holder dies, however it dies, so the lock tells whether the
harness is alive.

``$XDG_STATE_HOME/chaoskit/runs/<run id>/`` (by default below ``~/.local/state``) holds
``owner.json``, ``lock``, ``undo.jsonl``, the rewritten compose file, and ``note.txt`` if the reaper
could not clean up.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

from chaoskit.errors import RuntimeFailure

RUN_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,100}")
"""The run ids that can name a folder."""


def state_folder() -> Path:
    """The folder for all data that outlives a process (XDG Base Directory Specification, 0.8)."""
    named = os.environ.get("XDG_STATE_HOME", "")
    home = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    return home / "chaoskit"


def run_folder(run_id: str) -> Path:
    """The folder of a run; it exists from :meth:`Claim.take` until the run is removed.

    Raises:
        ValueError: the run id cannot name a folder.
    """
    if not RUN_ID_PATTERN.fullmatch(run_id):
        raise ValueError(f"{run_id!r} is not a run id")
    return state_folder() / "runs" / run_id


@dataclass(frozen=True, slots=True)
class Owner:
    """The harness that started a run.

    Attributes:
        pid: its process, to show to the user only; :func:`alive` tells whether it lives.
        started: when it started the run, in seconds since the epoch.
        keep: whether the run was to be kept when the harness ended.
        command: its command line.
        attached: the compose project in which the run is a guest; empty if the run started its system.
    """

    pid: int
    started: float
    keep: bool = False
    command: str = ""
    attached: str = ""


class Claim:
    """A run that belongs to this process until the process releases the run or ends."""

    def __init__(self, folder: Path, lock: IO[Any]) -> None:
        self.folder = folder
        self._lock = lock
        close_in_forks(self)

    @classmethod
    def take(cls, run_id: str, owner: Owner) -> Claim:
        """Make the run's folder and lock it.

        Raises:
            RuntimeFailure: the folder already exists, or it cannot be made.
        """
        folder = run_folder(run_id)
        hidden = folder.with_name(f".{run_id}.{os.getpid()}.{time.monotonic_ns()}")
        lock: IO[Any] | None = None
        try:
            hidden.mkdir(parents=True, mode=0o700)
            lock = (hidden / "lock").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (hidden / "owner.json").write_text(json.dumps(asdict(owner)), encoding="utf-8")
            hidden.rename(folder)  # so the folder of a living run is never visible without its lock
        except OSError as error:
            if lock is not None:
                lock.close()
            shutil.rmtree(hidden, ignore_errors=True)
            raise RuntimeFailure(
                f"the folder of run {run_id} cannot be made",
                where=str(folder),
                evidence=str(error),
                remedy="free disk space there, or choose another place with XDG_STATE_HOME",
            ) from None
        return cls(folder, lock)

    def release(self, *, remove: bool) -> None:
        """Give up the run; with ``remove``, delete its folder too. May be called again."""
        if remove and not self._lock.closed:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Release the lock only."""
        self._lock.close()


def owner_of(folder: Path) -> Owner | None:
    """The owner that a run's folder names; ``None`` if the folder does not name one."""
    try:
        return Owner(**json.loads((folder / "owner.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def alive(folder: Path) -> bool:
    """Whether the harness of the run with this folder still lives."""
    try:
        with (folder / "lock").open() as lock:
            # A shared lock, so that two processes that look at once do not take each other for the harness.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Closable(Protocol):
    """An object that can be closed."""

    def close(self) -> None:
        """Close the object."""
        ...


_closed_in_forks: weakref.WeakSet[Any] = weakref.WeakSet()


def close_in_forks(it: Closable) -> None:
    """Close ``it`` in every process that this process forks.

    A program that is executed does not inherit it (PEP 446). A forked worker would inherit it, and
    would keep a lock locked or a connection open after this process has died.
    """
    _closed_in_forks.add(it)


def _close_all() -> None:
    for it in list(_closed_in_forks):
        it.close()


os.register_at_fork(after_in_child=_close_all)
