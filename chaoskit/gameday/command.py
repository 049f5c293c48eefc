"""A game day from its options to its exit code: a planned exercise, on a live screen or without one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from chaoskit.errors import ChaoskitError, FaultMisfit, UsageError
from chaoskit.exitcodes import FAILED, HARNESS_ERROR, INTERRUPTED, UNKNOWN
from chaoskit.experiment.environment import Environment, Tell
from chaoskit.factories import attached_environment, environment_for
from chaoskit.faults.base import check
from chaoskit.gameday import runbook, terminal
from chaoskit.gameday.day import Day
from chaoskit.gameday.record import FILE
from chaoskit.gameday.runbook import RunBook
from chaoskit.report import afteraction
from chaoskit.system import System

LONGEST = 24 * 3600.0
"""Seconds that a game day may last; then its load ends by itself."""


@dataclass(frozen=True, slots=True)
class Venue:
    """Where a game day happens: a system that it starts, or one that runs already.

    Attributes:
        attach: the compose project that runs already; ``None`` to start the system.
        touch: what may be touched there.
        toxiproxies: the addresses of its Toxiproxies' APIs, where they are not found.
        keep: leave a system that was started running at the end.
        seed: from which all randomness comes.
    """

    attach: str | None = None
    touch: Sequence[str] = ()
    toxiproxies: Sequence[str] = ()
    keep: bool = False
    seed: int = 0

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: it does.
        """
        if self.attach is not None and self.keep:
            raise UsageError("--keep without a system of one's own means nothing", remedy="leave --keep out")
        given = [f"--{name}" for name, names in self._guests_own() if names]
        if self.attach is None and given:
            raise UsageError(
                f"{' and '.join(given)} without --attach means nothing",
                remedy="name the compose project that is running with --attach",
            )

    def environment(self, system: System, reference: str | None, tell: Tell) -> Environment:
        """The environment; nothing is started yet."""
        if self.attach is None:
            return environment_for(
                system, reference=reference, keep=self.keep, seed=self.seed, tell=tell, longest=LONGEST
            )
        return attached_environment(
            system,
            self.attach,
            toxiproxies=self.toxiproxies,
            touch=self.touch,
            reference=reference,
            seed=self.seed,
            tell=tell,
            longest=LONGEST,
        )

    def about(self, system: System) -> dict[str, Any]:
        """What the record says of the system."""
        return {
            "compose": [str(path) for path in system.compose],
            "attached": self.attach is not None,
            "project": self.attach,
            "touch": list(self.touch),
        }

    @property
    def afterwards(self) -> str:
        """What becomes of the system at the end, in words."""
        return _AFTERWARDS["attached" if self.attach else "keep" if self.keep else "remove"]

    def _guests_own(self) -> tuple[tuple[str, Sequence[str]], ...]:
        return ("touch", self.touch), ("toxiproxy", self.toxiproxies)


_AFTERWARDS = {
    "attached": "leaving the system as it was",
    "keep": "keeping the system; `chaoskit clean` removes it",
    "remove": "removing the system",
}

FindSystem = Callable[[str | None, Path], System]


def run_gameday(
    book_file: Path | None,
    reference: str | None,
    find_system: FindSystem,
    *,
    place: Venue,
    report_dir: Path | None = None,
    screen: bool = True,
) -> int:
    """The whole game day; returns the exit code.

    Args:
        book_file: the run book; by hand without one.
        reference: the system; the run book's, or the ini file's, if ``None``.
        find_system: finds a system by its reference and the folder to look from.
        place: where it happens.
        report_dir: where the record and the report go; a folder named after the time if ``None``.
        screen: show a live screen where there is a terminal.

    Raises:
        UsageError: the run book, the system or the options are wrong; nothing was started.
        EnvironmentFailure: the system does not start.
    """
    book = runbook.read(book_file) if book_file else RunBook()
    if screen and not terminal.can_show():
        if not book.steps:
            raise UsageError(
                "there is no terminal to show a screen on", remedy="name a run book; it runs by itself then"
            )
        screen = False
    if not screen:
        _runs_by_itself(book)
    reference = reference or book.system
    system = find_system(reference, Path.cwd())
    runbook.unknown_journeys(book, (each.name for each in system.journeys))
    folder = report_dir or Path("chaoskit-report") / f"gameday-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    if (folder / FILE).exists():
        raise UsageError(
            "there is a game day in this folder already", where=str(folder), remedy="name another one"
        )
    place.check()
    starting = _Starting()
    environment = place.environment(system, reference, starting.tell)
    with _signals(_interrupt):
        try:
            return _play(book, place.about(system), folder, environment, starting, screen=screen)
        finally:
            with _signals(_ignore):  # half a removal helps nobody
                _say(place.afterwards)
                environment.close()
                _let_go_of_a_dead_terminal()


def _play(
    book: RunBook,
    about: dict[str, Any],
    folder: Path,
    environment: Environment,
    starting: _Starting,
    *,
    screen: bool,
) -> int:
    runtime = environment.runtime
    starting.over = True
    _fits(book, environment)
    _say(f"run {runtime.run_id}: {len(runtime.components)} components; the record: {folder / FILE}")
    day = Day(environment, book, folder, system=about, unattended=not screen)
    with terminal.signals(day):
        lifted = _watch(day, screen=screen)
        _sum_up(day, lifted=lifted)
        for path in _report(folder):
            _say(f"report: {path}")
    return exit_code(day, lifted=lifted)


def _watch(day: Day, *, screen: bool) -> bool:
    """From the first request to the last; whether everything that was injected is gone."""
    try:
        day.begin()
    except BaseException as error:
        day.over.set()  # nobody works on anything
        day.leave(_what(error), trouble=True)
        day.close()
        raise
    threads = terminal.Threads(day, eye=screen)
    threads.start()
    seen = 0
    try:
        if screen:
            terminal.show(day, threads)
            seen = len(day.record.events)
        else:
            seen = terminal.tell(day, _say)
    except BaseException as error:
        day.leave(_what(error), trouble=True)
        raise
    finally:
        lifted = day.close()
        threads.end()
        for event in day.record.events[seen:]:
            _say(terminal.line(event))
    return lifted


def _sum_up(day: Day, *, lifted: bool) -> None:
    """What came of the steps, and that nothing is left; the screen with all of it is gone by now."""
    for each in day.record.steps:
        stopped = f", stopped by {each.stopped_by}" if each.stopped_by else ""
        _say(f"step {each.number} {each.name}: {each.verdict}, hypothesis {each.outcome}{stopped}")
    left = dict.fromkeys(each.text for each in day.record.events if each.text.startswith("NOT LIFTED"))
    for line in ["nothing is injected any more"] if lifted else left:
        _say(line)
    _say(day.said or "the game day is over")


def _fits(book: RunBook, environment: Environment) -> None:
    """Every fault of the run book fits the system.

    Raises:
        FaultMisfit: with every reason; nothing was injected.
    """
    wrong = []
    for step in book.steps:
        for fault in step.faults:
            try:
                check(fault, environment.runtime)
            except UsageError as error:  # it does not fit, or may not be injected here
                lines = (error.evidence or error.what).splitlines()
                wrong += [f"{step.name}: {fault.name}: {line}" for line in lines]
    if wrong:
        raise FaultMisfit(
            "the run book has faults that do not fit this system",
            where=str(book.path),
            evidence="\n".join(wrong),
            remedy="choose other components or other faults; nothing was injected",
        )


def _runs_by_itself(book: RunBook) -> None:
    """Without a screen nobody presses a key.

    Raises:
        UsageError: the run book needs one.
    """
    if not book.steps:
        raise UsageError(
            "without a screen there is nothing to do but a run book", remedy="name one that has steps"
        )
    waits = [step.name for step in book.steps if step.active is None]
    if waits:
        raise UsageError(
            "without a screen nobody lifts what stays until somebody does",
            where=str(book.path),
            evidence=", ".join(waits),
            remedy="say how long the faults are active, in seconds",
        )


def exit_code(day: Day, *, lifted: bool) -> int:
    """What a game day says to who called it; the table is in ``docs/gameday.md``."""
    if not lifted or day.trouble:
        return HARNESS_ERROR
    if day.interrupted:
        return INTERRUPTED
    steps = day.record.steps
    conditions = {each.title for each in day.book.stop}
    if any(each.verdict == "BROKEN" or each.stopped_by in conditions for each in steps):
        return FAILED
    return UNKNOWN if any(each.verdict != "HELD" for each in steps) else 0


def _report(folder: Path) -> tuple[Path, ...]:
    """The after-action report; without it, the record is complete all the same."""
    try:
        return afteraction.write(folder)
    except ChaoskitError as error:
        _say(f"the after-action report could not be written: {error}")
        return ()


class _Starting:
    """Takes progress until the system has started; then the events tell what happens."""

    over = False

    def tell(self, line: str) -> None:
        """A line of progress."""
        if not self.over:
            _say(line)


Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def _signals(handler: Handler) -> Iterator[None]:
    before = {
        number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ignore(number: int, frame: FrameType | None) -> None:
    _say("still removing")


def _what(error: BaseException) -> str:
    return error.what if isinstance(error, ChaoskitError) else type(error).__name__


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody listens any more
        print(line, flush=True)


def _let_go_of_a_dead_terminal() -> None:
    """Else Python fails at its own end, when it flushes what nobody can read."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
