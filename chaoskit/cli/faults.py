"""``chaoskit faults``: print the catalogue of faults and judgements."""

from __future__ import annotations

import argparse

from chaoskit.exitcodes import OK
from chaoskit.report.catalogue import catalogue


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    print(catalogue(), end="")
    return OK
