"""``chaoskit init``: a starter, written from one calm look at the running system."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaoskit.exitcodes import OK
from chaoskit.starter.command import write_starter


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "compose", nargs="?", type=Path, help="the compose file; default: as Compose finds it"
    )
    parser.add_argument(
        "--into", type=Path, default=Path(), metavar="DIR", help="where to write; default: here"
    )
    parser.add_argument("--force", action="store_true", help="overwrite an earlier starter")
    parser.add_argument("--dry-run", action="store_true", help="print what would be written")
    parser.add_argument(
        "--seconds", type=float, default=5.0, metavar="N", help="how long the calm is measured; default: 5"
    )
    parser.add_argument(
        "--path", action="append", default=[], help="ask the entries for this path first; may be given again"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    write_starter(
        options.compose,
        options.into,
        force=options.force,
        dry_run=options.dry_run,
        seconds=options.seconds,
        paths=options.path,
    )
    return OK
