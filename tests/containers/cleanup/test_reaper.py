"""The reaper's process and its protocol, without an engine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaoskit.clock import ManualClock
from chaoskit.containers.cleanup import orphan, reaper_process
from chaoskit.containers.cleanup.reaper import Reaper
from chaoskit.errors import EngineUnavailable, RuntimeFailure


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "chaoskit" / "runs"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A child in a process group of its own."""
    child = subprocess.Popen(["sleep", "60"], process_group=0)
    yield child
    child.kill()
    child.wait()


def heard(*messages: bytes) -> dict[int, str] | None:
    """The reaper's answer to these messages, followed by the end of the connection."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for message in messages:
            ours.sendall(message)
        ours.shutdown(socket.SHUT_WR)
        return reaper_process.listen(theirs)


def test_goodbye_is_not_the_end_of_the_harness() -> None:
    """Only a connection that ends without a goodbye is a death; the registered groups are then returned."""
    assert heard(b"group 12 345\n", b"goodbye\n") is None
    assert heard(b"group 12 345\ngroup 13 346\n") == {12: "345", 13: "346"}
    assert heard() == {}


def test_messages_may_come_in_pieces_and_be_cut_short() -> None:
    """A death in the middle of a message loses only that message."""
    assert heard(b"group 1", b"2 345\ngro", b"up 13 346\ngroup 14 3") == {12: "345", 13: "346"}
    assert heard(b"goodb") == {}


def test_a_process_group_is_killed(sleeper: subprocess.Popen[bytes]) -> None:
    """The child is killed, and a child that is already gone is not an error."""
    registered = {sleeper.pid: reaper_process.started(sleeper.pid)}
    reaper_process.kill(registered)
    assert sleeper.wait() == -signal.SIGKILL
    reaper_process.kill(registered)


def test_a_group_without_its_leader_is_killed() -> None:
    """Processes that the child started and left behind are killed too."""
    leader = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!"], process_group=0, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    with leader.stdout:
        left = int(leader.stdout.readline())
        registered = {leader.pid: reaper_process.started(leader.pid)}
        leader.wait()
        assert reaper_process.started(left)
        reaper_process.kill(registered)
        assert leader.stdout.read() == b"", "the pipe ends with its last holder"


def test_a_number_that_was_given_to_another_process_is_spared(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process with another start time is not the registered one."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(pid))
    monkeypatch.setattr(os, "killpg", lambda pid, number: sent.append(pid))
    reaper_process.kill({sleeper.pid: "1"})
    monkeypatch.undo()
    assert sent == []


def test_a_child_in_our_own_group_does_not_take_the_group_along() -> None:
    """A child that was registered without a group of its own is killed alone."""
    child = subprocess.Popen(["sleep", "60"])
    reaper_process.kill({child.pid: reaper_process.started(child.pid)})
    assert child.wait() == -signal.SIGKILL


def test_when_a_process_was_started_tells_it_from_others() -> None:
    """The start time stays the same for a process, and is empty for a number without a process."""
    assert reaper_process.started(os.getpid()) == reaper_process.started(os.getpid()) != ""
    assert reaper_process.started(2**22 + 1) == ""


def test_a_goodbye_ends_the_reaper_and_removes_the_folder(state: Path) -> None:
    """A closed run leaves nothing on this machine, and a second goodbye is not an error."""
    reaper = Reaper.start("run", keep=False)
    assert reaper.folder == state / "run"
    assert (reaper.folder / "owner.json").exists()
    reaper.register(os.getpid())
    reaper.goodbye()
    assert not reaper.folder.exists()
    assert reaper._process.returncode == 0
    reaper.goodbye()


def test_a_kept_run_keeps_its_folder() -> None:
    """``clean`` finds a kept run after its harness has ended normally."""
    with Reaper.start("run", keep=True) as reaper:
        pass
    assert reaper.folder.exists()


def test_the_reaper_is_in_a_session_of_its_own() -> None:
    """Neither Ctrl-C nor the terminal's end reaches it, and it holds no folder or output of the harness."""
    with Reaper.start("run", keep=False) as reaper:
        assert os.getsid(reaper.pid) == reaper.pid
        assert Path(f"/proc/{reaper.pid}/cwd").readlink() == Path("/")
        for number in (1, 2):
            assert Path(f"/proc/{reaper.pid}/fd/{number}").readlink() == Path("/dev/null")


def test_children_do_not_hold_the_reaper_s_connection() -> None:
    """No executed program or forked worker holds it, so the reaper sees the harness's death at once."""
    reaper = Reaper.start("run", keep=False)
    ours = f"socket:[{os.fstat(reaper._channel.fileno()).st_ino}]"
    script = "import os\nfor f in os.scandir('/proc/self/fd'): print(os.path.exists(f) and os.readlink(f))"
    listing = [sys.executable, "-c", script]
    executed = subprocess.run(listing, capture_output=True, text=True, check=True, close_fds=False).stdout
    assert ours not in executed
    pid = os.fork()
    if pid == 0:
        os._exit(0 if reaper._channel.fileno() == -1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    reaper.register(os.getpid())
    reaper.goodbye()


def test_a_dead_reaper_is_noticed() -> None:
    """Registering with a killed reaper is an error; saying goodbye to it is not."""
    reaper = Reaper.start("run", keep=False)
    os.kill(reaper.pid, signal.SIGKILL)
    reaper._process.wait()
    with pytest.raises(RuntimeFailure, match="has died"):
        reaper.register(os.getpid())
    reaper.goodbye()


def test_a_reaper_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    """Without a reaper nothing is started, and the run's folder is removed."""
    monkeypatch.setattr(reaper_process, "__file__", "/nowhere/reaper_process.py")
    with pytest.raises(RuntimeFailure, match="does not start"):
        Reaper.start("run", keep=False)
    assert list(state.iterdir()) == []


def test_the_reaper_imports_little() -> None:
    """Every run waits for its start, so it imports nothing of chaoskit, Docker or HTTP."""
    path = reaper_process.__file__
    script = f"import runpy, sys; runpy.run_path({path!r}, run_name='reaping'); print(*sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert not {"chaoskit", "docker", "requests", "http", "asyncio", "pathlib"} & set(printed.split())


def test_what_cannot_be_cleaned_up_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of the reaper is written into the run's folder."""

    def fail(run_id: str) -> None:
        raise EngineUnavailable("no container engine answers", evidence="connection refused")

    monkeypatch.setattr(orphan, "_remove", fail)
    order = {"run": "run", "folder": str(tmp_path), "keep": False, "undo": "", "replay": None}
    orphan.clean_up(order)
    note = (tmp_path / "note.txt").read_text(encoding="utf-8")
    assert "chaoskit clean" in note
    assert "connection refused" in note


def test_the_undo_log_of_a_kept_run_is_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The named function is called with the log if the log exists, and nothing is removed."""
    (tmp_path / "replaying_for_a_test.py").write_text("def replay(path):\n    path.write_text('taken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    undo = tmp_path / "undo.jsonl"
    order = {
        "keep": True,
        "folder": str(tmp_path),
        "undo": str(undo),
        "replay": "replaying_for_a_test:replay",
    }
    orphan.clean_up(order)
    assert not undo.exists()
    undo.write_text("a step")
    orphan.clean_up(order)
    assert undo.read_text() == "taken"
    assert not (tmp_path / "note.txt").exists()


def test_a_guest_takes_back_its_faults_before_it_removes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sidecars and its folder go only after its faults are lifted; if that fails, the folder stays."""
    (tmp_path / "replaying_as_a_guest.py").write_text(
        "def replay(path):\n"
        "    if path.read_text() == 'stuck': raise OSError('no Toxiproxy')\n"
        "    path.with_name('taken').touch()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    removed: list[tuple[str, bool]] = []
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr(orphan, "_remove", lambda run: removed.append((run, (folder / "taken").exists())))
    order = {
        "run": "run",
        "keep": False,
        "attached": "shop",
        "folder": str(folder),
        "undo": str(folder / "attached.jsonl"),
        "replay": "replaying_as_a_guest:replay",
    }
    (folder / "attached.jsonl").write_text("stuck")
    orphan.clean_up(order)
    assert removed == []
    assert "no Toxiproxy" in (folder / "note.txt").read_text()
    (folder / "attached.jsonl").write_text("")
    orphan.clean_up(order)
    assert removed == [("run", True)]
    assert not folder.exists()


def test_several_threads_may_register(sleeper: subprocess.Popen[bytes]) -> None:
    """Messages of several threads do not mix."""
    reaper = Reaper.start("run", keep=False)
    threads = [threading.Thread(target=reaper.register, args=(sleeper.pid,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reaper.goodbye()
    assert reaper._process.returncode == 0
    assert sleeper.poll() is None


def test_an_engine_that_restarts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reaper tries again until the engine answers, and gives up only at its deadline."""
    tried: list[float] = []
    clock = ManualClock()

    def never() -> None:
        tried.append(clock.now())
        raise EngineUnavailable("no container engine answers")

    monkeypatch.setattr(orphan, "connect", never)
    with pytest.raises(EngineUnavailable):
        orphan._remove("run", clock)
    assert tried[0] == 0.0
    assert tried[-1] == orphan.REMOVAL_DEADLINE
    assert len(tried) > 50
