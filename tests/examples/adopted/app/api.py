"""Visits in one redis, carts in another, mail by a service that says its greeting."""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = Path("/run/secrets/api_key").read_text().strip()


def ask(host: str, port: int, line: str) -> str:
    """Send a line and give back the first of the answer."""
    with socket.create_connection((host, port), timeout=2) as connection:
        connection.sendall(line.encode() + b"\r\n")
        answer = connection.makefile().readline().strip()
        if not answer:
            raise ConnectionError(f"{host} said nothing")
        return answer


def attempt(host: str, port: int, line: str) -> str:
    """The answer, or the name of the error."""
    try:
        return ask(host, port, line)
    except OSError as error:
        return type(error).__name__


class Api(BaseHTTPRequestHandler):
    """Asks the others, each for itself: one that is away does not keep the rest from answering."""

    def do_GET(self) -> None:
        """Answer with what each of them said, or the error's name."""
        answer: dict[str, str] = {}
        if self.path == "/mail":
            answer = {"mail": attempt("mailer", 2525, "HELO api")}
        elif self.path != "/health":
            answer = {
                "users": attempt("user_db", 6379, "INCR visits"),
                "carts": attempt("cart_store", 6379, "DECR carts"),
                "key": KEY,
            }
        body = json.dumps(answer).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", 8000), Api).serve_forever()
