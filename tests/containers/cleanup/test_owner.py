"""The owner of a run, and how long it owns the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaoskit.containers.cleanup.owner import Claim, Owner, alive, run_folder
from chaoskit.errors import RuntimeFailure


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "chaoskit" / "runs"


def owner() -> Owner:
    """An owner record of this process."""
    return Owner(os.getpid(), 2000.0, command="pytest")


def test_a_claim_cannot_be_taken_twice() -> None:
    """Two harnesses never own the same run."""
    claim = Claim.take("run", owner())
    with pytest.raises(RuntimeFailure, match="folder of run run"):
        Claim.take("run", owner())
    claim.release(remove=True)
    assert not run_folder("run").exists()
    assert list(run_folder("run").parent.iterdir()) == []
    again = Claim.take("run", owner())
    claim.release(remove=True)
    assert run_folder("run").exists(), "a claim that was given up has no say any more"
    again.release(remove=True)


def test_a_fork_does_not_keep_a_run_alive() -> None:
    """A forked worker closes the lock that it inherited, and the harness keeps its own."""
    claim = Claim.take("run", owner())
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, b"closed" if claim._lock.closed else b"open")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reading, 10) == b"closed"
    os.close(reading)
    os.close(writing)
    assert alive(claim.folder)
    claim.release(remove=True)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".a", "a" * 200])
def test_a_run_id_names_a_folder_below_ours(name: str) -> None:
    """No run id leads out of the state folder."""
    with pytest.raises(ValueError, match="is not a run id"):
        run_folder(name)


def test_the_state_folder_follows_the_standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is below $XDG_STATE_HOME if that is absolute, and otherwise below ~/.local/state."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert run_folder("r") == tmp_path / ".local" / "state" / "chaoskit" / "runs" / "r"
