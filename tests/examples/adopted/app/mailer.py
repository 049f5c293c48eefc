"""Greets whoever connects; its port stands nowhere but here."""

import socketserver


class Mailer(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        self.wfile.write(b"250 mailer\r\n")


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("0.0.0.0", 2525), Mailer).serve_forever()
