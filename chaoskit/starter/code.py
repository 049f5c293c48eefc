"""Python as ``ruff format`` would leave it, at any line length from 88."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 88
"""Columns: the narrowest that the usual formatters ask for."""


def quoted(text: str) -> str:
    """A string literal, in the quotes that spare it most backslashes."""
    literal = json.dumps(text, ensure_ascii=False)
    return repr(text) if '"' in text and "'" not in text else literal


def comment(text: str, indent: str = "") -> list[str]:
    """A sentence or more as comment lines."""
    flat = " ".join(text.split())
    return textwrap.wrap(
        flat,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def docstring(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """One paragraph as a docstring, on one line where it fits."""
    flat = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    if len(indent) + len(flat) + 6 <= width:
        return [f'{indent}"""{flat}"""']
    room = min(width - len(indent) - 3, len(flat) - 1)  # two lines at least: quotes alone on one look lost
    first, *rest = textwrap.wrap(flat, room, break_on_hyphens=False)
    return [f'{indent}"""{first}', *(f"{indent}{line}" for line in rest), f'{indent}"""']


def listed(head: str, items: Sequence[str], tail: str, indent: str) -> list[str]:
    """``head[items]tail`` on one line where it fits, else an item a line with a comma at the end."""
    line = f"{indent}{head}[{', '.join(items)}]{tail}"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}{head}[", *(f"{indent}    {item}," for item in items), f"{indent}]{tail}"]


def commented(lines: Iterable[str]) -> list[str]:
    """Code as comments."""
    return [f"# {line}" if line else "#" for line in lines]
