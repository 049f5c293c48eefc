"""``chaoskit gameday``: run a planned exercise, watched on a live screen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from chaoskit.cli.finding import find_system
from chaoskit.gameday.command import run_gameday
from chaoskit.gameday.venue import Venue


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument(
        "runbook",
        nargs="?",
        type=Path,
        metavar="RUNBOOK",
        help="the run book, a YAML file; without one, you lead the game day by hand",
    )
    parser.add_argument(
        "--system",
        metavar="MODULE:ATTRIBUTE",
        help="the system; default: that of the run book, else chaos_system of the ini file",
    )
    parser.add_argument(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help="the folder for the record and the report; default: chaoskit-report/gameday-<time>",
    )
    parser.add_argument(
        "--no-screen",
        action="store_true",
        help="print plain lines, and run the run book to its end without keys",
    )
    parser.add_argument(
        "--keep", action="store_true", help="lift every fault, and leave the system running at the end"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="the seed of all randomness; default: 0"
    )
    parser.add_argument(
        "--attach", metavar="PROJECT", help="use this running compose project instead of starting the system"
    )
    parser.add_argument(
        "--touch",
        action="append",
        metavar="NAMES",
        help="with --attach: what faults may touch, separated by commas: cache,->cache; default: nothing",
    )
    parser.add_argument(
        "--toxiproxy",
        action="append",
        metavar="ADDRESSES",
        help="with --attach: API addresses of its Toxiproxies, separated by commas, if they are not found",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    venue = Venue(
        attach=options.attach,
        touch=_several(options.touch),
        toxiproxies=_several(options.toxiproxy),
        keep=options.keep,
        seed=options.seed,
    )
    return run_gameday(
        options.runbook,
        options.system,
        find_system,
        venue=venue,
        report_dir=options.report_dir,
        screen=not options.no_screen,
    )


def _several(given: Sequence[str] | None) -> list[str]:
    """The names of an option that may be repeated and may hold several names with commas."""
    return [name.strip() for each in given or () for name in each.split(",") if name.strip()]
