"""The undo log: how to undo a fault is on disk before the fault is injected.

The log holds one JSON object a line, and each line is flushed to the disk before the call returns. A step
that was taken is logged as done, so the pending steps can be read after any crash. Only the last line can be
cut short by a crash, and the fault that it announced was not injected.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaoskit.errors import ChaoskitError, JournalUnwritable
from chaoskit.runtime import Undo


class UndoLog:
    """The undo log of one environment.

    Args:
        path: the file; it is made when the first step is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = 0

    def ahead(self, steps: Iterable[Undo]) -> tuple[int, ...]:
        """Write steps to disk, and return the numbers by which :meth:`done` knows them.

        Raises:
            JournalUnwritable: the steps are not safely on disk, so nothing may be injected.
        """
        numbers = []
        lines = []
        for step in steps:
            numbers.append(self._next)
            lines.append({"id": self._next, "undo": asdict(step)})
            self._next += 1
        self._append(lines)
        return tuple(numbers)

    def done(self, numbers: Iterable[int]) -> None:
        """Write that these steps were taken and seen to work."""
        self._append([{"id": number, "done": True} for number in numbers])

    def _append(self, lines: Sequence[dict[str, Any]]) -> None:
        if not lines:
            return
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise JournalUnwritable(
                "the undo log cannot be written, so nothing is injected",
                where=str(self.path),
                evidence=error.strerror or str(error),
                remedy="free some space there, or set XDG_STATE_HOME to another folder",
            ) from error


def pending(path: Path) -> dict[int, Undo]:
    """The steps of a log that were never done, by their numbers. The step announced last comes first: this is
    the order in which to take them.
    """
    if not path.exists():
        return {}
    steps: dict[int, Undo] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            # A crash cut the line short, so its fault was not injected.
            continue
        if entry.get("done"):
            steps.pop(entry["id"], None)
        else:
            steps[entry["id"]] = Undo(**entry["undo"])
    return dict(reversed(steps.items()))


def replay(path: Path, undo: Callable[[Undo], None]) -> tuple[list[Undo], list[str]]:
    """Take every pending step of a log.

    Args:
        path: the log.
        undo: takes one step; a :class:`ChaoskitError` that it raises does not stop the other steps.

    Returns:
        The steps that were taken, and the failures of the others.
    """
    log, taken, failed = UndoLog(path), [], []
    for number, step in pending(path).items():
        try:
            undo(step)
        except ChaoskitError as error:
            failed.append(f"{step.action} {step.target}: {error.what}")
        else:
            taken.append(step)
            log.done([number])
    return taken, failed
