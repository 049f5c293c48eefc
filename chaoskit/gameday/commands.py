"""What people ask of a game day."""

from __future__ import annotations

import queue
from dataclasses import dataclass

from chaoskit.faults.base import Fault
from chaoskit.gameday.lifting import Active


@dataclass(frozen=True, slots=True)
class Next:
    """The next thing in the run book: begin its next step; while a step is active, lift it."""


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
    """Come to an end once nothing is under way."""


Command = Next | Inject | Lift | Finish


class Asked:
    """What was asked and not done yet, in its order. Any thread may put, the worker takes."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()

    def put(self, command: Command) -> None:
        """Ask for something."""
        self._queue.put(command)

    def next(self) -> Command | None:
        """What was asked first."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return None

    def forget(self, *kinds: type[Command]) -> None:
        """Nobody should wait for commands of these kinds any more."""
        kept = []
        while (command := self.next()) is not None:
            if not isinstance(command, kinds):
                kept.append(command)
        for each in kept:
            self.put(each)
