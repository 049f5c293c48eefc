"""Game days in memory: one thread, a manual clock, and things that happen at moments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaoskit.gameday import runbook
from chaoskit.gameday.day import Day
from chaoskit.gameday.worker import DayWorker
from chaoskit.runtime.memory import MemoryRuntime
from tests.simulation import Behaviour, Simulation, hardened


class Played:
    """A game day that was played to its end.

    Args:
        book: the run book's text.
        folder: where everything goes.
        behaviour: how journeys answer.
        at: what a person does, by seconds of the day.
        kind: the kind of runtime.
        when: called at every look-up with the day.
    """

    def __init__(
        self,
        book: str,
        folder: Path,
        *,
        behaviour: Behaviour = hardened,
        at: dict[float, Callable[[Day], None]] | None = None,
        kind: type[MemoryRuntime] = MemoryRuntime,
        when: Callable[[Day], None] = lambda day: None,
        unattended: bool = True,
    ) -> None:
        self.simulation = Simulation(behaviour, folder, kind=kind)
        environment = self.simulation.environment
        environment.reset()
        self.runtime = self.simulation.runtimes[0]
        self.folder = folder
        self.day = Day(
            environment,
            runbook.parse(book),
            folder,
            system={"compose": ["compose.yaml"], "attached": False, "project": None, "touch": []},
            unattended=unattended,
        )
        todo = dict(at or {})
        before = [self.day.clock.now()]

        def look() -> None:
            if self.day.now() > 600:
                raise AssertionError("the day does not end")
            for moment in sorted(todo):
                if moment <= self.day.now():
                    todo.pop(moment)(self.day)
            if self.day.clock.now() - before[0] >= 0.25:
                before[0] = self.day.clock.now()
                self.day.tick()
            when(self.day)

        self.day.on_slice = look
        self.day.begin()
        DayWorker(self.day).work()
        self.lifted = self.day.close()

    @property
    def record(self) -> dict[str, Any]:
        """What is on disk."""
        return dict(json.loads((self.folder / "gameday.json").read_text()))

    def texts(self, kind: str) -> list[str]:
        """What the events of a kind say."""
        return [each["text"] for each in self.record["events"] if each["kind"] == kind]
