"""Docstrings as mkdocstrings reads them: the few habits of reStructuredText in them become Markdown."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`[~.]?([^`]+)`")
_SECTION = re.compile(r"(?:Args|Attributes|Raises|Returns|Yields):$")
_SEVERAL = re.compile(r" {4}(\w+(?:, \w+)+):\s*(.*)")


def markdown(text: str) -> str:
    """A docstring without roles and literal blocks, each name with an entry of its own.

    ``a, b: what they are`` is one entry of two names; the parser knows entries of one name only.
    """
    plain = re.sub(r"::$", ":", _ROLE.sub(r"`\1`", text).replace("``", "`"), flags=re.MULTILINE)
    lines: list[str] = []
    entries = False
    names: list[str] = []
    entry: list[str] = []

    def flush() -> None:
        for name in names or [""]:
            lines.extend([f"    {name}: {entry[0]}".rstrip(), *entry[1:]] if name else entry)
        names.clear()
        entry.clear()

    for line in plain.splitlines():
        if _SECTION.match(line):
            flush()
            entries = True
        elif line and not line.startswith(" "):
            flush()
            entries = False
        if entries and (several := _SEVERAL.match(line)):
            flush()
            names.extend(several[1].split(", "))
            entry.append(several[2])
        elif names and line.startswith(" " * 8):
            entry.append(line)
        else:
            flush()
            lines.append(line)
    flush()
    return "\n".join(lines)


class Markdown(griffe.Extension):
    """Rewrites each docstring as it is loaded."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """One object of the package."""
        if obj.docstring and not obj.is_module:
            obj.docstring.value = markdown(obj.docstring.value)

    def on_module(self, *, mod: griffe.Module, **_: Any) -> None:
        """A module: its docstring is for readers of the source."""
        mod.docstring = None

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """The package itself, of which no other hook is told."""
        pkg.docstring = None
