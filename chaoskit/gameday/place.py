"""Where a game day happens: a system that it starts, or one that runs already."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from chaoskit.attach import attached_environment
from chaoskit.environment import Environment, Tell
from chaoskit.errors import UsageError
from chaoskit.setup import environment_for
from chaoskit.system import System

LONGEST = 24 * 3600.0
"""Seconds that a game day may last; then its load ends by itself."""


def environment_for_gameday(
    options: argparse.Namespace, system: System, reference: str | None, tell: Tell
) -> Environment:
    """The environment that the options ask for; nothing is started yet.

    Raises:
        UsageError: the options contradict each other.
    """
    if options.attach is not None:
        if options.keep:
            raise UsageError("--keep without a system of one's own means nothing", remedy="leave --keep out")
        return attached_environment(
            system,
            options.attach,
            toxiproxies=_several(options.toxiproxy),
            touch=_several(options.touch),
            reference=reference,
            seed=options.seed,
            tell=tell,
            longest=LONGEST,
        )
    if given := [name for name in ("touch", "toxiproxy") if getattr(options, name)]:
        raise UsageError(
            f"--{' and --'.join(given)} without --attach means nothing",
            remedy="name the compose project that is running with --attach",
        )
    return environment_for(
        system, reference=reference, keep=options.keep, seed=options.seed, tell=tell, longest=LONGEST
    )


def about(options: argparse.Namespace, system: System) -> dict[str, Any]:
    """What the record says of the system."""
    return {
        "compose": [str(path) for path in system.compose],
        "attached": options.attach is not None,
        "project": options.attach,
        "touch": _several(options.touch),
    }


def _several(given: Sequence[str] | None) -> list[str]:
    """Names, given again and again or with commas."""
    return [name.strip() for each in given or () for name in each.split(",") if name.strip()]
