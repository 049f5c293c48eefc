"""Where a game day happens: a system that it starts, or one that runs already."""

from __future__ import annotations

import argparse
from typing import Any

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
    if options.attach:
        raise UsageError("this chaoskit cannot attach to a running system", remedy="leave --attach out")
    return environment_for(
        system, reference=reference, keep=options.keep, seed=options.seed, tell=tell, longest=LONGEST
    )


def about(options: argparse.Namespace, system: System) -> dict[str, Any]:
    """What the record says of the system."""
    return {
        "compose": [str(path) for path in system.compose],
        "attached": options.attach is not None,
        "project": options.attach,
        "touch": list(options.touch or ()),
    }
