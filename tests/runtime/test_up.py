"""Compose in a thread of its own: its failure is told, and it can be ended at any moment."""

from __future__ import annotations

import subprocess
import threading

import pytest

from chaoskit.errors import StartFailed
from chaoskit.runtime.up import Up


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    """Not in the thread, where nobody would see it."""

    def fail() -> None:
        raise StartFailed("no")

    up = Up(fail)
    up.start()
    up.end()
    with pytest.raises(StartFailed, match="no"):
        up.check()


def test_ending_kills_the_process_group() -> None:
    """Compose and its children go at once, and the thread with them."""
    process: list[subprocess.Popen[bytes]] = []
    spawned = threading.Event()

    def work() -> None:
        with subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True) as child:
            process.append(child)
            up.spawned(child.pid)
            spawned.set()

    up = Up(work)
    up.start()
    spawned.wait()
    up.end()
    assert up.done
    assert process[0].returncode == -9


def test_a_process_that_comes_after_the_end_is_killed_too() -> None:
    """An interrupt between Compose's birth and our knowing of it leaves nothing running."""
    up = Up(lambda: None)
    up.start()
    up.end()
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as late:
        up.spawned(late.pid)
        assert late.wait(5) == -9


def test_what_was_ended_before_it_started_does_nothing() -> None:
    """Closing may come at any time: it is no error, and what starts afterwards starts no Compose."""
    worked: list[str] = []
    up = Up(lambda: worked.append("up"))
    up.end()
    up.start()
    up.end()
    assert up.done
    assert worked == []
