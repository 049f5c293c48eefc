"""``chaoskit report``: make one HTML file from journals, or the report of a game day."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chaoskit.exitcodes import OK
from chaoskit.report import afteraction, page


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument(
        "journals",
        nargs="+",
        type=Path,
        metavar="JOURNAL",
        help="a journal or a folder of journals; the folder of a game day also gets its after-action report",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("report.html"),
        help="the file to write; default: report.html",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    sources = page.gather(options.journals)
    for line in sources.passed_over:
        print(f"skipped {line}", file=sys.stderr)
    for folder in sources.game_days:
        print("\n".join(f"{path}: after-action report" for path in afteraction.write(folder)))
    if not sources.journals:
        return OK
    path = page.write(options.output, sources)
    print(f"{path}: {len(sources.journals)} experiments, {path.stat().st_size / 1e6:.2f} MB")
    return OK
