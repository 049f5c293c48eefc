"""Several load processes that work as one: where one core cannot send as much as is wanted.

They have one clock, for the monotonic clock is the machine's, and one origin, which the harness
sets. Arrival ``k`` of each journey belongs to process ``k mod n``; so do its users, and the promises
made to them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from chaoskit.history import Acknowledgement
from chaoskit.load.protocol import Entry, Setup, encode_message, encode_setup
from chaoskit.load.worker import Worker

COMFORTABLE = 2500.0
"""Arrivals per second that one process launches without being late: a request takes it about
0.1 ms, and there must be room for a stall's end, when all that waited is answered at once."""


def processes_for(rate: float) -> int:
    """How many processes so many arrivals per second want; never more than there are cores."""
    return max(1, min(os.cpu_count() or 1, math.ceil(rate / COMFORTABLE)))


def parts(setup: Setup, of: int) -> list[Setup]:
    """What each of ``of`` processes is told: its share of the arrivals, and of those in flight."""
    limit = setup.max_in_flight
    return [
        replace(setup, share=(number, of), max_in_flight=limit // of + (number < limit % of))
        for number in range(of)
    ]


class Crew:
    """The load processes of one load.

    Args:
        setups: what each is told; see :func:`parts`.
        paths: their import path.
        entries: takes the batches of entries of all, each in a thread of its own.
    """

    def __init__(
        self, setups: Sequence[Setup], paths: Sequence[str], entries: Callable[[list[Entry]], None]
    ) -> None:
        self._owners: dict[tuple[str, str, str], int] = {}
        self._entries = entries
        self.workers: list[Worker] = []
        try:
            for number, setup in enumerate(setups):
                self.workers.append(Worker(paths, partial(self._take, number)))
                self.workers[-1].send(encode_setup(setup))
        except BaseException:
            self.close()
            raise

    @property
    def dead(self) -> Worker | None:
        """One that has died, if any has."""
        return next((worker for worker in self.workers if not worker.alive), None)

    def tell(self, say: str, /, **content: Any) -> None:
        """Tell all of them."""
        for worker in self.workers:
            worker.send(encode_message(say, **content))

    def wait_for(self, say: str, timeout: float) -> list[dict[str, Any]]:
        """What each of them answers; ``timeout`` is for all together.

        Raises:
            LoadFailure: one of them is gone, has failed, or does not answer in time.
        """
        end = monotonic() + timeout
        return [worker.wait_for(say, max(0.0, end - monotonic())) for worker in self.workers]

    def verify(self, promises: Sequence[Acknowledgement], within: float, timeout: float) -> None:
        """Have each check the promises that were made to its users."""
        for number, worker in enumerate(self.workers):
            mine = [
                [each.journey, each.kind, each.id, each.at]
                for each in promises
                if self._owners.get((each.journey, each.kind, each.id), 0) == number
            ]
            worker.send(encode_message("verify", promises=mine, within=within))
        self.wait_for("verified", timeout)

    def close(self) -> None:
        """End all of them for sure; may be called again."""
        for worker in self.workers:
            worker.close()

    def _take(self, number: int, batch: list[Entry]) -> None:
        if number:
            for entry in batch:
                if isinstance(entry, Acknowledgement):
                    self._owners[entry.journey, entry.kind, entry.id] = number
        self._entries(batch)
