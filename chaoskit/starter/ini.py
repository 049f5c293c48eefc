"""The one line that names the system, in the file that pytest reads its settings from."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from chaoskit.errors import UsageError

SETTING = "chaos_system"
PYTEST_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
"""Files that pytest reads even if they have no section for it."""

INI_FILES = (*PYTEST_FILES, "pyproject.toml", "tox.ini", "setup.cfg")
"""Where pytest looks in a folder, in this order. Source: its documentation, "Configuration"; the TOML
files and ``[tool.pytest]`` came with pytest 9.
"""


def with_system(there: Mapping[str, str], reference: str, *, force: bool = False) -> tuple[str, str]:
    """The file that gets the line, and its new text. The rest of the file stays as it is.

    Args:
        there: the files of :data:`INI_FILES` that exist, with their text.
        reference: the system, as ``module:attribute``.
        force: replace the name of another system.

    Raises:
        UsageError: the file names another system already, cannot be read, or cannot be edited without
            changing more than this line.
    """
    name = _which(there)
    before = there.get(name, "")
    named = _named(name, before)
    if named == reference:
        return name, before
    if named is not None and not force:
        raise UsageError(
            f"{SETTING} names another system already",
            where=name,
            evidence=f"{SETTING} = {named}",
            remedy="--force replaces it; --into DIR writes elsewhere",
        )
    line = f'{SETTING} = "{reference}"' if name.endswith(".toml") else f"{SETTING} = {reference}"
    after = _edited(before, _header(name, before), line, replace=named is not None)
    if not _only_adds(name, before, after, reference):
        raise UsageError(
            "the ini file cannot be edited without changing more than one line",
            where=name,
            remedy=f"add {line} to [{_header(name, before)}] by hand, and run `chaoskit init` again",
        )
    return name, after


def _only_adds(name: str, before: str, after: str, reference: str) -> bool:
    """Whether the new text names the system and has all other settings unchanged."""
    try:
        return _named(name, after) == reference and _rest(name, after) == _rest(name, before)
    except UsageError:  # its table is written in another form, and cannot have a second header
        return False


def _which(there: Mapping[str, str]) -> str:
    """The file that pytest takes its settings from, or the file to write if there is none."""
    for name in INI_FILES:
        if name in there and (name in PYTEST_FILES or _section(name, there[name]) is not None):
            return name
    return "pyproject.toml" if "pyproject.toml" in there else "pytest.ini"


def _header(name: str, text: str) -> str:
    """The name of pytest's section in a file, whether it exists or not."""
    if name == "setup.cfg":
        return "tool:pytest"
    if name != "pyproject.toml":
        return "pytest"
    native = _at(_everything(name, text), ("tool", "pytest")) or {}
    return "tool.pytest" if set(native) - {"ini_options"} else "tool.pytest.ini_options"


def _way(name: str, text: str) -> tuple[str, ...]:
    header = _header(name, text)
    return tuple(header.split(".")) if name.endswith(".toml") else (header,)


def _at(settings: Any, way: Sequence[str]) -> dict[str, Any] | None:
    for key in way:
        settings = settings.get(key) if isinstance(settings, dict) else None
    return settings if isinstance(settings, dict) else None


def _section(name: str, text: str) -> dict[str, Any] | None:
    """pytest's settings in a file; ``None`` if it has none."""
    return _at(_everything(name, text), _way(name, text))


def _named(name: str, text: str) -> str | None:
    value = (_section(name, text) or {}).get(SETTING)
    return None if value is None else str(value)


def _rest(name: str, text: str) -> dict[str, Any]:
    """All settings of a file except this one, without tables that are empty then."""
    everything, way = _everything(name, text), _way(name, text)
    (_at(everything, way) or {}).pop(SETTING, None)
    for depth in range(len(way), 0, -1):
        above = _at(everything, way[: depth - 1])
        if above is not None and above.get(way[depth - 1]) == {}:
            del above[way[depth - 1]]
    return everything


def _everything(name: str, text: str) -> dict[str, Any]:
    try:
        if name.endswith(".toml"):
            return tomllib.loads(text)
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        return {section: dict(parser.items(section)) for section in parser.sections()}
    except (tomllib.TOMLDecodeError, configparser.Error) as error:
        raise UsageError("the ini file cannot be read", where=name, evidence=str(error)) from None


def _edited(text: str, header: str, line: str, *, replace: bool) -> str:
    """The text with the line as the first of its section. A missing section is added at the end."""
    end = "\r\n" if "\r\n" in text else "\n"
    if replace:
        return re.sub(rf"(?m)^{SETTING}\s*[=:][^\r\n]*", lambda _: line, text, count=1)
    found = re.search(rf"(?m)^[ \t]*\[[ \t]*{re.escape(header)}[ \t]*\][^\r\n]*(?:\r?\n|\Z)", text)
    if found:
        head = found.group() if found.group().endswith("\n") else found.group() + end
        return f"{text[: found.start()]}{head}{line}{end}{text[found.end() :]}"
    before = f"{text.rstrip()}{end}{end}" if text.strip() else ""
    return f"{before}[{header}]{end}{line}{end}"
