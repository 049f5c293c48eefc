"""The options of ``chaoskit gameday``; by itself, so that other commands load nothing of it."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
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
