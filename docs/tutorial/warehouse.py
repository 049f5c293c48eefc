"""Counts what is in stock, which takes a while."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shelves(BaseHTTPRequestHandler):
    """Answers every GET with the same shelves."""

    def do_GET(self) -> None:
        """Count, then answer."""
        time.sleep(0.15)
        body = b"7 swords, 3 shields\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Not every request is worth a line."""


ThreadingHTTPServer(("", 9000), Shelves).serve_forever()
