"""Asking an entry whether it speaks HTTP, and on which path it answers."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chaoskit.clock import ManualClock
from chaoskit.starter.entries import ask, candidates

ROUTES = {
    "/": (302, "/home"),
    "/home": (200, ""),
    "/away": (302, "http://example.com/"),
    "/circle": (301, "/circle"),
    "/broken": (500, ""),
    "/absolute": (307, "HOST/home?x=1"),
}


class Site(BaseHTTPRequestHandler):
    """Answers by the table; the first request for /late fails, the second does not."""

    late = 0

    def do_GET(self) -> None:
        """Answer."""
        status, location = ROUTES.get(self.path.partition("?")[0], (404, ""))
        if self.path == "/late":
            type(self).late += 1
            status = 503 if type(self).late == 1 else 204
        self.send_response(status)
        if location:
            self.send_header("Location", location.replace("HOST", f"http://{self.headers['Host']}"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[str]:
    """A server in a thread; its address."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        host, port = server.socket.getsockname()[:2]
        yield f"{host}:{port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a web site."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Site)) as address:
        yield address


@pytest.mark.parametrize(
    ("paths", "path", "says"),
    [
        (["/"], "/home", "/ leads to /home, which answers 200"),
        (["/nothing", "/home"], "/home", "/home answers 200"),
        (["/absolute"], "/home?x=1", "/absolute leads to /home?x=1, which answers 200"),
        (["/nothing", "/away"], None, "/nothing answers 404; /away redirects away to http://example.com"),
        (["/circle"], None, "redirects more than 5 times"),
        (["/broken"], None, "/broken answers 500"),
        (["/late"], "/late", "/late answers 204"),
    ],
)
def test_the_first_path_that_answers_is_taken(
    site: str, paths: list[str], path: str | None, says: str
) -> None:
    """Redirects are followed within the entry and never away from it, a server that is not ready yet is
    asked again, and the answers are reported.
    """
    answer = ask(site, paths, ManualClock())
    assert answer.path == path
    assert says in answer.says


class Greeter(socketserver.StreamRequestHandler):
    """Speaks first, and does not speak HTTP."""

    def handle(self) -> None:
        """Greet, and wait."""
        self.wfile.write(b"220 mail ready\r\n")
        self.rfile.read()


def test_a_port_of_another_protocol_is_told_apart() -> None:
    """A mail server is asked once, and reported as not speaking HTTP."""
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter)) as address:
        answer = ask(address, ["/", "/health"], ManualClock())
    assert (answer.path, answer.says) == (None, "does not speak HTTP")


def test_a_port_that_refuses_is_asked_again_for_a_while() -> None:
    """A port at which no process listens is asked for 15 seconds, and then reported."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    clock = ManualClock()
    answer = ask(f"127.0.0.1:{port}", ["/"], clock)
    assert answer.path is None
    assert "cannot be asked (ConnectionRefusedError)" in answer.says
    assert clock.now() >= 15


def test_pages_come_before_health_checks_and_others_before_ones_own() -> None:
    """Paths that lead further into a system come early, and the paths that the user names come first."""
    config = {
        "services": {
            "web": {"healthcheck": {"test": ["CMD", "curl", "-f", "http://127.0.0.1/own"]}},
            "api": {
                "healthcheck": {"test": ["CMD-SHELL", "python -c \"u('http://localhost:8000/deep?x=1')\""]}
            },
            "db": {"healthcheck": {"test": ["CMD", "pg_isready"]}},
        }
    }
    found = candidates("web", config, ["/mine"])
    assert found[:2] == ("/mine", "/")
    assert found.index("/login") < found.index("/deep?x=1") < found.index("/health") < found.index("/own")
