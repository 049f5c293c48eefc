"""Greets whoever connects; its port stands nowhere but here."""

import socketserver


class Mailer(socketserver.StreamRequestHandler):
    """One line in, one line out."""

    def handle(self) -> None:
        """Greet."""
        self.rfile.readline()
        self.wfile.write(b"250 mailer\r\n")


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("0.0.0.0", 2525), Mailer).serve_forever()
