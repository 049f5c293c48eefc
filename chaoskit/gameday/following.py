"""A history that lasts all day, and histories of a part of it for those who judge that part."""

from __future__ import annotations

import math
import threading

from chaoskit.history import Access, Acknowledgement, Check, History, Mark, Sample

Entry = Sample | Mark | Acknowledgement | Check | Access


class Excerpt(History):
    """What happened since a moment, as far as :attr:`until`.

    Attributes:
        since: requests that were due earlier are left out, and so is what was seen earlier.
        until: those that were due at this moment or later, too.
    """

    def __init__(self, since: float) -> None:
        super().__init__()
        self.since = since
        self.until = math.inf

    def take(self, *entries: Entry) -> None:
        """Append those entries that belong to it."""
        self.add(*(each for each in entries if self._mine(each)))

    def _mine(self, entry: Entry) -> bool:
        if isinstance(entry, Sample):
            return self.since <= entry.intended < self.until
        if isinstance(entry, Check):
            return True
        return self.since <= entry.at < self.until


class DayHistory(History):
    """A history others can follow."""

    def __init__(self) -> None:
        super().__init__()
        self._gate = threading.Lock()
        self._followers: list[Excerpt] = []

    def add(self, *entries: Entry) -> None:
        """Append entries, and hand them on to every excerpt that is open."""
        with self._gate:
            super().add(*entries)
            for each in self._followers:
                each.take(*entries)

    def follow(self, since: float) -> Excerpt:
        """An excerpt from ``since`` on, that grows with this history until :meth:`leave`."""
        found = Excerpt(since)
        with self._gate:
            for column in self.columns(since).values():
                found.take(*column)
            found.take(*self.acknowledgements, *self.accesses)
            self._followers.append(found)
        return found

    def leave(self, excerpt: Excerpt) -> None:
        """The excerpt grows no more."""
        with self._gate:
            if excerpt in self._followers:
                self._followers.remove(excerpt)
