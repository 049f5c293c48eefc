"""Connections on a transport that only takes notes: what the parser makes of any bytes, cut anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import httpx
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.load.http.connection import MOST_HEAD_BYTES, MOST_HELD_BYTES, Connection
from chaoskit.load.http.messages import PendingAnswer


class Paper(asyncio.Transport):
    """A transport that takes notes."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        self.sent = b""
        self.closed = self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note it."""
        self.sent += data

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Note it."""
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        """Note it."""
        self.paused = True

    def resume_reading(self) -> None:
        """Note it."""
        self.paused = False


class Desk:
    """A connection, its transport, and what its owner was told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.connection = Connection("shop:80", self)
        self.transport = Paper(self.connection)
        self.connection.connection_made(self.transport)

    def joined(self, connection: Connection) -> None:
        """Note it."""
        self.told.append("joined")

    def left(self, connection: Connection) -> None:
        """Note it."""
        self.told.append("left")

    def freed(self, connection: Connection) -> None:
        """Note it."""
        self.told.append("freed")

    def feed(self, *pieces: bytes) -> None:
        """What comes in, as the event loop would hand it over."""
        for piece in pieces:
            for start in range(0, len(piece), 1 << 16):
                part = piece[start : start + (1 << 16)]
                if self.transport.closed:
                    return
                self.connection.get_buffer(-1)[: len(part)] = part
                self.connection.buffer_updated(len(part))

    def ask(self, *pieces: bytes, head: bool = False, whole: bool = True, eof: bool = False) -> PendingAnswer:
        """Send a request, and have it answered."""
        answer = PendingAnswer(whole=whole, bodiless=head)
        self.connection.send(b"GET / HTTP/1.1\r\n\r\n", answer)
        self.feed(*pieces)
        if eof and not self.transport.closed:
            self.connection.connection_lost(None)
        return answer


def read(answer: PendingAnswer) -> tuple[object, ...]:
    """Everything that is visible of an answer."""
    return (
        answer.status,
        answer.reason,
        answer.version,
        answer.headers,
        b"".join(answer.body),
        answer.headed,
        answer.complete,
        answer.error,
    )


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data, cut at these places."""
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[low:high] for low, high in pairwise(edges) if high > low]


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEF-", min_size=1, max_size=12).map(str.encode)
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map(str.encode)
FRAMING = {b"content-length", b"transfer-encoding", b"connection", b"upgrade"}


class Made(NamedTuple):
    """An answer as bytes, whether it ends with the connection, its headers and its body."""

    data: bytes
    eof: bool
    headers: list[tuple[bytes, bytes]]
    body: bytes


@st.composite
def answers(draw: st.DrawFn) -> Made:
    """An answer as bytes, and what the parser must make of it."""
    interim = draw(st.lists(st.sampled_from([b"100 Continue", b"103 Early Hints\r\nlink: x"]), max_size=2))
    status = draw(st.sampled_from([200, 201, 204, 304, 404, 500, 503]))
    headers = [
        pair for pair in draw(st.lists(st.tuples(TOKEN, VALUE), max_size=4)) if pair[0].lower() not in FRAMING
    ]
    body = b"" if status in (204, 304) else draw(st.binary(max_size=200))
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    data, eof = body, False
    if status in (204, 304):
        data = b""
    elif framing == "length":
        headers.append((b"Content-Length", b"%d" % len(body)))
    elif framing == "chunked":
        headers.append((b"Transfer-Encoding", b"chunked"))
        cuts = draw(st.lists(st.integers(min_value=0, max_value=200), max_size=4))
        trailer = draw(st.sampled_from([b"", b"x-sum: 1\r\n"]))
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces(body, cuts))
        data = chunks + b"0\r\n" + trailer + b"\r\n"
    else:
        eof = True
    lines = b"".join(b"%b: %b\r\n" % pair for pair in headers)
    early = b"".join(b"HTTP/1.1 %b\r\n\r\n" % line for line in interim)
    return Made(b"%bHTTP/1.1 %d Said so\r\n%b\r\n%b" % (early, status, lines, data), eof, headers, body)


@given(answers(), st.lists(st.integers(min_value=0, max_value=2000), max_size=12))
def test_an_answer_is_the_same_however_it_is_cut(made: Made, cuts: list[int]) -> None:
    """Packets may end anywhere: status, headers, body and the connection's fate do not depend on it."""
    data, eof, headers, body = made
    at_once, cut = Desk(), Desk()
    seen = read(at_once.ask(data, eof=eof))
    assert read(cut.ask(*pieces(data, cuts), eof=eof)) == seen
    assert (cut.told, cut.transport.closed) == (at_once.told, at_once.transport.closed)
    assert seen[3:5] == (headers, body)
    assert seen[5:] == (True, True, None)
    assert ("freed" in cut.told) is not eof


@given(answers(), st.lists(st.integers(min_value=0, max_value=2000), max_size=3), st.integers(min_value=1))
def test_an_answer_that_is_cut_off_is_no_answer(made: Made, cuts: list[int], loss: int) -> None:
    """A connection that closes before the end of a framed answer is the server's failure."""
    data, eof = made.data, made.eof
    head, _, _ = data.rpartition(b"Said so")
    kept = data[: loss % len(data)]
    desk = Desk()
    answer = desk.ask(*pieces(kept, cuts), eof=True)
    if eof and len(kept) > len(head) and answer.headed:
        assert answer.complete
        return
    assert not answer.complete
    assert answer.error is not None
    assert answer.error[0] is httpx.RemoteProtocolError
    assert "freed" not in desk.told


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_garbage_is_the_servers_failure(garbage: list[bytes]) -> None:
    """Any bytes lead to an answer or to a RemoteProtocolError, and to nothing else."""
    answer = Desk().ask(*garbage, eof=True)
    assert answer.ended
    assert (answer.error is None) is answer.complete
    assert answer.error is None or answer.error[0] is httpx.RemoteProtocolError


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_head_that_does_not_end_is_given_up() -> None:
    """A server cannot fill the memory with headers."""
    desk = Desk()
    answer = desk.ask(b"HTTP/1.1 200 OK\r\n", *[b"x-more: %b\r\n" % (b"y" * 60_000)] * 20)
    assert answer.error is not None
    assert str(MOST_HEAD_BYTES) in answer.error[1]
    assert desk.transport.closed


def test_answers_to_head_have_no_body() -> None:
    """The answer to a HEAD names the length of a body that does not come; the connection stays usable."""
    desk = Desk()
    answer = desk.ask(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", head=True)
    assert answer.complete
    assert not answer.body
    assert desk.told == ["joined", "freed"]
    assert b"".join(desk.ask(OK).body) == b"ok"


def test_an_unrequested_answer_ends_the_connection() -> None:
    """A second answer to one request would be taken for the next one's."""
    for surplus in (OK, b"HTTP/1.1 2", b"more"):
        desk = Desk()
        assert desk.ask(OK + surplus).complete
        assert desk.transport.closed
        desk = Desk()
        desk.ask(OK)
        desk.feed(surplus)
        assert desk.transport.closed


def test_a_connection_that_the_server_will_close_is_not_used_again() -> None:
    """``Connection: close`` and HTTP/1.0 are obeyed."""
    for said in (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
    ):
        desk = Desk()
        assert desk.ask(said).complete
        assert "freed" not in desk.told
        assert desk.transport.closed


def test_a_reset_is_a_read_error() -> None:
    """A reset is reported differently from a close, in the operating system's words."""
    desk = Desk()
    answer = desk.ask(b"HTTP/1.1 200")
    desk.connection.connection_lost(ConnectionResetError(104, "reset"))
    assert answer.error == (httpx.ReadError, "shop:80: connection reset by peer")


def test_a_slow_reader_makes_the_server_wait() -> None:
    """No more of a body is held than :data:`MOST_HELD_BYTES`; once it is taken, reading goes on."""
    desk = Desk()
    answer = desk.ask(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", *[b"x" * 60_000] * 20, whole=False
    )
    assert desk.transport.paused
    assert answer.held > MOST_HELD_BYTES
    answer.body.clear()
    answer.held = 0
    desk.connection.resume(answer)
    assert not desk.transport.paused


def test_an_answer_may_be_faster_than_its_request() -> None:
    """A connection is free only when the body of the request is sent as well."""
    desk = Desk()
    answer = PendingAnswer(whole=False, bodiless=False)
    desk.connection.send(b"POST", answer, more=True)
    desk.feed(OK)
    assert answer.complete
    assert desk.told == ["joined"]
    desk.connection.written()
    assert desk.told == ["joined", "freed"]
