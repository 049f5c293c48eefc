"""The one line that tells pytest which system is meant, in the file that pytest reads."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from chaoskit.errors import UsageError

SETTING = "chaos_system"
PYTESTS_OWN = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
"""Files that are pytest's even without a section for it."""

FILES = (*PYTESTS_OWN, "pyproject.toml", "tox.ini", "setup.cfg")
"""Where pytest looks in a folder, in this order. Source: its documentation, "Configuration"; the TOML
files and ``[tool.pytest]`` came with pytest 9.
"""


def with_system(there: Mapping[str, str], reference: str, *, force: bool = False) -> tuple[str, str]:
    """The file that gets the line, and its new text; all the rest of it stays as it is.

    Args:
        there: those of :data:`FILES` that exist, with their text.
        reference: the system, as ``module:attribute``.
        force: replace another system that is named already.

    Raises:
        UsageError: another system is named already; or the file cannot be read, or not be edited
            without changing more than this.
    """
    name = _which(there)
    before = there.get(name, "")
    named = _named(name, before)
    if named == reference:
        return name, before
    if named is not None and not force:
        raise UsageError(
            f"{SETTING} is set already",
            where=name,
            evidence=f"{SETTING} = {named}",
            remedy="--force replaces it; or --into another folder",
        )
    line = f'{SETTING} = "{reference}"' if name.endswith(".toml") else f"{SETTING} = {reference}"
    after = _edited(before, _header(name, before), line, replace=named is not None)
    if not _only_adds(name, before, after, reference):
        raise UsageError(
            "the ini file cannot be edited without changing more than one line",
            where=name,
            remedy=f"add {line} to [{_header(name, before)}] yourself, and run `chaoskit init` again",
        )
    return name, after


def _only_adds(name: str, before: str, after: str, reference: str) -> bool:
    """Whether a file says what it said before, and names the system."""
    try:
        return _named(name, after) == reference and _rest(name, after) == _rest(name, before)
    except UsageError:  # a table that stands there in another form cannot be begun again
        return False


def _which(there: Mapping[str, str]) -> str:
    """The file that pytest takes its settings from; where there is none, the one to write."""
    for name in FILES:
        if name in there and (name in PYTESTS_OWN or _section(name, there[name]) is not None):
            return name
    return "pyproject.toml" if "pyproject.toml" in there else "pytest.ini"


def _header(name: str, text: str) -> str:
    """The section for pytest in a file, as it stands there or would."""
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
    """pytest's settings in a file, or nothing where it has none."""
    return _at(_everything(name, text), _way(name, text))


def _named(name: str, text: str) -> str | None:
    value = (_section(name, text) or {}).get(SETTING)
    return None if value is None else str(value)


def _rest(name: str, text: str) -> dict[str, Any]:
    """All settings of a file but ours, and without the tables that then hold nothing."""
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
    """The text with the line as the first of its section, which is made at the end if need be."""
    end = "\r\n" if "\r\n" in text else "\n"
    if replace:
        return re.sub(rf"(?m)^{SETTING}\s*[=:][^\r\n]*", lambda _: line, text, count=1)
    found = re.search(rf"(?m)^[ \t]*\[[ \t]*{re.escape(header)}[ \t]*\][^\r\n]*(?:\r?\n|\Z)", text)
    if found:
        head = found.group() if found.group().endswith("\n") else found.group() + end
        return f"{text[: found.start()]}{head}{line}{end}{text[found.end() :]}"
    before = f"{text.rstrip()}{end}{end}" if text.strip() else ""
    return f"{before}[{header}]{end}{line}{end}"
