"""``chaoskit clean``: remove or undo what dead runs have left."""

from __future__ import annotations

import argparse
import sys

from chaoskit.containers.engine.client import connect
from chaoskit.containers.leftovers import clean
from chaoskit.exitcodes import OK, PROBLEM


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument(
        "--unknown",
        action="store_true",
        help="also clean the runs of other users or machines on the same engine",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    client = connect()
    try:
        cleaned = clean(client, unknown=options.unknown)
    finally:
        client.close()
    for run_id, project in cleaned.freed.items():
        print(f"undid what {run_id} had left in {project}")
    for run_id, removed in cleaned.removed.items():
        if run_id in cleaned.freed and not removed.containers:
            continue
        counts = f"{len(removed.containers)} containers, {len(removed.networks)} networks"
        print(f"removed {run_id}: {counts}, {len(removed.volumes)} volumes")
    for run in cleaned.alive:
        print(f"left alone {run.run_id}: its harness is alive ({run.owner})")
    for run in cleaned.unknown:
        print(f"left alone {run.run_id}: another user or machine started it; --unknown cleans it")
    for run_id, why in cleaned.failed.items():
        print(f"could not clean {run_id}: {why}", file=sys.stderr)
    if not (cleaned.removed or cleaned.alive or cleaned.unknown or cleaned.failed):
        print("nothing to clean")
    return PROBLEM if cleaned.failed else OK
