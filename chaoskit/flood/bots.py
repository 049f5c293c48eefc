"""The clients of a flood: each has one connection, and at most one request under way."""

from __future__ import annotations

import selectors
import socket
import struct
from collections.abc import Callable

from chaoskit.flood.accounts import Accounts
from chaoskit.flood.answers import AnswerReader, Unreadable

_READ = selectors.EVENT_READ
_WRITE = selectors.EVENT_WRITE
_READ_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER without time: closing sends a reset, so that no connection stays in TIME_WAIT for a minute."""


def source_address(number: int) -> str:
    """The source address of client ``number`` (from 0), which no other client has. All of 127.0.0.0/8 is this
    machine.
    """
    high, low = divmod(number, 254)
    return f"127.{1 + high // 256}.{high % 256}.{low + 1}"


def claimed_address(number: int) -> str:
    """The address that client ``number`` claims in a header, from 198.18.0.0/15, for tests (RFC 2544)."""
    high, low = divmod(number, 254)
    return f"198.{18 + high // 256}.{high % 256}.{low + 1}"


def request(method: str, path: str, host: str, number: int) -> bytes:
    """The request of client ``number``."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: chaoskit-flood",
        "Accept: */*",
        f"X-Forwarded-For: {claimed_address(number)}",
    ]
    if method not in ("GET", "HEAD"):
        lines.append("Content-Length: 0")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class Bot:
    """One client.

    Args:
        text: the request that it sends again and again.
        target: the entry's address and port.
        source: its source address; empty for any.
        accounts: the counters that it adds to.
        selector: reports what happens to its connection.
        clock: returns the time, in seconds.
    """

    __slots__ = (
        "_accounts",
        "_bodiless",
        "_clock",
        "_reader",
        "_selector",
        "_socket",
        "_source",
        "_target",
        "_text",
        "asked_at",
        "connected",
        "happened",
    )

    def __init__(
        self,
        text: bytes,
        target: tuple[str, int],
        source: str,
        accounts: Accounts,
        selector: selectors.BaseSelector,
        clock: Callable[[], float],
    ) -> None:
        self._text, self._target, self._source = text, target, source
        self._accounts, self._selector, self._clock = accounts, selector, clock
        self._bodiless = text.startswith(b"HEAD ")
        self._reader = AnswerReader(bodiless=self._bodiless)
        self._socket: socket.socket | None = None
        self.connected = False
        """Whether the connection is established."""
        self.asked_at = 0.0
        """When the request under way was sent, or started to wait for a connection; 0 without a request."""
        # One bound method for all calls by the selector, instead of a new one for each.
        self.happened = self._happened

    def turn(self, now: float) -> None:
        """It is this client's turn to send a request."""
        if self.asked_at:
            self._accounts.held_back += 1
            return
        self.asked_at = now
        if self._socket is None:
            self._connect()
        else:
            self._send()

    def give_up(self) -> None:
        """Give up the request under way; the next turn opens a new connection."""
        if self.connected:
            self._accounts.given_up += 1
        else:
            self._accounts.failed_to_connect += 1
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            # The connection ends at once and for both sides, even with data under way.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._socket.close()
            self._socket, self.connected, self.asked_at = None, False, 0.0
            self._reader = AnswerReader(bodiless=self._bodiless)

    def _connect(self) -> None:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = made
        self._selector.register(made, _WRITE, self.happened)
        try:
            if self._source:
                made.bind((self._source, 0))
            made.connect(self._target)
        except BlockingIOError:
            return
        except OSError:
            self._accounts.failed_to_connect += 1
            self.close()
            return
        self._established(made)

    def _established(self, made: socket.socket) -> None:
        self._selector.modify(made, _READ, self.happened)
        self.connected = True
        self.asked_at = self._clock()
        self._send()

    def _send(self) -> None:
        assert self._socket is not None
        try:
            whole = self._socket.send(self._text) == len(self._text)
        except OSError:
            whole = False
        if whole:
            self._accounts.sent += 1
        else:
            # Nothing else is under way, so a full buffer is as bad as a connection that has ended.
            self._accounts.reset += 1
            self.close()

    def _happened(self) -> None:
        made = self._socket
        assert made is not None
        if not self.connected:
            if made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._accounts.failed_to_connect += 1
                self.close()
            else:
                self._established(made)
            return
        try:
            data = made.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._accounts.reset += bool(self.asked_at)
            self.close()
            return
        if data:
            self._read(data)
        else:
            self._ended()

    def _read(self, data: bytes) -> None:
        try:
            if not self.asked_at:
                raise Unreadable("an answer without a request")
            status = self._reader.feed(data)
        except Unreadable:
            self._accounts.unreadable += 1
            self.close()
            return
        if status:
            self._accounts.answer(status, self._clock() - self.asked_at)
            self.asked_at = 0.0
            if not self._reader.keeps:
                self.close()

    def _ended(self) -> None:
        if self.asked_at:
            if status := self._reader.end():
                self._accounts.answer(status, self._clock() - self.asked_at)
            elif self._reader.begun:
                self._accounts.unreadable += 1
            else:
                self._accounts.closed += 1
        self.close()
