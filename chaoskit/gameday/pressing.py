"""What each key does. Nothing here waits: whatever takes time is asked of another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, get_args

from chaoskit.errors import UsageError
from chaoskit.gameday.asked import Finish, Inject, Lift, Next
from chaoskit.gameday.day import Day
from chaoskit.gameday.keys import LIFT_ALL, Line
from chaoskit.gameday.prompt import complete, parse

Decision = Literal["confirmed", "refuted", "open"]


class Pressing:
    """Takes keys for a day.

    Args:
        day: which.
        fitting: lines that fit the system, for completion; may grow.

    Attributes:
        line: what somebody types at the moment.
        message: the answer to the last key.
    """

    def __init__(self, day: Day, fitting: Callable[[], tuple[str, ...]] = lambda: ()) -> None:
        self.day = day
        self.line: Line | None = None
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
        """Take one key."""
        if key == LIFT_ALL:
            self._stop()
            return
        if self.line is not None:
            line = self.line
            if not line.press(key) and self.line is line:  # unless the answer asks for more
                self.line = None
            return
        self.message = ""
        self._keys.get(key, lambda: None)()

    def _next(self) -> None:
        day = self.day
        if day.phase not in ("idle", "active"):
            self.message = f"not now: {day.phase}"
        elif day.phase == "idle" and day.next_step is None:
            self.message = "there is nothing more in the run book; i injects by hand, q ends"
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
                self.line = Line(
                    f"what do you expect of {fault.name}?", lambda says: self._queue(Inject(fault, says))
                )

        self.line = Line("inject (Tab shows what fits)", then, lambda text: complete(text, self._fitting()))

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
                    self.message = f"{text!r} is none of 1 to {len(active)}"

            names = ", ".join(f"{number} {each.name}" for number, each in enumerate(active, 1))
            self.line = Line(f"lift which? {names}", then)

    def _stop(self) -> None:
        self.message = "lifting everything"
        threading.Thread(target=self._stop_now, name="lift all", daemon=True).start()

    def _stop_now(self) -> None:
        done = self.day.stop("key", "somebody pressed the key that lifts everything")
        self.message = "everything is lifted, and seen to be gone" if done else self.message

    def _write(self, what: str, take: Callable[[str], None]) -> None:
        self.line = Line(what, lambda text: take(text) if text else None)

    def _hypothesis(self) -> None:
        steps = self.day.record.steps
        if not steps:
            self.message = "no step has begun"
            return

        def then(text: str) -> None:
            word, _, number = text.partition(" ")
            found = [each for each in get_args(Decision) if word and each.startswith(word)]
            known = {each.number for each in steps}
            wanted = int(number) if number.isdigit() else steps[-1].number
            if len(found) != 1 or wanted not in known:
                self.message = "write confirmed, refuted or open, and the step's number if it is not the last"
            else:
                self.day.decide(wanted, found[0])

        last = steps[-1]
        self.line = Line(
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

        lifted = "everything is lifted, and " if self.day.active else ""
        goes = "the system stays" if self.day.attached else "the system goes"
        self.line = Line(f"end the game day? {lifted}{goes} (y)", then)
