"""``chaoskit gameday`` on real containers, driven by keys on a pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import jsonschema
import pytest

from chaoskit.gameday.record import SCHEMA_PATH
from chaoskit.interpose import RUN_LABEL
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

EXAMPLE = Path(__file__).parents[1] / "examples" / "gameday"

BOOK = """
title: The shop
system: shop:shop
stop:
  - {name: carts fail, journey: put, availability_below: 0.6, over: 2}
steps:
  - name: no cart
    fault: {CutLink: {link: shop→cart, how: refuse}}
    hypothesis: the front page stays up without the cart
    active: 60
"""

# Gives the process the terminal on its standard input as its own: for Ctrl-C.
OWN = (
    "import fcntl, os, sys, termios;fcntl.ioctl(0, termios.TIOCSCTTY, 0);os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A game day on a terminal of 120 by 40, and somebody who types.

    Args:
        folder: where run book, record and state are.
        environment: of the process.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._main, self._side = pty.openpty()
        termios.tcsetwinsize(self._side, (40, 120))
        self.before = termios.tcgetattr(self._side)
        command = [sys.executable, "-m", "chaoskit.cli", "gameday", "book.yaml", "--report-dir", "out"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN, *command],
            cwd=folder,
            env={**environment, "TERM": "xterm-256color"},
            stdin=self._side,
            stdout=self._side,
            stderr=self._side,
            start_new_session=True,
        )
        self.shown = ""

    def see(self, text: str, within: float = 60.0) -> None:
        """Read until the text was shown; what came before it is not looked at again."""
        until = time.monotonic() + within
        while text not in self._plain():
            assert time.monotonic() < until, f"{text!r} was not shown:\n{self._plain()[-6000:]}"
            self._read()
        self.shown = ""

    def record(self) -> dict[str, Any]:
        """What is on disk."""
        return dict(json.loads((self.folder / "out" / "gameday.json").read_text(encoding="utf-8")))

    def await_event(self, kind: str, count: int, within: float = 60.0) -> None:
        """Wait until there are so many events of a kind."""
        until = time.monotonic() + within
        while sum(each["kind"] == kind for each in self.record()["events"]) < count:
            assert time.monotonic() < until, self.record()["events"]
            self._read()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._main, text.encode())

    def end(self, within: float = 60.0) -> int:
        """Wait for its end; the exit code."""
        until = time.monotonic() + within
        while self.process.poll() is None and time.monotonic() < until:
            self._read()
        return self.process.wait(0.1)

    def mode(self) -> list[Any]:
        """The terminal's mode now."""
        return termios.tcgetattr(self._side)

    def close(self) -> None:
        """Whatever happened."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._main)
        os.close(self._side)

    def _read(self) -> None:
        ready, _, _ = select.select([self._main], [], [], 0.05)
        if ready:
            self.shown += os.read(self._main, 65536).decode(errors="replace")

    def _plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", self.shown)


@pytest.fixture
def terminal(client: docker.DockerClient, tmp_path: Path) -> Iterator[Terminal]:
    """A game day that has just been called."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "book.yaml").write_text(BOOK, encoding="utf-8")
    made = Terminal(
        tmp_path,
        {**os.environ, "BASE_IMAGE": base_image(client), "XDG_STATE_HOME": str(tmp_path / "state")},
    )
    yield made
    made.close()


def test_a_game_day_with_people(terminal: Terminal, client: docker.DockerClient) -> None:
    """A stop condition lifts by itself, a key lifts at once, notes are kept, and Ctrl-C in the middle of
    a fault lifts it, removes everything and gives the terminal back."""
    terminal.see("steady: every journey is inside its SLO")
    (run,) = (terminal.folder / "state" / "chaoskit" / "runs").iterdir()
    label = {"label": f"{RUN_LABEL}={run.name}"}
    assert len(client.api.containers(filters=label)) > 2

    terminal.type(" ")
    terminal.see("1 FAULT INJECTED")
    terminal.type("nkošíky čekají x\r")
    terminal.await_event("verified", 1)
    terminal.type("?Why does it take so long?\r")
    terminal.await_event("hypothesis", 1)
    first = terminal.record()["steps"][0]
    assert first["stopped_by"] == "carts fail"
    assert first["evidence"] == "a fresh connection is refused over shop→cart:6379"
    assert first["landed"] < first["lift"] < first["gone"] < first["recovered"]

    terminal.type("iPause cart\r\r")
    terminal.await_event("landed", 2)
    terminal.type("x")
    terminal.await_event("verified", 2)
    terminal.see("everything is lifted and seen to be gone")
    terminal.await_event("hypothesis", 2)

    terminal.type("iKill cart\r\r")
    terminal.await_event("landed", 3)
    terminal.see("Kill('cart') active")
    terminal.type("\x03")
    assert terminal.end() == 130
    terminal.see("nothing is injected any more\nCtrl-C\n", within=1.0)
    assert terminal.mode() == terminal.before
    assert client.api.containers(all=True, filters=label) == []
    assert client.api.networks(filters=label) == []
    assert not run.exists()
    record = terminal.record()
    jsonschema.validate(record, json.loads(SCHEMA_PATH.read_text()))
    assert [each["text"] for each in record["notes"]] == ["košíky čekají x"]
    assert [each["text"] for each in record["questions"]] == ["Why does it take so long?"]
    assert [each["faults"] for each in record["steps"]] == [
        ["CutLink('shop→cart')"],
        ["Pause('cart')"],
        ["Kill('cart')"],
    ]
    assert all(each["gone"] is not None for each in record["steps"])
    assert [each["stopped_by"] for each in record["steps"]] == ["carts fail", "key", "end"]
    assert record["ended_at"] is not None
    for step in record["steps"]:
        assert (terminal.folder / "out" / step["journal"]).is_file()
