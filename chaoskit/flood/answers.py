"""A reader of HTTP/1.1 answers that knows only their status and where each one ends.

The framing is that of RFC 9112, section 6.3. Bodies are counted and thrown away.
"""

from __future__ import annotations

import re

MOST_HEAD_BYTES = 65_536
"""The most bytes of a head, of a chunk's size line or of a trailer."""

_UNTIL_CLOSE = -1
"""The length of a body that ends with the connection."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked[ \t]*(?=\r\n|$)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[ \t]*([^\r]*)", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d\d\d)(?: [^\r]*)?(?=\r\n|$)")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r]*)?")


class Unreadable(Exception):
    """The data is not an HTTP/1.1 answer, or is more than the one answer that was asked for."""


class AnswerReader:
    """Reads one answer after the other from one connection.

    Args:
        bodiless: the requests are HEAD: answers have no body, whatever their head says.
    """

    __slots__ = ("_bodiless", "_chunked", "_left", "_status", "_text", "_trailer", "begun", "keeps")

    def __init__(self, *, bodiless: bool = False) -> None:
        self._bodiless = bodiless
        self.keeps = True
        """Whether the last answer allows another request on the connection."""
        self.begun = False
        """Whether part of an answer has arrived."""
        self._text = b""
        self._status = 0
        self._left = 0
        self._chunked = self._trailer = False

    def feed(self, data: bytes) -> int:
        """Take in data; returns the status if the data completes the answer, else 0.

        Raises:
            Unreadable: the data is not an answer, or goes on after the end of the answer.
        """
        self.begun = True
        if not self._status:
            data = self._read_head(self._text + data if self._text else data)
            if not self._status:
                return 0
        if self._chunked:
            return self._read_chunks(data)
        if self._left == _UNTIL_CLOSE:
            return 0
        if len(data) > self._left:
            raise Unreadable("more than one answer")
        self._left -= len(data)
        return 0 if self._left else self._complete()

    def end(self) -> int:
        """The connection was closed; returns the status if the answer lasts until then, else 0."""
        return self._complete() if self._status and self._left == _UNTIL_CLOSE else 0

    def _complete(self) -> int:
        status, self._status = self._status, 0
        self._text, self.begun, self._chunked = b"", False, False
        return status

    def _read_head(self, text: bytes) -> bytes:
        """Look for the end of the head; returns the data after it, or nothing if the end is missing."""
        end = text.find(b"\r\n\r\n")
        if end < 0:
            if len(text) > MOST_HEAD_BYTES or not text.startswith(b"HTTP/1."[: len(text)]):
                raise Unreadable("not an HTTP/1.1 answer")
            self._text = text
            return b""
        head, rest = text[:end], text[end + 4 :]
        line = _STATUS.match(head)
        if not line:
            raise Unreadable("not an HTTP/1.1 status line")
        status = int(line[2])
        if 100 <= status < 200:  # an interim answer: the final one follows
            self._text = b""
            return self._read_head(rest) if rest else b""
        self._status = status
        said = _CONNECTION.search(head)
        words = said[1].lower() if said else b""
        self.keeps = b"close" not in words and (line[1] == b"1" or b"keep-alive" in words)
        if self._bodiless or status in (204, 304):
            self._left = 0
        elif _CHUNKED.search(head):
            self._chunked, self._trailer, self._left, self._text = True, False, 0, b""
        elif length := _LENGTH.search(head):
            self._left = int(length[1])
        else:
            self._left, self.keeps = _UNTIL_CLOSE, False
        return rest

    def _read_chunks(self, data: bytes) -> int:
        """Read chunks, RFC 9112, section 7.1. ``_left`` counts a chunk and the end of line after it."""
        text = data
        while text:
            if self._left:
                taken = min(self._left, len(text))
                self._left -= taken
                text = text[taken:]
                continue
            text, self._text = self._text + text, b""
            end = text.find(b"\r\n")
            if end < 0:
                if len(text) > MOST_HEAD_BYTES:
                    raise Unreadable("a chunk without a size")
                self._text = text
                return 0
            line, text = text[:end], text[end + 2 :]
            if self._trailer:
                if line:
                    continue
                if text:
                    raise Unreadable("more than one answer")
                return self._complete()
            size = _SIZE.fullmatch(line)
            if not size:
                raise Unreadable("a chunk without a size")
            length = int(size[1], 16)
            self._trailer = length == 0
            self._left = length + 2 if length else 0
        return 0
