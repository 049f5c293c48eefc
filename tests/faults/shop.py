"""A service in memory whose replicas tell their release over HTTP, and take time to get ready."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chaoskit.errors import NotReady
from chaoskit.runtime.memory import MemoryRuntime


class Shop(MemoryRuntime):
    """``api-1`` to ``api-n`` and a cache; a replica that has started is ready only once it was waited for.

    Args:
        replicas: the number of replicas.
    """

    def __init__(self, replicas: int = 2) -> None:
        self.names = [f"api-{number}" for number in range(1, replicas + 1)]
        super().__init__(
            [*(f"{name}=api" for name in self.names), "cache"],
            [*(("outside", name, 80) for name in self.names), ("api-1", "cache", 6379)],
            environments={name: {"RELEASE": "1", "HOME": "/"} for name in self.names},
        )
        self.stuck: set[str] = set()
        """Values of RELEASE with which no replica ever gets ready."""
        self.deaf: set[str] = set()
        """Replicas that answer with 404."""
        self.fixed = ""
        """What every replica answers whatever its release; empty for the release itself."""
        self.fewest = replicas
        """The fewest replicas that were ready at any moment."""
        self.server: tuple[str, int] = ("127.0.0.1", 1)
        self.start()
        self.wait_ready()
        self.log.clear()

    def _do(self, operation: str, target: str = "") -> None:
        super()._do(operation, target)
        if operation not in ("start", "ready"):
            others = [name for name in self.names if name != target and self.state(name).serving]
            self.fewest = min(self.fewest, len(others))

    def start_component(self, component: str) -> None:
        """The component runs, and is not healthy yet."""
        super().start_component(component)
        self._change(component, lambda state: replace(state, health="starting"))

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """The component runs as another release, and is not healthy yet."""
        super().replace(component, image=image, environment=environment, grace=grace)
        self._change(component, lambda state: replace(state, health="starting"))

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Components get ready within two seconds, unless their release never does."""
        names = list(components or [each.name for each in self.components])
        self._do("ready", " ".join(names))
        for name in names:
            if self.environment(name).get("RELEASE") in self.stuck:
                self.clock.sleep(timeout)
                raise NotReady(
                    f"{name} is not ready", where=name, limit=f"{timeout:g} s", evidence="no such table"
                )
        self.clock.sleep(2.0)
        for name in names:
            self._change(name, lambda state: replace(state, health="healthy"))
        super().wait_ready(components, timeout)

    def address(self, component: str, port: int) -> tuple[str, int]:
        """A server of this process for port 80; no server for the other ports."""
        return self.server if port == 80 else ("127.0.0.1", 1)


@contextmanager
def answering(shop: Shop) -> Iterator[Shop]:
    """``/version`` answers with the release of the component that the request names as its host."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = str(self.headers["Host"])
            there = self.path == "/version" and shop.state(name).status == "running"
            body = json.dumps({"version": shop.fixed or shop.environment(name)["RELEASE"], "name": name})
            self.send_response(200 if there and name not in shop.deaf else 404)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """No log: no test reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop.server = ("127.0.0.1", server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield shop
        server.shutdown()
        thread.join()


def in_turn(do: Callable[[str], None], names: Sequence[str]) -> None:
    """Call a function for each component, one after the other."""
    for name in names:
        do(name)
