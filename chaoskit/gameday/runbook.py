"""A run book: the steps of a game day, and what people expect of each.

It is YAML, read with the line of each part, so that every mistake is shown with its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chaoskit.errors import UsageError
from chaoskit.faults.base import Fault
from chaoskit.gameday.conditions import ANY_JOURNEY, MEASURES, Condition, Measure
from chaoskit.gameday.writing import build

DEFAULT_ACTIVE = 10.0
"""Seconds that the faults of a step are active if the step does not say."""

Place = tuple[str | int, ...]
"""The keys and indices that lead to a part of a file."""


class Located:
    """A YAML file: its data, and the line of each part.

    Args:
        text: the file's text.
        name: its name in messages.

    Attributes:
        data: plain data, as ``yaml.safe_load`` returns it.
        twice: the places of keys that occur twice in one mapping.

    Raises:
        UsageError: it is not YAML; the error has the line.
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
            UsageError: it does not exist, cannot be read, or is not YAML.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            says = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise UsageError("the run book cannot be read", where=str(path), evidence=says) from error
        return cls(text, str(path))

    def where(self, place: Place) -> str:
        """A place as ``line 12, steps[0].fault``; a missing part has the line of the part above it."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        name: its name.
        faults: the faults, injected one after the other, active together, and lifted in reverse order.
        hypothesis: what people expect to see.
        active: seconds from when all faults have landed until they are lifted; ``None`` until a person
            lifts them.
        auto: whether it starts by itself when the step before it is over.
    """

    name: str
    faults: tuple[Fault, ...]
    hypothesis: str = ""
    active: float | None = DEFAULT_ACTIVE
    auto: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBook:
    """The plan of a game day.

    Attributes:
        title: its title.
        system: ``module:attribute`` of the system; ``None`` leaves it to the command line.
        stop: the stop conditions.
        steps: the steps, in their order.
        path: the file; ``None`` if there is none.
    """

    title: str = "Game day"
    system: str | None = None
    stop: tuple[Condition, ...] = ()
    steps: tuple[Step, ...] = ()
    path: Path | None = None


def read(path: Path) -> RunBook:
    """Read a run book.

    Raises:
        UsageError: the file has mistakes; the error names each with its line.
    """
    return _Reader(Located.read(path)).book(path)


def parse(text: str, name: str = "run book") -> RunBook:
    """A run book from its text; see :func:`read`."""
    return _Reader(Located(text, name)).book(None)


def unknown_journeys(book: RunBook, journeys: Iterable[str]) -> None:
    """Check the journeys of the stop conditions.

    Raises:
        UsageError: a condition is about a journey that the system does not have.
    """
    known = list(journeys)
    wrong = [each for each in book.stop if each.journey not in (ANY_JOURNEY, *known)]
    if wrong:
        raise UsageError(
            "a stop condition is about a journey that the system does not have",
            where=str(book.path) if book.path else None,
            evidence="\n".join(f"{each.text}: there is no journey {each.journey!r}" for each in wrong),
            remedy=f"the journeys are {', '.join(known)}; '*' stands for any",
        )


class _Reader:
    def __init__(self, file: Located) -> None:
        self._file = file
        self._mistakes: list[str] = [
            f"{file.where(place)}: {place[-1]!r} occurs twice" for place in file.twice
        ]

    def book(self, path: Path | None) -> RunBook:
        data = self._mapping(self._file.data, (), ("title", "system", "stop", "steps"))
        title = self._text(data, (), "title", "Game day")
        system = self._text(data, (), "system", "")
        stop = [self._condition(each, at) for each, at in self._list(data, "stop")]
        steps = [
            self._step(each, at, number) for number, (each, at) in enumerate(self._list(data, "steps"), 1)
        ]
        if self._mistakes:
            count = len(self._mistakes)
            raise UsageError(
                f"the run book has {count} mistake{'s' if count != 1 else ''}",
                where=self._file.name,
                evidence="\n".join(f"- {each}" for each in self._mistakes),
                remedy="correct them; nothing was started",
            )
        return RunBook(
            title=title,
            system=system or None,
            stop=tuple(each for each in stop if each),
            steps=tuple(each for each in steps if each),
            path=path,
        )

    def _condition(self, given: Any, at: Place) -> Condition | None:
        data = self._mapping(given, at, ("name", "journey", "over", "least", *MEASURES))
        if not isinstance(given, Mapping):
            return None
        found: list[Measure] = [each for each in MEASURES if each in data]
        if len(found) != 1:
            said = f"has {', '.join(found)}" if found else "has no measure"
            self._wrong(at, f"a stop condition {said}; it needs exactly one of {', '.join(MEASURES)}")
            return None
        (measure,) = found
        bound = self._number(data, at, measure, 0.0)
        if measure == "availability_below" and not 0 < bound <= 1:
            self._wrong((*at, measure), f"{bound:g} is not a share: it must be above 0 and at most 1")
        elif bound <= 0 and measure != "failures_per_s_above":
            self._wrong((*at, measure), f"it is {bound:g}, but must be above 0")
        over = self._number(data, at, "over", 5.0)
        if not over > 0:
            self._wrong((*at, "over"), f"it is {over:g}, but must be above 0 seconds")
        least = self._number(data, at, "least", 10)
        if least < 2 or least != int(least):
            self._wrong(
                (*at, "least"),
                f"it is {least:g}, but must be a whole number from 2 on: one request decides nothing",
            )
        return Condition(
            name=self._text(data, at, "name", ""),
            measure=measure,
            bound=bound,
            journey=self._text(data, at, "journey", ANY_JOURNEY),
            over=over,
            least=int(least),
        )

    def _step(self, given: Any, at: Place, number: int) -> Step | None:
        keys = ("name", "hypothesis", "fault", "faults", "active", "advance")
        data = self._mapping(given, at, keys)
        if not isinstance(given, Mapping):
            return None
        written: list[tuple[Any, Place]] = []
        if "fault" in data:
            written.append((data["fault"], (*at, "fault")))
        several = data.get("faults", [])
        if not isinstance(several, Sequence) or isinstance(several, str):
            self._wrong((*at, "faults"), "must be a list of faults")
        else:
            written += [(each, (*at, "faults", index)) for index, each in enumerate(several)]
        if not written:
            self._wrong(at, "a step needs a fault, or faults that are active together")
        faults = []
        for each, place in written:
            fault, mistakes = build(each)
            for mistake in mistakes:
                self._wrong((*place, *mistake.at), mistake.says)
            faults += [fault] if fault else []
        active: float | None = DEFAULT_ACTIVE
        if data.get("active") == "until lifted":
            active = None
        elif "active" in data:
            active = self._number(data, at, "active", DEFAULT_ACTIVE, ", nor 'until lifted'")
            if not active > 0:
                self._wrong((*at, "active"), f"it is {active:g}, but must be above 0 seconds")
        advance = self._text(data, at, "advance", "key")
        if advance not in ("key", "auto"):
            self._wrong((*at, "advance"), f"{advance!r} is neither 'key' (wait for a key) nor 'auto'")
        default = faults[0].name if faults else f"step {number}"
        return Step(
            name=self._text(data, at, "name", default),
            faults=tuple(faults),
            hypothesis=self._text(data, at, "hypothesis", ""),
            active=active,
            auto=advance == "auto",
        )

    def _wrong(self, at: Place, says: str) -> None:
        self._mistakes.append(f"{self._file.where(at)}: {says}")

    def _mapping(self, given: Any, at: Place, keys: Sequence[str]) -> Mapping[str, Any]:
        if not isinstance(given, Mapping):
            self._wrong(at, f"must be a mapping with {', '.join(keys)}")
            return {}
        for key in given:
            if key not in keys:
                self._wrong((*at, str(key)), f"there is no {key!r} here; the keys are {', '.join(keys)}")
        return given

    def _list(self, data: Mapping[str, Any], key: str) -> list[tuple[Any, Place]]:
        given = data.get(key)
        if given is None:
            return []
        if not isinstance(given, Sequence) or isinstance(given, str):
            self._wrong((key,), "must be a list")
            return []
        return [(each, (key, number)) for number, each in enumerate(given)]

    def _text(self, data: Mapping[str, Any], at: Place, key: str, default: str) -> str:
        given = data.get(key, default)
        if not isinstance(given, str):
            self._wrong((*at, key), f"{given!r} is not text")
            return default
        return given.strip()

    def _number(self, data: Mapping[str, Any], at: Place, key: str, default: float, other: str = "") -> float:
        given = data.get(key, default)
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            self._wrong((*at, key), f"{given!r} is not a number{other}")
            return default
        return float(given)
