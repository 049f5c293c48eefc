"""``chaoskit up``: start the system behind Toxiproxy, and keep it until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chaoskit.cli.finding import find_system, system_argument
from chaoskit.clock import MonotonicClock
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.exitcodes import OK


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument(
        "--keep", action="store_true", help="leave the system running and return; `chaoskit clean` removes it"
    )
    system_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    system = find_system(options.system, Path.cwd())
    clock = MonotonicClock()
    runtime = DockerRuntime(
        system, keep=options.keep, progress=lambda line: print(line, file=sys.stderr, flush=True)
    )
    try:
        runtime.start()
        for entry, address in sorted(runtime.entries.items()):
            print(f"{entry:<24} http://{address}", flush=True)
        for link in runtime.used_links():
            print(f"link  {link.name}", flush=True)
        for warning in runtime.warnings:
            print(f"warning: {warning}", file=sys.stderr, flush=True)
        if options.keep:
            print(f"left running as {runtime.run_id}; `chaoskit clean` removes it", flush=True)
            return OK
        print("ready; Ctrl-C removes everything", flush=True)
        while True:
            clock.sleep(3600.0)
    except KeyboardInterrupt:
        print("removing everything", file=sys.stderr, flush=True)
        return OK
    finally:
        runtime.close()
