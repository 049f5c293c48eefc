"""The users of a journey: HTTP clients with a memory, who come back."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx

from chaoskit.load.client import Client


class User(Client):
    """Who runs a journey: an ``httpx.AsyncClient`` with cookies of its own.

    Its base URL is the journey's entry point. There is no time-out per request beside the ones
    that a journey asks for: the journey's own bounds all of it.

    Args:
        number: this user's number within the journey.
        journey: the journey's name.
        seed: the run's seed.
        base_url: the journey's entry point.
        transport: what carries the requests; shared by all users.
        acknowledged: told of each promise as ``(user, kind, id)``.

    Attributes:
        id: this user's number within the journey, from 0.
        state: this user's memory between runs of the journey: signed in? what is in the cart?
    """

    def __init__(
        self,
        number: int,
        *,
        journey: str,
        seed: int,
        base_url: httpx.URL | str,
        transport: httpx.AsyncBaseTransport,
        acknowledged: Callable[[User, str, str], None],
    ) -> None:
        super().__init__(base_url=base_url, transport=transport, timeout=None, trust_env=False)
        self.id = number
        self._seed = seed
        self.state: dict[str, Any] = {}
        self.journey = journey
        self._acknowledged = acknowledged

    def another(self, number: int) -> User:
        """The next user of the same journey, who remembers nothing of this one.

        Call it on one who has done nothing yet.
        """
        user = self.twin()
        user.id, user.state = number, {}
        return user

    @cached_property
    def random(self) -> random.Random:
        """This user's own dice, seeded by the run's seed, the journey and the id."""
        return random.Random(f"{self._seed}/{self.journey}/{self.id}")

    def acknowledge(self, kind: str, id: object) -> None:
        """Enter a promise of the system in the ledger: from here on, ``id`` must stay true.

        Args:
            kind: what was promised: ``order``, ``upload``.
            id: which one, unique within its kind; kept as text.
        """
        self._acknowledged(self, str(kind), str(id))


class Crowd:
    """The users of one journey. Each runs one arrival at a time; the one idle longest is next.

    Args:
        population: users to make before any of them comes back. It is made in the first arrivals,
            so that no newcomers (who sign in first) come just because a stall keeps the others.
        make: makes the user of a number.
    """

    def __init__(self, population: int, make: Callable[[int], User]) -> None:
        self._population = population
        self._make = make
        self._idle: deque[User] = deque()
        self._made = 0

    def take(self) -> User:
        """A user who is not busy."""
        if self._idle and self._made >= self._population:
            return self._idle.popleft()
        self._made += 1
        return self._make(self._made - 1)

    def give_back(self, user: User) -> None:
        """They are done."""
        self._idle.append(user)
