"""Reading a record key by key, so that what is wrong with it is told with its path."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from chaoskit.errors import UsageError

T = TypeVar("T")

_LONGEST = 1e8
"""Seconds; no game day lasts three years."""


class Fields:
    """One object of a record.

    Args:
        value: the object, as JSON has it.
        file: the record's file.
        at: where in it, as in ``steps[2]``; empty for the whole.

    Raises:
        UsageError: it is no object. Every method raises it, too, for what is missing or of another kind.
    """

    def __init__(self, value: Any, file: Path, at: str = "") -> None:
        self.file, self._at = file, at
        if not isinstance(value, Mapping):
            raise self.wrong("it is no object", value)
        self._value = value

    def wrong(self, why: str, value: Any, key: str = "") -> UsageError:
        """The error that says what is wrong with the record, and where."""
        at = ".".join(part for part in (self._at, key) if part) or "the record"
        shown = repr(value)
        return UsageError(
            "this is not the record of a game day that this chaoskit knows",
            where=str(self.file),
            evidence=f"{at}: {why}: {shown[:120]}{'…' if len(shown) > 120 else ''}",
            remedy="report the folder as the game day left it, with the chaoskit that held it",
        )

    def has(self, key: str) -> bool:
        """Whether there is something under the key."""
        return self._value.get(key) is not None

    def text(self, key: str, otherwise: str | None = None) -> str:
        """A text; where there is none, ``otherwise``."""
        if otherwise is not None and not self.has(key):
            return otherwise
        value = self._get(key)
        if not isinstance(value, str):
            raise self.wrong("it is no text", value, key)
        return _sound(value)

    def number(self, key: str) -> float:
        """A finite number."""
        return self._number(self._get(key), key)

    def moment(self, key: str) -> float:
        """Seconds from the day's origin."""
        value = self.number(key)
        if abs(value) > _LONGEST:
            raise self.wrong("it is no moment of a game day, in seconds from its origin", value, key)
        return value

    def whole(self, key: str) -> int:
        """A whole number."""
        value = self.number(key)
        if value != int(value):
            raise self.wrong("it is no whole number", value, key)
        return int(value)

    def maybe(self, read: Callable[[str], T], key: str) -> T | None:
        """What ``read`` reads, or ``None`` where there is nothing."""
        return read(key) if self.has(key) else None

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self.wrong("it is neither true nor false", value, key)
        return value

    def choice(self, key: str, choices: Mapping[str, T]) -> T:
        """One of several words, as what it stands for."""
        value = self.text(key)
        if value not in choices:
            raise self.wrong(f"it is none of {', '.join(choices)}", value, key)
        return choices[value]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; an absent one is empty."""
        values = self._list(key)
        if not all(isinstance(each, str) for each in values):
            raise self.wrong("it is no list of texts", values, key)
        return tuple(map(_sound, values))

    def counts(self, key: str) -> tuple[int, ...]:
        """A column of counts."""
        values = [self._number(each, key) for each in self._list(key)]
        if any(each < 0 or each != int(each) for each in values):
            raise self.wrong("it is no column of counts", values, key)
        return tuple(map(int, values))

    def figures(self, key: str) -> tuple[float | None, ...]:
        """A column of numbers, some of which are not known."""
        return tuple(None if each is None else self._number(each, key) for each in self._list(key))

    def object(self, key: str) -> Fields:
        """An object within."""
        return Fields(self._get(key), self.file, f"{self._at}.{key}".lstrip("."))

    def objects(self, key: str) -> list[Fields]:
        """A list of objects; an absent one is empty."""
        at = f"{self._at}.{key}".lstrip(".")
        return [Fields(each, self.file, f"{at}[{number}]") for number, each in enumerate(self._list(key))]

    def named(self, key: str) -> dict[str, Fields]:
        """Objects by their names."""
        within = self.object(key)
        return {_sound(str(name)): within.object(name) for name in within._value}

    def _get(self, key: str) -> Any:
        if key not in self._value:
            raise self.wrong("it is missing", None, key)
        return self._value[key]

    def _list(self, key: str) -> list[Any]:
        values = self._value.get(key)
        if values is None:
            return []
        if not isinstance(values, list):
            raise self.wrong("it is no list", values, key)
        return values

    def _number(self, value: Any, key: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise self.wrong("it is no number", value, key)
        return value


def _sound(text: str) -> str:
    """Text that a file can hold: half a character, which JSON allows, is a question mark."""
    return text.encode("utf-8", "replace").decode()
