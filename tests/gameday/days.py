"""Game days in memory: with one thread, a manual clock, and actions at given seconds."""

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
        folder: where record, journals and state go.
        behaviour: how journeys answer.
        at: second of the day → what a person does then.
        kind: the kind of runtime.
        when: called with the day at every slice of waiting.
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
        """The record on disk."""
        return dict(json.loads((self.folder / "gameday.json").read_text()))

    def texts(self, kind: str) -> list[str]:
        """The texts of the events of a kind."""
        return [each["text"] for each in self.record["events"] if each["kind"] == kind]
