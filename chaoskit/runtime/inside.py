"""Reading a component's sockets from inside, where the engine's processes are not to be seen from here."""

from __future__ import annotations

from collections.abc import Iterable

import docker

from chaoskit.runtime.engine import ENGINE_ERRORS
from chaoskit.runtime.listening import Sockets, of_output

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


class InsideReader:
    """A :class:`chaoskit.runtime.listening.Reader` that runs ``cat`` in the container.

    Args:
        client: the engine.
        container: the container's id.
        declared: ports that count as listening where the image has no ``cat``, so that nothing
            can be known.
    """

    def __init__(self, client: docker.DockerClient, container: str, declared: Iterable[int]) -> None:
        self._api = client.api
        self._container = container
        self._declared = frozenset(declared)
        self._last: Sockets | None = None

    def changed(self) -> bool:
        """There is no cheap way to know."""
        return True

    def read(self, served: frozenset[int]) -> Sockets | None:
        """What is there now, or the last reading if there is none: paused, or between two starts."""
        try:
            execution = self._api.exec_create(self._container, ["cat", *_TABLES])["Id"]
            output: bytes = self._api.exec_start(execution)
        except ENGINE_ERRORS:
            return self._last
        if b"local_address" in output:
            self._last = of_output(output.decode(errors="replace"))
        else:
            self._last = Sockets(self._declared)
        return self._last
