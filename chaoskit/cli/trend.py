"""``chaoskit trend``: what got worse last night, and what is flaky."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaoskit.cli.codes import OK, TROUBLE
from chaoskit.cli.finding import configured
from chaoskit.errors import UsageError


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", nargs="?", help="the history; default: chaos_history of the ini file")
    parser.add_argument("--add", nargs="+", metavar="JOURNAL", default=[], help="add old journals first")
    parser.add_argument("--last", type=int, metavar="N", default=30, help="look at N nights; default 30")
    parser.add_argument("--json", action="store_true", help="all of it as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from chaoskit.trend.command import run  # noqa: PLC0415

    file = Path(options.file) if options.file else None
    if file is None and (found := configured(Path.cwd(), "chaos_history")):
        file = found[1] / found[0]
    if file is None:
        raise UsageError(
            "no history is named",
            where=str(Path.cwd()),
            remedy="give its file, or set chaos_history in the ini file",
        )
    regressed = run(file, [Path(each) for each in options.add], last=options.last, as_json=options.json)
    return TROUBLE if regressed else OK
