"""The ``chaoskit`` command. Each subcommand is a file of its own, loaded when it is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from chaoskit.cli.finding import find_system
from chaoskit.errors import ChaoskitError, UsageError
from chaoskit.exitcodes import INTERRUPTED, OK, PROBLEM, USAGE

__all__ = ["INTERRUPTED", "OK", "PROBLEM", "USAGE", "find_system", "main"]

COMMANDS: Mapping[str, str] = {
    "init": "write a starter: journeys, experiments and the ini line",
    "doctor": "check what a run needs, and say how to get what is missing",
    "plan": "print the rewritten compose file (stdout) and the links (stderr)",
    "up": "start the system behind Toxiproxy, print addresses, keep it until Ctrl-C",
    "report": "make one HTML file from journals, or the report of a game day",
    "clean": "remove or undo what dead runs have left in the engine",
    "trend": "show what got worse last night, and which experiments are flaky",
    "gameday": "run a planned exercise, watched on a live screen",
    "faults": "print the catalogue of faults and judgements, in Markdown",
}
"""Subcommand → what it does. The module of the same name in this folder implements it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The ``chaoskit`` command; returns its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(given).parse_args(given)
    try:
        return int(options.run(options))
    except UsageError as error:
        print(f"chaoskit: {error}", file=sys.stderr)
        return USAGE
    except ChaoskitError as error:
        print(f"chaoskit: {error}", file=sys.stderr)
        return PROBLEM
    except KeyboardInterrupt:
        print("chaoskit: interrupted; nothing was left running", file=sys.stderr)
        return INTERRUPTED
    # As in `chaoskit plan | head`.
    except BrokenPipeError:
        sys.stderr.close()
        return OK


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the options of the called subcommand only, so that no other one is loaded."""
    parser = argparse.ArgumentParser(
        prog="chaoskit", description="Find out what breaks at the next stage of growth, before your users do."
    )
    commands: Any = parser.add_subparsers(required=True, metavar="COMMAND")
    called = next((each for each in given if not each.startswith("-")), None)
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        if name == called:
            importlib.import_module(f"chaoskit.cli.{name}").add(command)
    return parser
