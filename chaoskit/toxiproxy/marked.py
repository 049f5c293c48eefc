"""Toxiproxy servers that others use as well: a run sees and removes only the toxics with its own mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chaoskit.clock import Clock
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy.servers import ProxyState, Toxiproxies


class Marked(Toxiproxies):
    """Servers on which the name of each added toxic gets a mark as its prefix.

    The caller sees only the marked toxics, under the names without the mark. No other toxic is ever
    removed, not even by :meth:`reset`. So two runs that share a server do not see each other.

    Args:
        mark: the prefix of the names of this run's toxics in Toxiproxy.
        servers, deadline, clock: as for :class:`Toxiproxies`.
    """

    def __init__(
        self,
        mark: str,
        servers: Mapping[str, tuple[str, int]],
        *,
        deadline: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(servers, deadline=deadline, clock=clock)
        self._mark = mark

    def everything(self, server: str) -> Mapping[str, ProxyState]:
        """All proxies with the toxics of all users, under the names that the server has."""
        return super().proxies(server)

    def proxies(self, server: str) -> Mapping[str, ProxyState]:
        """All proxies by name, with this run's toxics only."""
        states = super().proxies(server)
        return {name: replace(each, toxics=self._ours(each.toxics)) for name, each in states.items()}

    def toxics(self, server: str, proxy: str) -> tuple[Toxic, ...]:
        """This run's toxics on a proxy."""
        return self._ours(super().toxics(server, proxy))

    def add_toxic(self, server: str, proxy: str, toxic: Toxic) -> None:
        """Put a toxic on a proxy, after the existing ones on the same stream."""
        super().add_toxic(server, proxy, replace(toxic, name=self._mark + toxic.name))

    def remove_toxic(self, server: str, proxy: str, name: str) -> None:
        """Take a toxic of this run off a proxy; a missing toxic is not an error."""
        super().remove_toxic(server, proxy, self._mark + name)

    def _ours(self, toxics: Iterable[Toxic]) -> tuple[Toxic, ...]:
        return tuple(
            replace(each, name=each.name.removeprefix(self._mark))
            for each in toxics
            if each.name.startswith(self._mark)
        )
