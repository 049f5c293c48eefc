"""YAML with the line on which each part stands, so that a mistake can be shown where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chaoskit.errors import UsageError

Place = tuple[str | int, ...]
"""The keys and numbers that lead to a part of a file."""


class Located:
    """A YAML file: its data, and where each part of it stands.

    Args:
        text: the file's text.
        name: what it is called in messages.

    Attributes:
        data: plain data, as ``yaml.safe_load`` makes it.
        twice: keys that stand in one mapping more than once, each with its place.

    Raises:
        UsageError: it is not YAML; with the line.
    """

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.twice: list[Place] = []
        self._lines: dict[Place, int] = {}
        try:
            loader = yaml.SafeLoader(text)
            root = loader.get_single_node()
            self.data = None if root is None else self._data(loader, root, ())
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            raise UsageError(
                "the file is not YAML",
                where=name + line,
                evidence=getattr(error, "problem", None) or str(error),
            ) from error

    @classmethod
    def read(cls, path: Path) -> Located:
        """Read a file.

        Raises:
            UsageError: it is not there, or not YAML.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            says = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError("the run book cannot be read", where=str(path), evidence=says) from error
        return cls(text, str(path))

    def where(self, place: Place) -> str:
        """``line 12, steps[0].fault``: the place, or the nearest part above it that is there."""
        known = place
        while known and known not in self._lines:
            known = known[:-1]
        path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in place).lstrip(".")
        return f"line {self._lines.get(known, 1)}" + (f", {path}" if path else "")

    def _data(self, loader: yaml.SafeLoader, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            found: dict[Any, Any] = {}
            for key_node, value in node.value:
                key = loader.construct_object(key_node, deep=True)
                below = (*place, key if isinstance(key, int) else str(key))
                if key in found:
                    self.twice.append(below)
                self._lines[below] = key_node.start_mark.line + 1
                found[key] = self._data(loader, value, below)
            return found
        if isinstance(node, yaml.SequenceNode):
            return [self._data(loader, each, (*place, number)) for number, each in enumerate(node.value)]
        return loader.construct_object(node, deep=True)
