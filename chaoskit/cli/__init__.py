"""The ``chaoskit`` command: what a person does at a prompt. One file a command, loaded when it is called."""

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
    "init": "write a starter: journeys, experiments, the ini line",
    "doctor": "what is there, what is missing, and the remedy",
    "plan": "print the rewritten compose file; the links go to stderr",
    "up": "start the system behind Toxiproxy, hold it, print addresses",
    "report": "make one HTML file from journals; the report of a game day",
    "clean": "remove, or take back, what dead runs have left in the engine",
    "trend": "what got worse last night, and which experiments are flaky",
    "gameday": "a planned exercise, watched on a live screen",
    "faults": "print the catalogue of faults and judgements, in Markdown",
}
"""Command → what it does. Each is the module of that name in this folder."""


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
    except BrokenPipeError:  # `chaoskit plan | head`
        sys.stderr.close()
        return OK


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the options of the one command that is called: the others need not be loaded."""
    parser = argparse.ArgumentParser(
        prog="chaoskit", description="Find out what breaks at the next stage of growth."
    )
    commands: Any = parser.add_subparsers(required=True, metavar="COMMAND")
    called = next((each for each in given if not each.startswith("-")), None)
    for name, does in COMMANDS.items():
        command = commands.add_parser(name, help=does)
        if name == called:
            importlib.import_module(f"chaoskit.cli.{name}").add(command)
    return parser
