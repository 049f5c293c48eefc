"""A Toxiproxy of the tests' own, which can misbehave in any way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PROXY = "api.db.5432"
LISTEN, UPSTREAM = "10.0.0.2:5432", "10.0.0.3:5432"


@dataclass
class Server:
    """A Toxiproxy with one proxy, as far as the adapter uses it.

    Attributes:
        answers: (method, path) → (status, body) that replaces its answer; a status of 0 is no answer.
        deaf: methods that change nothing although the answer says that they did.
        passwords: the Authorization headers that it received.
    """

    port: int = 0
    proxy: dict[str, Any] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.proxy = {"name": PROXY, "listen": LISTEN, "upstream": UPSTREAM, "enabled": True, "toxics": []}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        """Answer as Toxiproxy does."""
        self.calls.append(f"{method} {path}")
        if (method, path) in self.answers:
            return self.answers[method, path]
        if method not in self.deaf:
            self._change(method, path, body)
        if path == "/version":
            return 200, b'{"version": "2.12.0"}'
        if path == "/proxies" and method == "GET":
            return 200, json.dumps({PROXY: self.proxy}).encode()
        if method == "DELETE":
            return 204, b""
        return 200, json.dumps(self.proxy).encode()

    def _change(self, method: str, path: str, body: Any) -> None:
        if method == "PATCH":
            self.proxy.update(body)
        elif method == "POST" and path.endswith("/toxics"):
            self.proxy["toxics"].append(body)
        elif method == "POST":
            self.proxy = {**body, "toxics": []}
        elif method == "DELETE":
            name = path.rpartition("/")[2]
            self.proxy["toxics"] = [toxic for toxic in self.proxy["toxics"] if toxic["name"] != name]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that listens."""
    yield from _serve()


@pytest.fixture
def other() -> Iterator[Server]:
    """A second server that listens."""
    yield from _serve()


def _serve() -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            made.passwords += self.headers.get_all("Authorization") or []
            status, text = made.answer(self.command, self.path, body)
            if not status:
                made.released.wait(30)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815 - so the base class wants it

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        made.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.released.set()
        listener.shutdown()
        thread.join()
