"""Telling dead runs from living ones, and cleaning up the dead ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaoskit.clock import ManualClock
from chaoskit.containers.attached import takeback
from chaoskit.containers.cleanup.owner import Claim, Owner, run_folder
from chaoskit.containers.cleanup.removal import Removed
from chaoskit.containers.leftovers import clean, runs
from chaoskit.errors import NotLifted
from tests.containers.engine_of_dictionaries import Engine, as_client


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "chaoskit" / "runs"


def owner() -> Owner:
    """An owner record of this process."""
    return Owner(os.getpid(), 2000.0, command="pytest")


def test_a_run_is_alive_as_long_as_its_claim_is_held() -> None:
    """Only the lock decides: the owner's process still runs after it has released the run."""
    engine = Engine()
    engine.put("containers", "c", "run")
    claim = Claim.take("run", owner())
    (run,) = runs(as_client(engine))
    assert (run.alive, run.known, run.containers) == (True, True, 1)
    assert run.started is not None
    assert run.started.timestamp() == 2000.0
    claim.close()
    (run,) = runs(as_client(engine))
    assert (run.alive, run.known) == (False, True)


def test_of_a_dead_guest_the_faults_are_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead guest's faults are lifted before its sidecars are removed; a failure is retried next time."""
    engine = Engine()
    engine.put("containers", "sidecar", "run")
    engine.put("containers", "theirs", None)
    guest = Claim.take("run", Owner(os.getpid(), 2000.0, attached="shop"))
    guest.close()
    tries: list[Path] = []

    def replay(ledger: Path) -> None:
        tries.append(ledger)
        if len(tries) == 1:
            raise NotLifted("a change of this run is still there")

    monkeypatch.setattr(takeback, "replay", replay)
    assert "still there" in clean(as_client(engine)).failed["run"]
    assert engine.left == {"sidecar", "theirs"}
    done = clean(as_client(engine))
    assert (done.freed, done.failed) == ({"run": "shop"}, {})
    assert engine.left == {"theirs"}
    assert tries == [guest.folder / "attached.jsonl"] * 2
    assert not guest.folder.exists()


def test_clean_removes_the_dead_and_names_the_others() -> None:
    """Dead runs are removed with their folder; living and unknown runs are left alone."""
    engine = Engine()
    for name in ("dead", "living", "unknown"):
        engine.put("volumes", name, name)
    dead, living = Claim.take("dead", owner()), Claim.take("living", owner())
    (dead.folder / "note.txt").write_text("no engine\n", encoding="utf-8")
    dead.close()
    told: list[str] = []
    done = clean(as_client(engine), tell=lambda run: told.append(f"{run.run_id}: {run.note}"))
    assert told == ["dead: no engine"]
    assert done.removed == {"dead": Removed(volumes=("dead",))}
    assert [run.run_id for run in done.alive] == ["living"]
    assert [run.run_id for run in done.unknown] == ["unknown"]
    assert engine.left == {"living", "unknown"}
    assert not dead.folder.exists()
    assert clean(as_client(engine), unknown=True).removed == {"unknown": Removed(volumes=("unknown",))}
    living.release(remove=True)


def test_clean_goes_on_after_one_that_fails() -> None:
    """A run that cannot be removed is reported and keeps its folder, and the next one is removed."""
    engine = Engine(stubborn={"a": 10**6})
    for name in ("a", "b"):
        engine.put("volumes", name, name)
        Claim.take(name, owner()).close()
    done = clean(as_client(engine), clock=ManualClock())
    assert list(done.removed) == ["b"]
    assert "a is in use" in done.failed["a"]
    assert run_folder("a").exists()


def test_a_folder_without_an_owner_is_a_dead_run(state: Path) -> None:
    """A folder that a full disk or an old version left incomplete is cleaned like a dead run."""
    (state / "broken").mkdir(parents=True)
    (state / ".hidden").mkdir()
    (run,) = runs(as_client(Engine()))
    assert (run.run_id, run.alive, run.started) == ("broken", False, None)
    assert list(clean(as_client(Engine())).removed) == ["broken"]
    assert not (state / "broken").exists()
