"""Faults written as data: ``{CacheLoss: {component: cache, how: kill}}``."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from chaoskit import faults
from chaoskit.faults.base import Fault

NOT_AS_DATA = frozenset({"CallableQueue"})
"""Classes that hold functions, which cannot be written as data."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in data.

    Attributes:
        at: the keys that lead to it.
        says: what is wrong, and what is possible.
    """

    at: tuple[str | int, ...]
    says: str


@cache
def kinds(base: type = Fault) -> Mapping[str, type]:
    """Name → public fault that can be written as data; with another ``base``, such as queues, its classes."""
    found: dict[str, Any] = {name: getattr(faults, name) for name in sorted(faults.__all__)}
    return {
        name: kind
        for name, kind in found.items()
        if isinstance(kind, type)
        and is_dataclass(kind)
        and issubclass(kind, base)
        and not inspect.isabstract(kind)
        and name not in NOT_AS_DATA
    }


def choices(kind: type) -> dict[str, Field[Any]]:
    """Name → field that a user may write."""
    hints = get_type_hints(kind)
    return {each.name: each for each in fields(kind) if each.init and _writable(hints[each.name])}


def build(data: object) -> tuple[Fault | None, list[Mistake]]:
    """The fault that data describes, or all mistakes in it."""
    made, mistakes = _make(data, Fault, "fault")
    assert made is None or isinstance(made, Fault)
    return made, mistakes


def _make(data: object, base: type, word: str) -> tuple[object | None, list[Mistake]]:
    known = kinds(base)
    example = f"a {word} is written as {{Name: {{field: value}}}}; the {word}s are {', '.join(known)}"
    if isinstance(data, str):
        data = {data: {}}
    if not isinstance(data, Mapping) or len(data) != 1:
        return None, [Mistake((), example)]
    ((name, given),) = data.items()
    kind = known.get(str(name))
    if kind is None:
        return None, [
            Mistake((str(name),), f"there is no {word} {name!r}; the {word}s are {', '.join(known)}")
        ]
    open_to = choices(kind)
    if given is None:
        given = {}
    if not isinstance(given, Mapping):  # {Kill: cache}
        given = {next(iter(open_to)): given}
    names = ", ".join(open_to)
    mistakes = [
        Mistake((str(name), str(key)), f"{name} has no field {key!r}; its fields are {names}")
        for key in given
        if str(key) not in open_to
    ]
    hints = get_type_hints(kind)
    values: dict[str, object] = {}
    for key, field in open_to.items():
        if key not in given:
            if field.default is MISSING and field.default_factory is MISSING:
                mistakes.append(Mistake((str(name),), f"{name} needs {key}"))
            continue
        values[key], wrong = _value(given[key], hints[key])
        mistakes += [Mistake((str(name), key, *each.at), each.says) for each in wrong]
    if mistakes:
        return None, mistakes
    try:
        return kind(**values), []
    except (TypeError, ValueError) as error:
        return None, [Mistake((str(name),), str(error))]


def _value(given: object, hint: Any) -> tuple[object, list[Mistake]]:
    """A field's value by its type, or the mistakes in it."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    tried: list[Mistake] = []
    for option in options:
        made, wrong = _one(given, option)
        if not wrong:
            return made, []
        if wrong[0].says:
            tried = tried or wrong
    wanted = " or ".join(word for option in options if (word := _word(option)))
    return None, tried or [Mistake((), f"{given!r} is not {wanted}")]


def _one(given: object, option: Any) -> tuple[object, list[Mistake]]:
    no = [Mistake((), "")]
    if option is None or option is type(None):
        return None, [] if given is None else no
    if get_origin(option) is Literal:
        return given, [] if given in get_args(option) else no
    if option in (bool, str):
        return given, [] if isinstance(given, option) else no
    if option in (int, float):
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
            return None, no
        if option is int and given != int(given):
            return None, no
        return option(given), []
    if get_origin(option) in (Mapping, dict) or option is Mapping:
        if not isinstance(given, Mapping):
            return None, no
        return {str(key): str(value) for key, value in given.items()}, []
    if kinds(option):
        return _make(given, option, option.__name__.lower())
    return None, no


def _writable(hint: Any) -> bool:
    options: Iterable[Any] = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return any(_word(option) not in ("", "nothing") for option in options)


def _word(option: Any) -> str:
    """The word for a type in messages; empty for a type that cannot be written as data."""
    if option is None or option is type(None):
        return "nothing"
    if get_origin(option) is Literal:
        return "one of " + ", ".join(map(str, get_args(option)))
    if get_origin(option) in (Mapping, dict) or option is Mapping:
        return "a mapping"
    words: dict[Any, str] = {bool: "true or false", str: "text", int: "a whole number", float: "a number"}
    if option in words:
        return words[option]
    if isinstance(option, type) and kinds(option):
        return f"a {option.__name__.lower()}"
    return ""
