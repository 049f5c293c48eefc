"""The keyboard on a pseudo-terminal, and what keys do to a game day."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chaoskit.faults import Kill
from chaoskit.gameday.commands import Finish, Inject, Lift, Next
from chaoskit.gameday.keys import Keyboard, TerminalGone
from chaoskit.gameday.pressing import Pressing
from chaoskit.gameday.record import StepEntry
from tests.waiting import until


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal."""
    main, side = pty.openpty()
    yield main, side
    for each in (main, side):
        try:
            os.close(each)
        except OSError:
            continue  # the test has closed it


def keys(keyboard: Keyboard) -> list[str]:
    """All keys that were pressed."""
    found = []
    quiet = 0
    while quiet < 3:
        key = keyboard.read(0.05)
        quiet = quiet + 1 if key is None else 0
        found += [key] if key else []
    return found


def test_keys_come_one_by_one_whatever_their_bytes(terminal: tuple[int, int]) -> None:
    """A letter of several bytes is one key, an arrow is none, and ESC alone is one."""
    main, side = terminal
    with Keyboard(side) as keyboard:
        os.write(main, "nž €\r".encode() + b"\x1b[A\x1b[1;5C\x1bOP\x7f\t\x18")
        assert keys(keyboard) == ["n", "ž", "space", "€", "enter", "backspace", "tab", "ctrl-x"]
        os.write(main, "é".encode()[:1])
        assert keys(keyboard) == []
        os.write(main, "é".encode()[1:])
        assert keys(keyboard) == ["é"]
        os.write(main, b"\x1b")
        assert keys(keyboard) == ["escape"]


def test_the_terminal_is_restored(terminal: tuple[int, int]) -> None:
    """The terminal gets its old mode back, even after an exception."""
    _, side = terminal
    before = termios.tcgetattr(side)

    def fail() -> None:
        with Keyboard(side):
            assert termios.tcgetattr(side)[3] != before[3]
            assert termios.tcgetattr(side)[3] & termios.ISIG, "Ctrl-C stays a signal"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert termios.tcgetattr(side) == before


def test_a_closed_terminal_raises_terminal_gone(terminal: tuple[int, int]) -> None:
    """Reading from a terminal whose other end is closed raises an exception of its own."""
    main, side = terminal
    with Keyboard(side) as keyboard:
        os.close(main)
        with pytest.raises(TerminalGone):
            keyboard.read(1.0)


class Desk:
    """A day that writes down the commands it gets."""

    def __init__(self) -> None:
        self.phase, self.paused, self.said = "idle", False, ""
        self.afterwards = "removing the system"
        self.next_step: object = object()
        self.active: list[Any] = []
        self.asked: list[Any] = []
        self.record = SimpleNamespace(
            steps=[StepEntry(number=1, name="a", by="hand"), StepEntry(number=2, name="b", by="hand")]
        )

    def ask(self, command: object) -> None:
        self.asked.append(command)

    def note(self, text: str) -> None:
        self.asked.append(("note", text))

    def question(self, text: str) -> None:
        self.asked.append(("question", text))

    def decide(self, number: int, outcome: str) -> None:
        self.asked.append((number, outcome))

    def pause(self) -> None:
        self.paused = not self.paused

    def leave(self, why: str) -> None:
        self.asked.append(why)

    def stop(self, by: str, why: str) -> bool:
        self.asked.append(by)
        return True


def pressed(desk: Desk, *what: str, fitting: tuple[str, ...] = ()) -> Pressing:
    """Press keys; a text of several letters is typed letter by letter."""
    pressing = Pressing(desk, lambda: fitting)  # type: ignore[arg-type]
    for each in what:
        named = each in ("enter", "escape", "backspace", "tab", "space")
        for key in [each] if named else each:
            pressing.press("space" if key == " " else key)
    return pressing


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        (["space"], [Next()]),
        (["enter"], [Next()]),
        (["n", "slow žluť!", "enter"], [("note", "slow žluť!")]),
        (["n", "slox", "backspace", "w", "enter"], [("note", "slow")]),
        (["n", "never mind", "escape"], []),
        (["n", "enter"], []),
        (["?", "why?", "enter"], [("question", "why?")]),
        (["h", "ref", "enter"], [(2, "refuted")]),
        (["h", "confirmed 1", "enter"], [(1, "confirmed")]),
        (["h", "confirmed 7", "enter"], []),
        (["h", "nonsense", "enter"], []),
        (["i", "Kill cache", "enter", "all is well", "enter"], [Inject(Kill("cache"), "all is well")]),
        (["i", "CacheLoss", "enter"], []),
        (["q", "n", "enter"], []),
        (["q", "y", "enter"], [Finish()]),
        (["q", "x", "escape"], []),
        (["z"], []),
    ],
)  # fmt: skip
def test_keys_give_commands(what: list[str], asked: list[object]) -> None:
    """Each key does what the bottom line of the screen says, and Esc closes a prompt."""
    desk = Desk()
    pressed(desk, *what)
    assert desk.asked == asked


@pytest.mark.parametrize("key", ["x", "!", "ctrl-x"])
@pytest.mark.parametrize("phase", ["coming up", "before", "inject", "active", "recover", "judge"])
def test_the_key_that_lifts_everything_does_not_wait(key: str, phase: str) -> None:
    """Another thread lifts everything, at once and in every phase."""
    desk = Desk()
    desk.phase = phase
    Pressing(desk).press(key)  # type: ignore[arg-type]
    until(lambda: desk.asked == ["key"])


def test_one_of_several_faults_is_lifted_by_its_number() -> None:
    """With several faults the key asks for a number; a single fault needs none."""
    desk = Desk()
    first, second = SimpleNamespace(name="one"), SimpleNamespace(name="two")
    desk.active = [first]
    pressed(desk, "l")
    assert desk.asked == [Lift(first)]  # type: ignore[arg-type]
    desk.active = [first, second]
    pressed(desk, "l", "2", "enter")
    assert desk.asked[-1] == Lift(second)  # type: ignore[arg-type]
    assert "not a number from 1 to 2" in pressed(desk, "l", "3", "enter").message
    desk.active = []
    assert pressed(desk, "l").message == "nothing is injected"


def test_a_fault_is_completed_while_it_is_typed() -> None:
    """Tab adds what all completions have in common, and shows the completions."""
    fitting = ("CacheLoss cache", "Kill api", "Kill cache")
    pressing = pressed(Desk(), "i", "Cac", "tab", fitting=fitting)
    assert pressing.line is not None
    assert pressing.line.text == "CacheLoss"
    pressing = pressed(Desk(), "i", "Kill ", "tab", fitting=fitting)
    assert pressing.line is not None
    assert pressing.line.hints == ("Kill api", "Kill cache")


def test_keys_are_letters_while_a_line_is_typed() -> None:
    """An x in a note lifts nothing. Ctrl-X lifts everything, and the note stays."""
    desk = Desk()
    pressing = pressed(desk, "n", "max")
    pressing.press("ctrl-x")
    until(lambda: desk.asked == ["key"])
    pressing.press("enter")
    assert desk.asked == ["key", ("note", "max")]
