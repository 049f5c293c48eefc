"""Visits in one redis, carts in another, mail by a service that says its greeting."""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = Path("/run/secrets/api_key").read_text().strip()


def ask(host, port, line):
    with socket.create_connection((host, port), timeout=2) as connection:
        connection.sendall(line.encode() + b"\r\n")
        answer = connection.makefile().readline().strip()
        if not answer:
            raise ConnectionError(f"{host} said nothing")
        return answer


def attempt(*question):
    try:
        return ask(*question)
    except OSError as error:
        return type(error).__name__


class Api(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            answer = {}
        elif self.path == "/mail":
            answer = {"mail": attempt("mailer", 2525, "HELO api")}
        else:
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
