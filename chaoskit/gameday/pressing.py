"""What each key does, and the fault in one line as a person types it: ``CacheLoss cache how=kill``.

Nothing here waits: another thread does everything that takes time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, get_args, get_origin, get_type_hints

import yaml

from chaoskit.errors import ChaoskitError, UsageError
from chaoskit.faults.base import Fault
from chaoskit.gameday.commands import Finish, Inject, Lift, Next
from chaoskit.gameday.day import Day
from chaoskit.gameday.keys import LIFT_ALL_KEY, TypedLine
from chaoskit.gameday.writing import build, choices, kinds
from chaoskit.runtime import Runtime

_OPEN, _CLOSE, _QUOTES = "{[(", "}])", "'\""


def parse(line: str) -> Fault:
    """The fault that a line describes: its name, then its values, in the order of the fields or by name.

    A value is YAML, so a queue is ``queue={RedisList: {component: queue, key: jobs}}``.

    Raises:
        UsageError: the line describes no fault; the error says what is possible.
    """
    words = _words(line)
    if not words:
        raise UsageError(f"name a fault: {', '.join(kinds())}")
    name, *rest = words
    kind = kinds().get(name)
    if kind is None:
        raise UsageError(f"there is no fault {name!r}; the faults are {', '.join(kinds())}")
    names = list(choices(kind))
    given: dict[str, object] = {}
    for position, word in enumerate(rest):
        key, equals, text = word.partition("=")
        if not (equals and key.isidentifier()):
            if position >= len(names):
                raise UsageError(f"{name} has no field for {word!r}; its fields are {', '.join(names)}")
            key, text = names[position], word
        try:
            given[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageError(f"{word!r} is not a value in YAML") from error
    fault, mistakes = build({name: given})
    if fault is None:
        raise UsageError("; ".join(each.says for each in mistakes))
    return fault


def _words(line: str) -> list[str]:
    """Split at spaces outside of brackets and quotes."""
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
    """Lines that fit this system: each fault that needs only one name, with each name that it fits.

    It looks at the running system, so it may take some time.
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
    """The completions of a line: whole lines that fit, then fields and their choices."""
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


Decision = Literal["confirmed", "refuted", "open"]


class Pressing:
    """Carries out the keys that are pressed on a game day.

    Args:
        day: the game day.
        fitting: returns the lines that fit the system, for completion; they may grow.

    Attributes:
        line: the line that is being typed; ``None`` if there is none.
        message: the answer to the last key.
    """

    def __init__(self, day: Day, fitting: Callable[[], tuple[str, ...]] = lambda: ()) -> None:
        self.day = day
        self.line: TypedLine | None = None
        self.message = ""
        self._fitting = fitting
        self._keys: dict[str, Callable[[], None]] = {
            "space": self._next,
            "enter": self._next,
            "i": self._inject,
            "l": self._lift,
            "x": self._stop,
            "!": self._stop,
            "n": lambda: self._write("note", self.day.note),
            "?": lambda: self._write("question", self.day.question),
            "h": self._hypothesis,
            "p": self.day.pause,
            "q": self._quit,
        }

    def press(self, key: str) -> None:
        """Carry out one key."""
        if key == LIFT_ALL_KEY:
            self._stop()
            return
        if self.line is not None:
            line = self.line
            if not line.press(key) and self.line is line:  # unless the answer has opened another line
                self.line = None
            return
        self.message = ""
        self._keys.get(key, lambda: None)()

    def _next(self) -> None:
        day = self.day
        if day.phase not in ("idle", "active"):
            self.message = f"not in this phase: {day.phase}"
        elif day.phase == "idle" and day.next_step is None:
            self.message = "the run book has no more steps; i injects by hand, q ends the game day"
        else:
            day.paused = False
            day.ask(Next())

    def _inject(self) -> None:
        def then(text: str) -> None:
            try:
                fault = parse(text)
            except UsageError as error:
                self.message = error.what
                return
            if self.day.active:
                self._queue(Inject(fault))
            else:
                self.line = TypedLine(
                    f"what do you expect from {fault.name}?", lambda says: self._queue(Inject(fault, says))
                )

        self.line = TypedLine(
            "inject (Tab shows what fits)", then, lambda text: complete(text, self._fitting())
        )

    def _queue(self, command: Inject) -> None:
        if self.day.phase not in ("idle", "active"):
            self.message = f"{command.fault.name} waits until this step is over"
        self.day.ask(command)

    def _lift(self) -> None:
        active = self.day.active
        if not active:
            self.message = "nothing is injected"
        elif len(active) == 1:
            self.day.ask(Lift(active[0]))
        else:

            def then(text: str) -> None:
                if text.isdigit() and 1 <= int(text) <= len(active):
                    self.day.ask(Lift(active[int(text) - 1]))
                else:
                    self.message = f"{text!r} is not a number from 1 to {len(active)}"

            names = ", ".join(f"{number} {each.name}" for number, each in enumerate(active, 1))
            self.line = TypedLine(f"lift which? {names}", then)

    def _stop(self) -> None:
        self.message = "lifting everything"
        threading.Thread(target=self._stop_now, name="lift all", daemon=True).start()

    def _stop_now(self) -> None:
        done = self.day.stop("key", "the key that lifts everything was pressed")
        self.message = "everything is lifted and seen to be gone" if done else self.message

    def _write(self, what: str, take: Callable[[str], None]) -> None:
        self.line = TypedLine(what, lambda text: take(text) if text else None)

    def _hypothesis(self) -> None:
        steps = self.day.record.steps
        if not steps:
            self.message = "no step has started"
            return

        def then(text: str) -> None:
            word, _, number = text.partition(" ")
            found = [each for each in get_args(Decision) if word and each.startswith(word)]
            known = {each.number for each in steps}
            wanted = int(number) if number.isdigit() else steps[-1].number
            if len(found) != 1 or wanted not in known:
                self.message = "type confirmed, refuted or open, and the step's number if it is not the last"
            else:
                self.day.decide(wanted, found[0])

        last = steps[-1]
        self.line = TypedLine(
            f"step {last.number} {last.hypothesis or last.name}: confirmed, refuted or open", then
        )

    def _quit(self) -> None:
        def then(text: str) -> None:
            if text.lower() in ("y", "yes"):
                self.day.said = self.day.said or "ended by a person"
                if self.day.active:
                    self.day.leave("ended by a person")
                else:
                    self.day.ask(Finish())

        lifting = "lifting everything and " if self.day.active else ""
        self.line = TypedLine(f"end the game day, {lifting}{self.day.afterwards}? (y)", then)
