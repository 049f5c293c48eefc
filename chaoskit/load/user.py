"""The users of a journey: HTTP clients with a memory, which come back."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx

from chaoskit.load.http.client import Client


class User(Client):
    """A user who runs a journey: an ``httpx.AsyncClient`` with cookies of its own.

    Its base URL is the journey's entry. Requests have no time-out of their own unless the journey asks
    for one; the journey's time-out bounds the whole run.

    Args:
        number: this user's number within the journey.
        journey: the journey's name.
        seed: the run's seed.
        base_url: the journey's entry.
        transport: carries the requests; shared by all users.
        acknowledged: called with ``(user, kind, id)`` for each acknowledgement.
        accessed: called with ``(user, kind, id, wrote, version)`` for each write and read.

    Attributes:
        id: this user's number within the journey, from 0.
        state: this user's memory between runs of the journey, such as whether it has signed in.
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
        """Another user of the same journey, who shares no memory with this one.

        Call it on a user who has done nothing yet.
        """
        user = self.twin()
        user.id, user.state = number, {}
        return user

    @cached_property
    def random(self) -> random.Random:
        """This user's own random numbers, seeded by the run's seed, the journey and the id."""
        return random.Random(f"{self._seed}/{self.journey}/{self.id}")

    def acknowledge(self, kind: str, id: object) -> None:
        """Say that the system has confirmed something to this user: from here on it must stay true.

        Args:
            kind: what was confirmed, such as ``order`` or ``upload``.
            id: which one, unique within its kind; kept as text.
        """
        self._acknowledged(self, str(kind), str(id))

    def wrote(self, kind: str, id: object, version: int) -> None:
        """Say that this user's write was confirmed: from here on, a read must show it.

        Args:
            kind: what was written, such as ``orders`` or ``profile``.
            id: which one, unique within its kind; kept as text.
            version: a whole number that only grows, such as a revision or the number of orders.

        Raises:
            TypeError: ``version`` is not a whole number.
        """
        self._accessed(self, str(kind), str(id), True, _whole_number(version))

    def read(self, kind: str, id: object, version: int | None) -> None:
        """Say which version this user has just seen. The request must have started after everything
        that this user reported before.

        Args:
            kind: what was read.
            id: which one.
            version: the version that was shown; ``None`` if nothing was found.

        Raises:
            TypeError: ``version`` is neither a whole number nor ``None``.
        """
        self._accessed(self, str(kind), str(id), False, None if version is None else _whole_number(version))


def _whole_number(version: object) -> int:
    if not isinstance(version, int) or isinstance(version, bool):
        raise TypeError(f"a version is a whole number that only grows, not {version!r}")
    return version


class Crowd:
    """The users of one journey. Each runs one arrival at a time. The one that was idle longest is next.

    Args:
        population: how many users to make before any of them comes back. The first arrivals make all of
            them, so that a stall, which keeps users busy, brings no newcomers who sign in first.
        make: makes the user with a number.
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
        """The user's run is over."""
        self._idle.append(user)
