"""A game day from its options to its exit code, on a live screen or without one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType

from chaoskit.errors import ChaoskitError, FaultMisfit, UsageError
from chaoskit.exitcodes import FAILED, HARNESS_ERROR, INTERRUPTED, UNKNOWN
from chaoskit.experiment.environment import Environment
from chaoskit.faults.base import check
from chaoskit.gameday import runbook, terminal
from chaoskit.gameday.day import Day
from chaoskit.gameday.record import RECORD_FILE
from chaoskit.gameday.runbook import RunBook
from chaoskit.gameday.venue import Venue
from chaoskit.report import afteraction
from chaoskit.system import System

FindSystem = Callable[[str | None, Path], System]


def run_gameday(
    book_file: Path | None,
    reference: str | None,
    find_system: FindSystem,
    *,
    venue: Venue,
    report_dir: Path | None = None,
    screen: bool = True,
) -> int:
    """Run a whole game day; returns the exit code.

    Args:
        book_file: the run book; ``None`` for a game day by hand.
        reference: the system; ``None`` for that of the run book, or else that of the ini file.
        find_system: finds a system by its reference and the folder to look from.
        venue: where the game day happens.
        report_dir: where the record and the report go; ``None`` for a folder named after the time.
        screen: show a live screen if there is a terminal.

    Raises:
        UsageError: the run book, the system or the options are wrong; nothing was started.
        EnvironmentFailure: the system does not start.
    """
    book = runbook.read(book_file) if book_file else RunBook()
    if screen and not terminal.can_show():
        if not book.steps:
            raise UsageError(
                "there is no terminal to show a screen on",
                remedy="name a run book, which runs by itself without a terminal",
            )
        screen = False
    if not screen:
        _check_runs_by_itself(book)
    reference = reference or book.system
    system = find_system(reference, Path.cwd())
    runbook.unknown_journeys(book, (each.name for each in system.journeys))
    folder = report_dir or Path("chaoskit-report") / f"gameday-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    if (folder / RECORD_FILE).exists():
        raise UsageError(
            "this folder holds the record of a game day already",
            where=str(folder),
            remedy="name another folder with --report-dir",
        )
    venue.check()
    starting = _Starting()
    environment = venue.environment(system, reference, starting.tell)
    with _signals(_interrupt):
        try:
            return _play(book, venue, system, folder, environment, starting, screen=screen)
        finally:
            with _signals(_ignore):  # the removal must not be interrupted
                _say(venue.afterwards)
                environment.close()
                _release_dead_terminal()


def _play(
    book: RunBook,
    venue: Venue,
    system: System,
    folder: Path,
    environment: Environment,
    starting: _Starting,
    *,
    screen: bool,
) -> int:
    runtime = environment.runtime
    starting.over = True
    _check_faults(book, environment)
    _say(f"run {runtime.run_id}: {len(runtime.components)} components; record: {folder / RECORD_FILE}")
    day = Day(
        environment,
        book,
        folder,
        system=venue.about(system),
        unattended=not screen,
        afterwards=venue.afterwards,
    )
    with terminal.signals(day):
        lifted = _watch(day, screen=screen)
        _sum_up(day, lifted=lifted)
        for path in _report(folder):
            _say(f"report: {path}")
    return exit_code(day, lifted=lifted)


def _watch(day: Day, *, screen: bool) -> bool:
    """From the first request to the last; returns whether every fault is seen to be gone."""
    try:
        day.begin()
    except BaseException as error:
        day.over.set()  # no worker was started that could do so
        day.leave(_cause(error), trouble=True)
        day.close()
        raise
    threads = terminal.Threads(day, watch_system=screen)
    threads.start()
    seen = 0
    try:
        if screen:
            terminal.show(day, threads)
            seen = len(day.record.events)
        else:
            seen = terminal.tell(day, _say)
    except BaseException as error:
        day.leave(_cause(error), trouble=True)
        raise
    finally:
        lifted = day.close()
        threads.end()
        for event in day.record.events[seen:]:
            _say(terminal.line(event))
    return lifted


def _sum_up(day: Day, *, lifted: bool) -> None:
    """Print the results of the steps and whether a fault is left, since the screen is closed by now."""
    for each in day.record.steps:
        stopped = f", stopped by {each.stopped_by}" if each.stopped_by else ""
        _say(f"step {each.number} {each.name}: {each.verdict}, hypothesis {each.outcome}{stopped}")
    left = dict.fromkeys(each.text for each in day.record.events if each.text.startswith("NOT LIFTED"))
    for line in ["nothing is injected any more"] if lifted else left:
        _say(line)
    _say(day.said or "the game day is over")


def _check_faults(book: RunBook, environment: Environment) -> None:
    """Check that every fault of the run book fits the system.

    Raises:
        FaultMisfit: one does not; the error has every reason. Nothing was injected.
    """
    wrong = []
    for step in book.steps:
        for fault in step.faults:
            try:
                check(fault, environment.runtime)
            except UsageError as error:  # the fault does not fit, or may not be injected here
                lines = (error.evidence or error.what).splitlines()
                wrong += [f"{step.name}: {fault.name}: {line}" for line in lines]
    if wrong:
        raise FaultMisfit(
            "the run book has faults that do not fit this system",
            where=str(book.path),
            evidence="\n".join(wrong),
            remedy="choose other components or other faults; nothing was injected",
        )


def _check_runs_by_itself(book: RunBook) -> None:
    """Check that a run book needs no key.

    Raises:
        UsageError: it has no step, or a step that is lifted by hand.
    """
    if not book.steps:
        raise UsageError(
            "without a screen, a game day needs a run book with steps",
            remedy="name a run book that has steps",
        )
    waits = [step.name for step in book.steps if step.active is None]
    if waits:
        raise UsageError(
            "without a screen, no step can be active until it is lifted by hand",
            where=str(book.path),
            evidence=", ".join(waits),
            remedy="say how many seconds the faults of these steps are active, as in active: 20",
        )


def exit_code(day: Day, *, lifted: bool) -> int:
    """The exit code of a game day; ``docs/gameday.md`` has the table."""
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
    """Write the after-action report. If that fails, the record is complete all the same."""
    try:
        return afteraction.write(folder)
    except ChaoskitError as error:
        _say(f"the after-action report could not be written: {error}")
        return ()


class _Starting:
    """Takes progress until the system has started. After that, the events tell what happens."""

    over = False

    def tell(self, line: str) -> None:
        """Print a line of progress."""
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
    _say("please wait: the system is still being removed")


def _cause(error: BaseException) -> str:
    return error.what if isinstance(error, ChaoskitError) else type(error).__name__


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # standard output is closed
        print(line, flush=True)


def _release_dead_terminal() -> None:
    """Redirect standard output if its terminal is gone, or Python would fail when it flushes at exit."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
