"""``chaoskit faults``: the catalogue."""

from __future__ import annotations

import argparse

from chaoskit.exitcodes import OK
from chaoskit.report.catalogue import catalogue


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    print(catalogue(), end="")
    return OK
