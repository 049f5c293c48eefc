"""``chaoskit faults``: the catalogue."""

from __future__ import annotations

import argparse

from chaoskit.exitcodes import OK


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from chaoskit.report.catalogue import catalogue  # noqa: PLC0415

    print(catalogue(), end="")
    return OK
