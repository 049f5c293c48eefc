"""What a guest has done and not yet undone, on disk before it is done."""

from __future__ import annotations

import threading
from pathlib import Path

from chaoskit.runtime import Undo
from chaoskit.undo import UndoLog, pending


class Ledger:
    """The undo of every change, in an undo log of its own; may be used from several threads.

    A fault writes an undo of its own ahead, but whoever calls the runtime itself does not, and a
    guest has to be sure.

    Args:
        path: the log; what it has pending already is pending still.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = UndoLog(path)
        self._lock = threading.RLock()
        self._pending = {_key(step): (number, step) for number, step in reversed(pending(path).items())}

    def ahead(self, step: Undo) -> None:
        """Put a step on disk, unless it is pending already.

        Raises:
            JournalUnwritable: it is not safely on disk, so nothing may be done.
        """
        with self._lock:
            if _key(step) not in self._pending:
                (number,) = self._log.ahead([step])
                self._pending[_key(step)] = (number, step)

    def done(self, step: Undo) -> None:
        """The step was taken, and seen to have worked."""
        with self._lock:
            found = self._pending.pop(_key(step), None)
            if found is not None:
                self._log.done([found[0]])

    def find(self, action: str, target: str) -> Undo | None:
        """The step that is pending for this target."""
        with self._lock:
            steps = [step for _, step in self._pending.values()]
        return next((step for step in steps if (step.action, step.target) == (action, target)), None)

    def pending(self) -> tuple[Undo, ...]:
        """What is to be undone, the last first."""
        with self._lock:
            return tuple(step for _, step in reversed(self._pending.values()))


def _key(step: Undo) -> tuple[str, str, str]:
    return step.action, step.target, str(step.detail.get("name", ""))
