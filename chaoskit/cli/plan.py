"""``chaoskit plan``: the rewritten compose file, and the links."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chaoskit.cli.codes import OK
from chaoskit.cli.finding import find_system, system_argument
from chaoskit.errors import DeclarationError
from chaoskit.mistakes import mistakes


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--links", action="store_true", help="only the table of links, to stdout")
    system_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it; returns the exit code."""
    from chaoskit.compose import resolve, routed_networks  # noqa: PLC0415
    from chaoskit.interpose import interpose  # noqa: PLC0415
    from chaoskit.report.plan import render_compose, render_links  # noqa: PLC0415

    system = find_system(options.system, Path.cwd())
    planned = interpose(resolve(system), run_id="plan", taken=routed_networks(), external=system.external)
    found = mistakes(system, planned.components, planned.entries) if system.journeys else []
    if found:
        raise DeclarationError(found, where=", ".join(map(str, system.compose)))
    if options.links:
        print(render_links(planned))
        return OK
    print(render_links(planned), file=sys.stderr)
    print(render_compose(planned))
    return OK
