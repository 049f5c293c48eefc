"""The system of a command, and settings of the ini file, found as pytest finds them."""

from __future__ import annotations

import argparse
import configparser
import tomllib
from pathlib import Path
from typing import Any

from chaoskit.errors import UsageError
from chaoskit.system import System
from chaoskit.system.reference import load_system

_INI_FILES = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
_TOML_FILES = (
    ("pytest.toml", ("pytest",)),
    (".pytest.toml", ("pytest",)),
    ("pyproject.toml", ("tool", "pytest")),
    ("pyproject.toml", ("tool", "pytest", "ini_options")),
)


def find_system(named: str | None, root: Path) -> System:
    """The system of a command.

    Args:
        named: ``module:attribute``, a compose file, or ``None`` for the ini file's ``chaos_system``.
        root: the folder from which the search starts.

    Raises:
        UsageError: neither the user nor the ini file names a system, or the name leads to none.
    """
    found = configured(root, "chaos_system")
    reference = named or (found[0] if found else None)
    if not reference:
        raise UsageError(
            "no system is named",
            where=str(root),
            remedy="give module:attribute or a compose file, or set chaos_system in the ini file",
        )
    if reference.endswith((".yaml", ".yml")) or (root / reference).is_file():
        return System.from_compose((root / reference).resolve(), journeys=[])
    return load_system(reference, root)


def configured(root: Path, setting: str) -> tuple[str, Path] | None:
    """A setting as pytest finds it from ``root`` upwards, and the folder of the file that sets it."""
    for folder in (root, *root.parents):
        for name, section in _INI_FILES:
            parser = configparser.ConfigParser(interpolation=None)
            parser.read(folder / name)
            if parser.has_option(section, setting):
                return parser.get(section, setting), folder
        for name, way in _TOML_FILES:
            found: Any = {}
            if (folder / name).is_file():
                found = tomllib.loads((folder / name).read_text(encoding="utf-8"))
            for key in (*way, setting):
                found = found.get(key, {})
            if found:
                return str(found), folder
    return None


def system_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the system."""
    parser.add_argument(
        "system",
        nargs="?",
        help="the system, as module:attribute or a compose file; default: chaos_system of the ini file",
    )
