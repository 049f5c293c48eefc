"""The keyboard, one key at a time, and a line of text that is typed while the screen stays live."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from types import TracebackType
from typing import Any, Self

ESCAPE_WITHIN = 0.05
"""Seconds after which ESC alone is the key, and not the start of a sequence."""

LIFT_ALL_KEY = "ctrl-x"
"""The key that lifts everything even while text is typed, when ``x`` is a letter."""

_CLEAR_LINE = "\x15"  # Ctrl-U
_KEY_NAMES = {
    "\r": "enter",
    "\n": "enter",
    " ": "space",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\t": "tab",
    "\x18": LIFT_ALL_KEY,
}


class TerminalGone(Exception):
    """The terminal was closed, so no key can come any more."""


class Keyboard:
    """Reads keys from a terminal. As a context manager it restores the terminal, whatever happens.

    Ctrl-C stays a signal. Ctrl-S, Ctrl-Z and the quit key lose their effect, since a game day that is frozen,
    suspended or dead could lift nothing.

    Args:
        fd: the file descriptor of the terminal.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._pending: list[str] = []
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._fd)
        mode = termios.tcgetattr(self._fd)
        mode[0] &= ~(termios.IXON | termios.ICRNL)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        none = bytes([os.fpathconf(self._fd, "PC_VDISABLE") & 0xFF])
        mode[6][termios.VSUSP] = mode[6][termios.VQUIT] = none
        termios.tcsetattr(self._fd, termios.TCSADRAIN, mode)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            with contextlib.suppress(termios.error, OSError):  # the terminal may be gone
                termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
            self._before = None

    def read(self, timeout: float) -> str | None:
        """The next key: a character, or ``enter``, ``space``, ``backspace``, ``tab``, ``escape``, ``ctrl-x``;
        ``None`` if no key came in so many seconds. Arrows and similar keys are ignored.

        Raises:
            TerminalGone: the terminal was closed.
        """
        if not self._pending and not self._fill(timeout):
            return None
        key = self._pending.pop(0)
        if key == "\x1b":
            if not self._pending:
                self._fill(ESCAPE_WITHIN)
            if not self._pending:
                return "escape"
            self._skip()
            return self.read(0.0)
        return _KEY_NAMES.get(key, key if key.isprintable() or key == _CLEAR_LINE else None)

    def _fill(self, timeout: float) -> bool:
        try:
            ready, _, _ = select.select([self._fd], [], [], timeout)
            if not ready:
                return False
            data = os.read(self._fd, 1024)
        except OSError as error:
            raise TerminalGone from error
        if not data:
            raise TerminalGone
        self._pending += self._decoder.decode(data)
        return bool(self._pending)

    def _skip(self) -> None:
        """Skip the rest of an escape sequence: ``[`` or ``O``, parameters, and a final letter."""
        first = self._pending.pop(0)
        if first not in "[O":
            return
        while self._pending:
            if "@" <= self._pending.pop(0) <= "~":
                return


@dataclass(slots=True)
class TypedLine:
    """A line of text that a person types.

    Attributes:
        asks: the prompt.
        done: takes the text when Enter is pressed.
        complete: returns the completions of a text.
        text: what was typed so far.
        hints: the completions, if Tab was pressed.
    """

    asks: str
    done: Callable[[str], None]
    complete: Callable[[str], Sequence[str]] = lambda text: ()
    text: str = ""
    hints: Sequence[str] = field(default_factory=tuple)

    def press(self, key: str) -> bool:
        """Take a key; returns whether the line is still open."""
        if key == "escape":
            return False
        if key == "enter":
            self.done(self.text.strip())
            return False
        if key == "backspace":
            self.text = self.text[:-1]
        elif key == _CLEAR_LINE:
            self.text = ""
        elif key == "tab":
            self._tab()
            return True
        else:
            self.text += " " if key == "space" else key
        self.hints = self.complete(self.text) if self.hints else ()
        return True

    def _tab(self) -> None:
        self.hints = self.complete(self.text)
        if self.hints:
            low, high = min(self.hints), max(self.hints)
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
            if same > len(self.text):
                self.text = low[:same]
