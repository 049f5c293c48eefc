"""JSON of records with a million numbers, written and read piece by piece.

A number in a list takes 32 bytes in Python and in an ``array`` 8; text of a million of them made at
once takes more than all else that a run holds. So :func:`pieces` writes arrays too, a few thousand
numbers at a time, and :func:`parse` reads objects that hold nothing but columns of numbers as arrays.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

AT_ONCE: Final = 4096
"""Numbers of a column that are written at once."""

_READ_AT_ONCE: Final = 1 << 16
"""Bytes of a column that are read at once."""

_HELD_PLACE: Final = "0e730501"
"""A number that nobody writes: it stands for an object of columns until all else is read."""

_NEVER: Final = ("Infinity", "null")


def pieces(value: Any) -> Iterator[str]:
    """The JSON text of a value, in pieces that are small where the value is large.

    Joined they are what ``json.dumps(value, ensure_ascii=False, separators=(",", ":"))`` gives, if
    each ``array`` were a list, with ``None`` for what is infinite in it.
    """
    if isinstance(value, array):
        yield from _listed(value, lambda part: _plain(part.tolist()).replace(*_NEVER))
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
    """A list, or an array, so many of its values at a time."""
    before = "["
    for low in range(0, len(values), AT_ONCE):
        yield f"{before}{text(values[low : low + AT_ONCE])[1:-1]}"
        before = ","
    yield "]" if len(values) else "[]"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse(data: bytes, columns: Mapping[str, str]) -> Any:
    """The value of a JSON text.

    Args:
        data: the text, in UTF-8.
        columns: name → the type code of an ``array``. Wherever the text has an object of these
            names in this order, each with a list of nothing but numbers and ``null``, the lists come
            as arrays, with infinity for ``null``. One that does not fit into such an array stays a list.

    Raises:
        ValueError: it is no JSON, or not in UTF-8.
    """
    held: dict[str, Any] = {}
    rest, end = [], 0
    for found in _objects(columns).finditer(data):
        place = f"{_HELD_PLACE}{len(held)}"
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
    """Finds them. A quote within a text is written with a backslash, so what begins with ``{"`` and a
    name is no part of a text.
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
    while len(text) - low > _READ_AT_ONCE:
        high = text.rfind(b",", low, low + _READ_AT_ONCE)
        if high < 0:
            break
        yield text[low:high]
        low = high + 1
    yield text[low:]
