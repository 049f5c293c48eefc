"""``chaoskit report``: one HTML file from journals."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chaoskit.exitcodes import OK
from chaoskit.report import afteraction, page


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "journals",
        nargs="+",
        type=Path,
        metavar="JOURNAL",
        help="a journal, or a folder of them; in that of a game day also its after-action report",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report.html"),
        help="the file to write; default: report.html",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    sources = page.gather(options.journals)
    for line in sources.passed_over:
        print(f"passed over {line}", file=sys.stderr)
    for folder in sources.game_days:
        print("\n".join(f"{path}: after-action report" for path in afteraction.write(folder)))
    if not sources.journals:
        return OK
    path = page.write(options.output, sources)
    print(f"{path}: {len(sources.journals)} experiments, {path.stat().st_size / 1e6:.2f} MB")
    return OK
