"""The commands that people give to a game day."""

from __future__ import annotations

import queue
from dataclasses import dataclass

from chaoskit.faults.base import Fault
from chaoskit.gameday.lifting import Active


@dataclass(frozen=True, slots=True)
class Next:
    """Go on in the run book: start the next step or, while a step is active, lift it."""


@dataclass(frozen=True, slots=True)
class Inject:
    """Inject a fault by hand."""

    fault: Fault
    hypothesis: str = ""


@dataclass(frozen=True, slots=True)
class Lift:
    """Lift one of the faults that are active."""

    active: Active


@dataclass(frozen=True, slots=True)
class Finish:
    """End the game day once nothing is under way."""


Command = Next | Inject | Lift | Finish


class CommandQueue:
    """The commands that were not carried out yet, in their order. Any thread may put, the worker takes."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()

    def put(self, command: Command) -> None:
        """Add a command."""
        self._queue.put(command)

    def next(self) -> Command | None:
        """Take the oldest command; ``None`` if there is none."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def forget(self, *kinds: type[Command]) -> None:
        """Drop all commands of these kinds."""
        kept = []
        while (command := self.next()) is not None:
            if not isinstance(command, kinds):
                kept.append(command)
        for each in kept:
            self.put(each)
