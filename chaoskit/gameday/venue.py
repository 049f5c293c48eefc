"""Where a game day happens: on a system that it starts, or on one that runs already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chaoskit.errors import UsageError
from chaoskit.experiment.environment import Environment, Tell
from chaoskit.factories import attached_environment, environment_for
from chaoskit.system import System

LONGEST_DAY = 24 * 3600.0
"""Seconds after which the load of a game day ends by itself."""


@dataclass(frozen=True, slots=True)
class Venue:
    """The place of a game day.

    Attributes:
        attach: the running compose project to attach to; ``None`` to start the system.
        touch: what may be touched there.
        toxiproxies: the addresses of its Toxiproxies' APIs, where they are not found.
        keep: leave a system that was started running at the end.
        seed: the seed of all randomness.
    """

    attach: str | None = None
    touch: Sequence[str] = ()
    toxiproxies: Sequence[str] = ()
    keep: bool = False
    seed: int = 0

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            UsageError: they do.
        """
        if self.attach is not None and self.keep:
            raise UsageError(
                "--keep cannot be given with --attach",
                remedy="leave --keep out: an attached system stays anyway",
            )
        attached_only = (("touch", self.touch), ("toxiproxy", self.toxiproxies))
        given = [f"--{name}" for name, names in attached_only if names]
        if self.attach is None and given:
            raise UsageError(
                f"{' and '.join(given)} cannot be given without --attach",
                remedy="name the running compose project: --attach PROJECT",
            )

    def environment(self, system: System, reference: str | None, tell: Tell) -> Environment:
        """The environment; nothing is started yet."""
        if self.attach is None:
            return environment_for(
                system, reference=reference, keep=self.keep, seed=self.seed, tell=tell, longest=LONGEST_DAY
            )
        return attached_environment(
            system,
            self.attach,
            toxiproxies=self.toxiproxies,
            touch=self.touch,
            reference=reference,
            seed=self.seed,
            tell=tell,
            longest=LONGEST_DAY,
        )

    def about(self, system: System) -> dict[str, Any]:
        """What the record says of the system."""
        return {
            "compose": [str(path) for path in system.compose],
            "attached": self.attach is not None,
            "project": self.attach,
            "touch": list(self.touch),
        }

    @property
    def afterwards(self) -> str:
        """What happens to the system at the end, in words."""
        if self.attach is not None:
            return "leaving the system as it was"
        return "keeping the system until `chaoskit clean`" if self.keep else "removing the system"
