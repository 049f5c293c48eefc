"""The ``chaoskit`` command: what a person does at a prompt. One file a command; ``init`` and ``gameday``
are in packages of their own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from chaoskit.cli import clean, doctor, faults, gameday, plan, report, trend, up
from chaoskit.cli import init as starter
from chaoskit.cli.finding import find_system
from chaoskit.errors import ChaoskitError, UsageError
from chaoskit.exitcodes import INTERRUPTED, OK, PROBLEM, USAGE

__all__ = ["INTERRUPTED", "OK", "PROBLEM", "USAGE", "find_system", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The ``chaoskit`` command; returns its exit code."""
    options = _parser().parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="chaoskit", description="Find out what breaks at the next stage of growth."
    )
    commands: Any = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, help=does)
        return added

    starter.add_options(command("init", "write a starter: journeys, experiments, the ini line"))
    doctor.add(command("doctor", "what is there, what is missing, and the remedy"))
    plan.add(command("plan", "print the rewritten compose file; the links go to stderr"))
    up.add(command("up", "start the system behind Toxiproxy, hold it, print addresses"))
    report.add(command("report", "make one HTML file from journals; the report of a game day"))
    clean.add(command("clean", "remove, or take back, what dead runs have left in the engine"))
    trend.add(command("trend", "what got worse last night, and which experiments are flaky"))
    exercise = command("gameday", "a planned exercise, watched on a live screen")
    gameday.add_options(exercise)
    exercise.set_defaults(run=_gameday)
    faults.add(command("faults", "print the catalogue of faults and judgements, in Markdown"))
    return parser


def _gameday(options: argparse.Namespace) -> int:
    from chaoskit.gameday.command import run  # noqa: PLC0415 - so that other commands load nothing of it

    return run(options, find_system)
