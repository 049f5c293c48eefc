"""All Toxiproxy servers of a run; every change is read back and compared with the request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chaoskit.clock import Clock, MonotonicClock
from chaoskit.errors import NotReady, ToxiproxyFailure, UsageError
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy.api import ServedProxy, Server
from chaoskit.toxiproxy.units import NAME_PATTERN, from_wire, to_wire

_LOOK_INTERVAL = 0.05
"""Seconds between two attempts to reach a server that does not answer yet."""


@dataclass(frozen=True, slots=True)
class ProxyState:
    """The state of a proxy, from its server's answer.

    Attributes:
        name: its name, :attr:`chaoskit.system.Link.proxy`.
        listen: the ``ip:port`` on which it listens while it is enabled.
        upstream: the ``ip:port`` that it dials for each connection.
        enabled: whether it listens.
        toxics: its toxics, upstream first, each stream in the order in which data passes them.
    """

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[Toxic, ...] = ()


class Toxiproxies:
    """The servers by name; safe to use from several threads.

    Every method raises :class:`chaoskit.errors.ToxiproxyFailure` if the server cannot be reached,
    does not answer within the deadline, answers with an error, or afterwards has another state than
    the requested one.

    Args:
        servers: name → (host, port) of each server's API.
        deadline: seconds within which each call must connect, and again to be answered.
        clock: the time, for :meth:`wait_for`.
    """

    def __init__(
        self,
        servers: Mapping[str, tuple[str, int]] = MappingProxyType({}),
        *,
        deadline: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self._deadline = deadline
        self._clock = clock or MonotonicClock()
        self._lock = threading.Lock()
        self._servers: dict[str, Server] = {}
        for name, (host, port) in servers.items():
            self.add_server(name, host, port)

    def add_server(self, name: str, host: str, port: int) -> None:
        """Add a server, or change its address (a restart may change its published port)."""
        with self._lock:
            self._servers = {**self._servers, name: Server(name, host, port, self._deadline)}

    def wait_for(self, server: str, timeout: float) -> None:
        """Return when the server answers.

        Raises:
            NotReady: it did not answer within ``timeout`` seconds; with the last error.
        """
        until = self._clock.now() + timeout
        while True:
            try:
                self._server(server).version()
                return
            except ToxiproxyFailure as error:
                if self._clock.now() >= until:
                    raise NotReady(
                        f"Toxiproxy {server!r} does not answer",
                        where=self._server(server).where,
                        limit=f"{timeout:g} s",
                        evidence=str(error),
                        remedy="read its container's log (docker logs)",
                    ) from None
            self._clock.sleep(_LOOK_INTERVAL)

    def version(self, server: str) -> str:
        """A server's version; a server before 2.7 does not answer in JSON, which is an error here."""
        return self._server(server).version()

    def proxies(self, server: str) -> Mapping[str, ProxyState]:
        """All proxies of a server by name, in one call."""
        return {name: _state(proxy) for name, proxy in self._server(server).proxies().items()}

    def toxics(self, server: str, proxy: str) -> tuple[Toxic, ...]:
        """The toxics on a proxy, upstream first."""
        return _state(self._proxy(server, proxy).read()).toxics

    def create(self, server: str, name: str, *, listen: str, upstream: str, enabled: bool) -> None:
        """Create a proxy.

        Raises:
            UsageError: its name does not fit into the API's paths.
            ToxiproxyFailure: a proxy with that name exists, or its address is taken.
        """
        if not NAME_PATTERN.fullmatch(name):
            raise UsageError(f"a proxy cannot be called {name!r}", remedy="use A-Z a-z 0-9 _ . ~ - only")
        asked = ProxyState(name, listen, upstream, enabled)
        made = self._server(server).create(upstream, name, listen, enabled)
        _read_back(made, lambda state: _same(state, asked), f"created as {asked}")

    def enable(self, server: str, proxy: str) -> None:
        """Let a proxy listen. A proxy that already listens is left alone."""
        found = self._proxy(server, proxy)
        found.enable()
        _read_back(found, lambda state: state.enabled, "enabled")

    def disable(self, server: str, proxy: str) -> None:
        """Stop a proxy listening, and close its connections."""
        found = self._proxy(server, proxy)
        found.disable()
        _read_back(found, lambda state: not state.enabled, "disabled")

    def add_toxic(self, server: str, proxy: str, toxic: Toxic) -> None:
        """Put a toxic on a proxy, after the existing ones on the same stream.

        Raises:
            UsageError: Toxiproxy does not know the toxic or cannot express it; nothing was sent.
            ToxiproxyFailure: among others, the proxy already has a toxic with that name.
        """
        sent = to_wire(toxic)
        expected = from_wire(sent)
        found = self._proxy(server, proxy)
        found.add_toxic(**sent)
        _read_back(found, lambda state: expected in state.toxics, f"given {expected}")

    def remove_toxic(self, server: str, proxy: str, name: str) -> None:
        """Take a toxic off a proxy; a missing toxic is not an error.

        When a ``timeout`` is taken off, Toxiproxy closes the connections that it held.
        """
        found = self._proxy(server, proxy)
        found.destroy_toxic(name)
        _read_back(found, lambda state: name not in [it.name for it in state.toxics], f"freed of {name!r}")

    def reset(self) -> None:
        """Take every toxic off every proxy of all servers, and read back that they are gone.

        This does not use ``POST /reset``, which also enables every proxy: ``enabled`` shows whether a
        provider listens, and cuts use it. A server that fails does not stop the reset of the others.
        """
        failures = []
        for server in tuple(self._servers):
            try:
                for proxy in self.proxies(server).values():
                    for toxic in _safely_ordered(proxy.toxics):
                        self.remove_toxic(server, proxy.name, toxic.name)
                left = [state.name for state in self.proxies(server).values() if state.toxics]
                if left:
                    failures.append(f"{server}: toxics are still on {', '.join(left)}")
            except ToxiproxyFailure as error:
                failures.append(f"{server}: {error}")
        if failures:
            raise ToxiproxyFailure(
                "some toxics could not be removed",
                where=", ".join(self._servers),
                evidence="\n".join(failures),
                remedy="restart the system, because its state is now unknown",
            )

    def _proxy(self, server: str, name: str) -> ServedProxy:
        return ServedProxy(self._server(server), name)

    def _server(self, name: str) -> Server:
        try:
            return self._servers[name]
        except KeyError:
            raise ToxiproxyFailure(
                f"there is no Toxiproxy called {name!r}",
                evidence=f"known Toxiproxies: {', '.join(self._servers) or 'none'}",
                remedy="use one of these names",
            ) from None


def _read_back(proxy: ServedProxy, holds: Callable[[ProxyState], bool], asked: str) -> None:
    """Read a changed proxy's state from the server, whose answer to the change itself is not a proof."""
    state = _state(proxy.read())
    if not holds(state):
        raise ToxiproxyFailure(
            f"the proxy {proxy.name!r} was not {asked}, although Toxiproxy accepted the call",
            where=f"Toxiproxy {proxy.server.name!r} at {proxy.server.where}",
            evidence=f"its state is {state}",
            remedy="check whether another program changes this Toxiproxy at the same time",
        )


def _safely_ordered(toxics: tuple[Toxic, ...]) -> list[Toxic]:
    """The toxics in a safe order of removal: ``timeout`` last, because removing it closes its connections.

    A toxic in front of a closed one can block for ever while it hands on its data, and removing a blocked
    toxic hangs the API.
    """
    return sorted(toxics, key=lambda toxic: toxic.kind == "timeout")


def _same(state: ProxyState, asked: ProxyState) -> bool:
    """Whether a state is the requested one; Go writes all interfaces as ``[::]``, and resolves port 0."""
    if (state.upstream, state.enabled, state.toxics) != (asked.upstream, asked.enabled, asked.toxics):
        return False
    (host, _, port), (asked_host, _, asked_port) = state.listen.rpartition(":"), asked.listen.rpartition(":")
    return (host == asked_host or host == "[::]") and asked_port in (port, "0")


def _state(proxy: ServedProxy) -> ProxyState:
    toxics = sorted(proxy.toxics().values(), key=lambda toxic: toxic.stream, reverse=True)
    return ProxyState(proxy.name, proxy.listen, proxy.upstream, bool(proxy.enabled), tuple(toxics))
