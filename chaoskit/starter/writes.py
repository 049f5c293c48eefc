"""Whether anybody writes to a primary while the journeys run: what a standby could lag behind with."""

from __future__ import annotations

import contextlib

from chaoskit.engines import postgres, standby
from chaoskit.engines.postgres import Credentials, Refused
from chaoskit.faults.pairs import Pair, pair_of
from chaoskit.runtime import Runtime

OFTEN = 3
"""Looks that must show something new: a checkpoint or a vacuum writes, too, now and then."""


class Writes:
    """Looks at how far the primary of one standby has written.

    Args:
        replica: the standby.
        runtime: where both run.
    """

    def __init__(self, replica: str, runtime: Runtime) -> None:
        self._runtime = runtime
        found = pair_of(replica, None, Credentials(), runtime)
        self._primary = found.primary if isinstance(found, Pair) else None
        self._last: int | None = None
        self._grown = 0

    def look(self) -> None:
        """Look once; a server that does not answer now has shown nothing."""
        if self._primary is None:
            return
        with (
            contextlib.suppress(Refused),
            postgres.session(self._runtime, self._primary, Credentials(), "chaoskit-look") as session,
        ):
            now = standby.written(session)
            self._grown += self._last is not None and now > self._last
            self._last = now

    @property
    def steady(self) -> bool:
        """Whether something was written again and again."""
        return self._grown >= OFTEN
