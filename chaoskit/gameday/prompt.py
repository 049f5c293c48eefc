"""A fault in one line, as people type it: ``CacheLoss cache how=kill``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, get_args, get_origin, get_type_hints

import yaml

from chaoskit.errors import ChaoskitError, UsageError
from chaoskit.faults.base import Fault
from chaoskit.gameday.writing import build, choices, kinds
from chaoskit.runtime import Runtime

_OPEN, _CLOSE, _QUOTES = "{[(", "}])", "'\""


def parse(line: str) -> Fault:
    """The fault that a line describes: its name, then values in the order of its fields, or by name.

    A value is YAML, so a queue is ``queue={RedisList: {component: queue, key: jobs}}``.

    Raises:
        UsageError: with what there is instead.
    """
    words = _words(line)
    if not words:
        raise UsageError(f"name a fault; there are {', '.join(kinds())}")
    name, *rest = words
    kind = kinds().get(name)
    if kind is None:
        raise UsageError(f"there is no fault {name!r}; there are {', '.join(kinds())}")
    names = list(choices(kind))
    given: dict[str, object] = {}
    for position, word in enumerate(rest):
        key, equals, text = word.partition("=")
        if not (equals and key.isidentifier()):
            if position >= len(names):
                raise UsageError(f"{name} has no field for {word!r}; there are {', '.join(names)}")
            key, text = names[position], word
        try:
            given[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageError(f"{word!r} cannot be read as a value") from error
    fault, mistakes = build({name: given})
    if fault is None:
        raise UsageError("; ".join(each.says for each in mistakes))
    return fault


def _words(line: str) -> list[str]:
    """Split at blanks that are in no brackets and no quotes."""
    words, word, depth, quote = [], "", 0, ""
    for character in line.strip():
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        if character.isspace() and depth <= 0 and not quote:
            if word:
                words.append(word)
            word = ""
        else:
            word += character
    return [*words, word] if word else words


def fitting(runtime: Runtime) -> Iterator[str]:
    """Lines that fit this system: each fault that needs but one name, with each name that it fits.

    Looks at the running system, so it may take its time.
    """
    components = [each.name for each in runtime.components]
    links = dict.fromkeys(f"{each.consumer}→{each.provider}" for each in runtime.links)
    for name, kind in kinds().items():
        first, *others = choices(kind).values()
        if any(each.default is each.default_factory for each in others):
            continue  # more than one field without a default
        for target in links if first.name == "link" else components:
            fault, _ = build({name: {first.name: target}})
            try:
                if fault is not None and not fault.misfits(runtime):
                    yield f"{name} {target}"
            except ChaoskitError:
                continue


def complete(typed: str, lines: Sequence[str]) -> tuple[str, ...]:
    """What a line may become: whole lines that fit, then fields and their choices."""
    if not typed.strip():
        return tuple(kinds())
    name, blank, _ = typed.partition(" ")
    kind = kinds().get(name)
    if kind is None or not blank:
        return tuple(each for each in kinds() if each.lower().startswith(typed.lower()))
    known = tuple(each for each in lines if each.startswith(typed))
    if known and known != (typed,):
        return known
    before, _, last = typed.rpartition(" ")
    hints = get_type_hints(kind)
    written = {word.partition("=")[0] for word in before.split()[1:]}
    options = []
    for field in list(choices(kind))[1:]:
        if field in written:
            continue
        hint = hints[field]
        literal = (
            hint
            if get_origin(hint) is Literal
            else next((each for each in get_args(hint) if get_origin(each) is Literal), None)
        )
        options += [f"{field}={value}" for value in get_args(literal)] if literal else [f"{field}="]
    return tuple(f"{before} {each}" for each in options if each.startswith(last))
