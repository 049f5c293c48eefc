"""The front page: what is in stock, remembered in the cache for five seconds."""

import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import redis

cache = redis.Redis(host="cache")


def ask_the_warehouse() -> bytes:
    """What is in stock; slow."""
    with urllib.request.urlopen("http://warehouse:9000/", timeout=2) as answer:
        return answer.read()


def stock() -> bytes:
    """What is in stock, as of the last five seconds."""
    known = cache.get("stock")
    if known is None:
        known = ask_the_warehouse()
        cache.set("stock", known, ex=5)
    return known


class Page(BaseHTTPRequestHandler):
    """Answers every GET with what is in stock, or with 500."""

    def do_GET(self) -> None:
        """Answer."""
        try:
            status, body = 200, stock()
        except Exception as error:
            status, body = 500, f"{type(error).__name__}: {error}\n".encode()
            print(body.decode(), end="")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Not every request is worth a line."""


ThreadingHTTPServer(("", 8080), Page).serve_forever()
