"""Undoing a dead harness's changes from its folder and the engine alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaoskit.containers.attached import takeback
from chaoskit.containers.attached.survey import Survey
from chaoskit.containers.attached.takeback import Attachment, ledger_of, replay
from chaoskit.errors import NotLifted, RuntimeFailure, UsageError
from chaoskit.runtime import Undo
from chaoskit.runtime.undolog import UndoLog, pending


class World:
    """A project, with a guest in it that only notes its orders."""

    def __init__(self) -> None:
        self.there = {"cache", "replica"}
        self.silent = frozenset[str]()
        self.gone = False
        self.asked: list[str] = []
        self.broken = False

    def look(self, client: Any, project: str, **more: Any) -> Survey:
        self.asked.append("look")
        if self.gone:
            raise UsageError(f"there is no compose project called {project!r}")
        return Survey(project, (), {}, silent=self.silent)

    def take(self, step: Undo) -> None:
        self.asked.append(f"{step.action} {step.target}")
        if self.broken:
            raise RuntimeFailure("the engine refuses")

    def guest(self, client: Any, run_id: str, survey: Survey, ledger: Path, clock: Any) -> Any:
        def take_back(needed: Callable[[Undo], bool]) -> None:
            for step in pending(ledger).values():
                if needed(step):
                    self.take(step)

        return SimpleNamespace(
            placed={"app.cache.6379": None},
            containers=SimpleNamespace(find=lambda name: name if name in self.there else None),
            acts=SimpleNamespace(take_back=take_back, take=self.take),
            ledger=SimpleNamespace(path=ledger),
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The project, with a run's folder that names the attached system."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ledger_of("run").parent.mkdir(parents=True)
    Attachment("shop", (), ["replica"]).save("run")
    made = World()
    monkeypatch.setattr(takeback, "survey", made.look)
    monkeypatch.setattr(takeback, "Guest", made.guest)
    monkeypatch.setattr(takeback, "_connect_patiently", lambda clock: SimpleNamespace(close=lambda: None))
    return made


def faults_log() -> UndoLog:
    """The faults' own undo log."""
    return UndoLog(ledger_of("run").with_name("undo.jsonl"))


def test_nothing_pending_asks_nobody(world: World) -> None:
    """The ledger exists from the start for the reaper to replay; an empty one needs no look."""
    assert ledger_of("run").exists()
    replay(ledger_of("run"))
    assert world.asked == []


def test_what_only_a_fault_wrote_down_is_done_too(world: World) -> None:
    """A restart in the faults' own log is taken, but only of a component that may be touched."""
    log = faults_log()
    log.ahead([Undo("restart", "replica"), Undo("restart", "cache"), Undo("disconnect", "cache")])
    replay(ledger_of("run"))
    assert world.asked == ["look", "restart replica"]
    assert [step.target for step in pending(log.path).values()] == ["cache", "cache"]


def test_a_restart_that_fails_is_said_and_stays(world: World) -> None:
    """It is reported and stays pending, so that chaoskit clean tries it again."""
    log = faults_log()
    log.ahead([Undo("restart", "replica")])
    world.broken = True
    with pytest.raises(NotLifted, match="could not be restarted"):
        replay(ledger_of("run"))
    assert len(pending(log.path)) == 1


def test_what_is_no_more_needs_no_undo(world: World) -> None:
    """A removed container, a deleted proxy or a removed project needs no undo."""
    log = UndoLog(ledger_of("run"))
    steps = [
        Undo("start", "cache"),
        Undo("start", "removed"),
        Undo("mend", "app.cache.6379"),
        Undo("mend", "deleted"),
    ]
    log.ahead(steps)
    replay(ledger_of("run"))
    assert world.asked == ["look", "mend app.cache.6379", "start cache"]
    world.gone = True
    replay(ledger_of("run"))


def test_a_toxiproxy_that_is_silent_may_still_have_the_proxy(world: World) -> None:
    """Then the proxy may still exist, so the step is tried, and its failure is reported."""
    UndoLog(ledger_of("run")).ahead([Undo("mend", "unknown")])
    world.silent = frozenset({"toxiproxy"})
    replay(ledger_of("run"))
    assert world.asked == ["look", "mend unknown"]
