"""``chaoskit trend``: add journals to a history, and show what got worse and what is flaky."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from chaoskit.cli.finding import configured
from chaoskit.errors import UsageError
from chaoskit.exitcodes import OK, PROBLEM
from chaoskit.record import journal
from chaoskit.trend.entry import Entry, entry_of
from chaoskit.trend.store import Store
from chaoskit.trend.text import render, to_record
from chaoskit.trend.trend import trend_of


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument("file", nargs="?", help="the history file; default: chaos_history of the ini file")
    parser.add_argument(
        "--add", nargs="+", metavar="JOURNAL", default=[], help="add these journals to the history first"
    )
    parser.add_argument(
        "--last", type=int, metavar="N", default=30, help="look at the last N nights; default: 30"
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    file = Path(options.file) if options.file else None
    if file is None and (found := configured(Path.cwd(), "chaos_history")):
        file = found[1] / found[0]
    if file is None:
        raise UsageError(
            "no history is named",
            where=str(Path.cwd()),
            remedy="give the history file, or set chaos_history in the ini file",
        )
    regressed = print_trend(
        file, [Path(each) for each in options.add], last=options.last, as_json=options.json
    )
    return PROBLEM if regressed else OK


def print_trend(file: Path, add: Sequence[Path] = (), *, last: int = 30, as_json: bool = False) -> bool:
    """Print the trend; return whether there is a regression.

    Args:
        file: the history.
        add: journals to add first; a journal that the history already has is left out.
        last: how many nights to look at.
        as_json: print JSON instead of text.

    Raises:
        UsageError: a file is not what it should be; nothing was added.
        EnvironmentFailure: the history cannot be read or written.
    """
    if last < 1:
        raise UsageError(f"--last is {last}; it must be 1 or more")
    entries = list(_read(add))
    with Store(file, create=bool(add)) as store:
        if add:
            new = store.add(entries)
            print(f"added {new} of {len(entries)} journals to {file}", file=sys.stderr)
        trend = trend_of(store.entries(), last)
    print(json.dumps(to_record(trend), indent=2, ensure_ascii=False) if as_json else render(trend))
    return bool(trend.regressions)


def _read(paths: Iterable[Path]) -> Iterable[Entry]:
    for path in paths:
        record = journal.read(path)
        # A report folder also holds other JSON files.
        if journal.lacks(record):
            print(f"skipped {path}: not a journal", file=sys.stderr)
        else:
            yield entry_of(record)
