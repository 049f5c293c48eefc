"""JSON of records with a million numbers, written and read piece by piece.

A number takes 32 bytes in a list and 8 in an ``array``, and the text of a million numbers made at once
takes more memory than everything else in a run. So :func:`pieces` writes arrays too, a few thousand
numbers at a time, and :func:`parse` reads objects that hold only columns of numbers as arrays.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

WRITTEN_NUMBERS: Final = 4096
"""The most numbers of a column in one piece of text."""

_READ_BYTES: Final = 1 << 16
"""The most bytes of a column that are parsed at once."""

_PLACEHOLDER: Final = "0e730501"
"""The start of a number that no text holds. It stands for an object of columns until the rest is read."""

_NULL_FOR_INFINITY: Final = ("Infinity", "null")


def pieces(value: Any) -> Iterator[str]:
    """The JSON text of a value, in pieces that stay small where the value is large.

    Joined, the pieces are the text of ``json.dumps(value, ensure_ascii=False, separators=(",", ":"))`` with a
    list for each ``array`` and ``None`` for each infinite number in it.
    """
    if isinstance(value, array):
        yield from _listed(value, lambda part: _plain(part.tolist()).replace(*_NULL_FOR_INFINITY))
    elif isinstance(value, list):
        yield from _listed(value, _plain)
    elif isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        before = "{"
        for key, each in value.items():
            yield f"{before}{_plain(key)}:"
            yield from pieces(each)
            before = ","
        yield "}" if value else "{}"
    else:
        yield _plain(value)


def _listed(values: Any, text: Callable[[Any], str]) -> Iterator[str]:
    """The text of a list or an array, some of its values at a time."""
    before = "["
    for low in range(0, len(values), WRITTEN_NUMBERS):
        yield f"{before}{text(values[low : low + WRITTEN_NUMBERS])[1:-1]}"
        before = ","
    yield "]" if len(values) else "[]"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse(data: bytes, columns: Mapping[str, str]) -> Any:
    """The value of a JSON text.

    Args:
        data: the text, in UTF-8.
        columns: name → the type code of an ``array``. Wherever the text has an object with these names in
            this order, each with a list of only numbers and ``null``, the lists become arrays, with infinity
            for ``null``. A list that does not fit into its array stays a list.

    Raises:
        ValueError: the text is not JSON, or not UTF-8.
    """
    held: dict[str, Any] = {}
    rest, end = [], 0
    for found in _objects(columns).finditer(data):
        place = f"{_PLACEHOLDER}{len(held)}"
        texts = zip(columns.items(), found.groups(), strict=True)
        held[place] = {name: _column(text, code) for (name, code), text in texts}
        rest += [data[end : found.start()], place.encode()]
        end = found.end()
    rest.append(data[end:])

    def number(text: str) -> Any:
        known = held.get(text)
        return float(text) if known is None else known

    return json.loads(b"".join(rest).decode("utf-8"), parse_float=number)


def _objects(columns: Mapping[str, str]) -> re.Pattern[bytes]:
    """Finds the objects of columns. A quote inside a text is written with a backslash, so ``{"`` and a name
    never begin inside a text.
    """
    fields = (rb'"%b"\s*:\s*\[([-+0-9.eE\s,nul]*+)\]\s*' % re.escape(name).encode() for name in columns)
    return re.compile(rb"\{\s*" + rb",\s*".join(fields) + rb"\}")


def _column(text: bytes, code: str) -> Sequence[float | None]:
    found = array(code)
    try:
        for part in _parts(text):
            numbers = json.loads(b"[%b]" % (part.replace(b"null", b"Infinity") if code == "d" else part))
            found.extend(numbers)
    except (OverflowError, TypeError):
        plain: list[float | None] = json.loads(b"[%b]" % text)
        return plain
    return found


def _parts(text: bytes) -> Iterator[bytes]:
    low = 0
    while len(text) - low > _READ_BYTES:
        high = text.rfind(b",", low, low + _READ_BYTES)
        if high < 0:
            break
        yield text[low:high]
        low = high + 1
    yield text[low:]
