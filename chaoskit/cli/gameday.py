"""``chaoskit gameday``: a planned exercise, watched on a live screen."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from chaoskit.cli.finding import find_system
from chaoskit.gameday.command import run_gameday
from chaoskit.gameday.venue import Venue


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "runbook",
        nargs="?",
        type=Path,
        metavar="RUNBOOK",
        help="the run book, a YAML file; by hand without one",
    )
    parser.add_argument(
        "--system", metavar="MODULE:ATTRIBUTE", help="the system; default: the run book's, then chaos_system"
    )
    parser.add_argument(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help="where the record and the report go; default: chaoskit-report/gameday-<time>",
    )
    parser.add_argument(
        "--no-screen", action="store_true", help="plain lines; the run book runs to its end by itself"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the system running at the end, with everything lifted"
    )
    parser.add_argument("--seed", type=int, default=0, help="the seed of all randomness; default: 0")
    parser.add_argument(
        "--attach", metavar="PROJECT", help="a compose project that runs already, instead of starting one"
    )
    parser.add_argument(
        "--touch",
        action="append",
        metavar="NAMES",
        help="with --attach: what may be touched, with commas: cache, ->cache; nothing by default",
    )
    parser.add_argument(
        "--toxiproxy",
        action="append",
        metavar="ADDRESSES",
        help="with --attach: its Toxiproxies' APIs, with commas, where they are not found",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
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
    """Names, given again and again or with commas."""
    return [name.strip() for each in given or () for name in each.split(",") if name.strip()]
