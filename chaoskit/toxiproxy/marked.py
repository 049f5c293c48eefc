"""Toxiproxy servers that others use too: of their toxics, only those with our mark exist for us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chaoskit.clock import Clock
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy.servers import ProxyState, Toxiproxies


class Marked(Toxiproxies):
    """The same servers, in which each toxic that is added gets a mark before its name.

    Whoever asks is told of the marked toxics alone, under the names he gave them; no other is ever
    removed, by :meth:`reset` neither. So two who share a server do not see each other.

    Args:
        mark: what the names of our toxics begin with in Toxiproxy.
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
        """All proxies with all their toxics, whoever put them there, as the server names them."""
        return super().proxies(server)

    def proxies(self, server: str) -> Mapping[str, ProxyState]:
        """All proxies by name, with our toxics."""
        told = super().proxies(server)
        return {name: replace(each, toxics=self._ours(each.toxics)) for name, each in told.items()}

    def toxics(self, server: str, proxy: str) -> tuple[Toxic, ...]:
        """Our toxics on a proxy."""
        return self._ours(super().toxics(server, proxy))

    def add_toxic(self, server: str, proxy: str, toxic: Toxic) -> None:
        """Put a toxic on a proxy, behind those that are there on the same stream."""
        super().add_toxic(server, proxy, replace(toxic, name=self._mark + toxic.name))

    def remove_toxic(self, server: str, proxy: str, name: str) -> None:
        """Take one of ours off; one that is not there is no error."""
        super().remove_toxic(server, proxy, self._mark + name)

    def _ours(self, toxics: Iterable[Toxic]) -> tuple[Toxic, ...]:
        return tuple(
            replace(each, name=each.name.removeprefix(self._mark))
            for each in toxics
            if each.name.startswith(self._mark)
        )
