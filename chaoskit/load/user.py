"""The users of a journey: HTTP clients with a memory, who come back."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx

from chaoskit.load.http.client import Client


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
        accessed: told of each write and read as ``(user, kind, id, wrote, version)``.

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
        accessed: Callable[[User, str, str, bool, int | None], None],
    ) -> None:
        super().__init__(base_url=base_url, transport=transport, timeout=None, trust_env=False)
        self.id = number
        self._seed = seed
        self.state: dict[str, Any] = {}
        self.journey = journey
        self._acknowledged = acknowledged
        self._accessed = accessed

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

    def wrote(self, kind: str, id: object, version: int) -> None:
        """Say that this user's write was confirmed: from here on, a read must show it.

        Args:
            kind: what was written: ``orders``, ``profile``.
            id: which one, unique within its kind; kept as text.
            version: a whole number that only grows: a revision, how many orders there are now.

        Raises:
            TypeError: ``version`` is no whole number.
        """
        self._accessed(self, str(kind), str(id), True, _whole(version))

    def read(self, kind: str, id: object, version: int | None) -> None:
        """Say which version this user has just seen, by a request that began after everything that
        this user said before.

        Args:
            kind: what was read.
            id: which one.
            version: what was shown; ``None`` if it was not there at all.

        Raises:
            TypeError: ``version`` is neither a whole number nor ``None``.
        """
        self._accessed(self, str(kind), str(id), False, None if version is None else _whole(version))


def _whole(version: object) -> int:
    if not isinstance(version, int) or isinstance(version, bool):
        raise TypeError(f"a version is a whole number that only grows, not {version!r}")
    return version


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
