"""``chaoskit doctor``: what is there, what is missing, and the remedy."""

from __future__ import annotations

import argparse
from pathlib import Path

from chaoskit.cli.codes import OK, TROUBLE
from chaoskit.cli.finding import find_system, system_argument


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    system_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from chaoskit.doctor import examine  # noqa: PLC0415

    well = True
    for finding in examine(options.system, Path.cwd(), find_system):
        well = well and finding.well
        print(f"{'ok' if finding.well else 'MISSING':<8} {finding.what}: {finding.says}")
        if finding.remedy and not finding.well:
            print(f"{'':<8} → {finding.remedy}")
    return OK if well else TROUBLE
