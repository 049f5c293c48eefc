"""Whose a run is: a folder on this machine, and a lock on it that lives exactly as long as the harness.

A process number says little about a run: it is soon given to another process. The kernel frees a
lock at the very moment its holder dies, however it dies, so the lock alone says who is alive.

``$XDG_STATE_HOME/chaoskit/runs/<run id>/`` (by default below ``~/.local/state``) holds
``owner.json``, ``lock``, ``undo.jsonl``, the rewritten compose file, and ``note.txt`` if something
was left to do.
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


def state_folder() -> Path:
    """Where chaoskit keeps what outlives a process (XDG Base Directory Specification, 0.8)."""
    named = os.environ.get("XDG_STATE_HOME", "")
    home = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    return home / "chaoskit"


def run_folder(run_id: str) -> Path:
    """The folder of a run; it is there from :meth:`Claim.take` until the run is removed.

    Raises:
        ValueError: the run id cannot name a folder.
    """
    if not RUN_ID_PATTERN.fullmatch(run_id):
        raise ValueError(f"{run_id!r} is no run id")
    return state_folder() / "runs" / run_id


@dataclass(frozen=True, slots=True)
class Owner:
    """Who started a run.

    Attributes:
        pid: the harness's process, for people; see :func:`alive`.
        started: seconds since the epoch.
        keep: whether the run was to be kept when its harness ended.
        command: what was called.
        attached: the compose project that it is a guest of; empty where the run started its system.
    """

    pid: int
    started: float
    keep: bool = False
    command: str = ""
    attached: str = ""


class Claim:
    """A run that belongs to this process, until it releases it or ends."""

    def __init__(self, folder: Path, lock: IO[Any]) -> None:
        self.folder = folder
        self._lock = lock
        close_in_forks(self)

    @classmethod
    def take(cls, run_id: str, owner: Owner) -> Claim:
        """Make the run's folder and lock it.

        Raises:
            RuntimeFailure: there is one already, or it cannot be made.
        """
        folder = run_folder(run_id)
        hidden = folder.with_name(f".{run_id}.{os.getpid()}.{time.monotonic_ns()}")
        lock: IO[Any] | None = None
        try:
            hidden.mkdir(parents=True, mode=0o700)
            lock = (hidden / "lock").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (hidden / "owner.json").write_text(json.dumps(asdict(owner)), encoding="utf-8")
            hidden.rename(folder)  # nobody ever sees the folder of a living run without its lock
        except OSError as error:
            if lock is not None:
                lock.close()
            shutil.rmtree(hidden, ignore_errors=True)
            raise RuntimeFailure(
                f"the folder of run {run_id} cannot be made",
                where=str(folder),
                evidence=str(error),
                remedy="free some space there, or choose another place with XDG_STATE_HOME",
            ) from None
        return cls(folder, lock)

    def release(self, *, remove: bool) -> None:
        """Give the run up; ``remove`` takes its folder away too. May be called again."""
        if remove and not self._lock.closed:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Let go of the lock only."""
        self._lock.close()


def owner_of(folder: Path) -> Owner | None:
    """What a run's folder says of its owner."""
    try:
        return Owner(**json.loads((folder / "owner.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def alive(folder: Path) -> bool:
    """Whether the harness of the run with this folder still lives."""
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look do not see each other
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Closable(Protocol):
    """Whatever can be closed."""

    def close(self) -> None:
        """Close it."""
        ...


_not_for_forks: weakref.WeakSet[Any] = weakref.WeakSet()


def close_in_forks(it: Closable) -> None:
    """Have ``it`` closed in every process that this one forks.

    Programs that are executed do not inherit it (PEP 446), but a forked worker would, and would
    keep a lock locked or a connection open after this process has died.
    """
    _not_for_forks.add(it)


def _close_all() -> None:
    for it in list(_not_for_forks):
        it.close()


os.register_at_fork(after_in_child=_close_all)
