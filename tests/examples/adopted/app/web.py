"""The front: whatever the api says, with a greeting."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import urlopen


class Web(BaseHTTPRequestHandler):
    """Passes every request on to the api."""

    def do_GET(self) -> None:
        """Answer as the api does; 502 if it does not."""
        try:
            with urlopen("http://api:8000" + self.path, timeout=5) as answer:
                status, body = answer.status, answer.read()
        except HTTPError as refused:
            status, body = refused.code, refused.read()
        except OSError as error:
            status, body = 502, f"api: {error}\n".encode()
        self.send_response(status)
        self.send_header("X-Greeting", os.environ["GREETING"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", 8080), Web).serve_forever()
