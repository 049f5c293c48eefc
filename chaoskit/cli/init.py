"""``chaoskit init``: write a starter from one calm look at the running system."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaoskit.exitcodes import OK
from chaoskit.starter.command import write_starter


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument(
        "compose", nargs="?", type=Path, help="the compose file; default: the one that Compose finds"
    )
    parser.add_argument(
        "--into", type=Path, default=Path(), metavar="DIR", help="the folder to write to; default: this one"
    )
    parser.add_argument("--force", action="store_true", help="overwrite an earlier starter")
    parser.add_argument("--dry-run", action="store_true", help="print the files instead of writing them")
    parser.add_argument(
        "--seconds",
        type=float,
        default=5.0,
        metavar="N",
        help="how long to measure the calm system; default: 5",
    )
    parser.add_argument(
        "--path", action="append", default=[], help="request this path first at each entry; may be repeated"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    write_starter(
        options.compose,
        options.into,
        force=options.force,
        dry_run=options.dry_run,
        seconds=options.seconds,
        paths=options.path,
    )
    return OK
