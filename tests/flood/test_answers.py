"""Reading answers, in whatever pieces they arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.flood.answers import MOST_HEAD_BYTES, AnswerReader, Unreadable

BODIES = st.binary(max_size=60)


@st.composite
def answers(draw: st.DrawFn) -> tuple[int, bytes]:
    """A status, and an answer with that status, framed in one of the ways that keep a connection."""
    status = draw(st.sampled_from([200, 204, 304, 403, 429, 500, 503]))
    body = draw(BODIES)
    head = f"HTTP/1.1 {status} {draw(st.sampled_from(['', 'OK', 'Too Many Requests']))}\r\n".encode()
    if draw(st.booleans()):
        head = b"HTTP/1.1 100 Continue\r\n\r\n" + head
    if status in (204, 304):
        return status, head + b"Server: x\r\n\r\n"
    if draw(st.booleans()):
        name = draw(st.sampled_from([b"Content-Length", b"content-length", b"CONTENT-LENGTH"]))
        return status, head + name + b": " + str(len(body)).encode() + b"\r\nX: y\r\n\r\n" + body
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    chunks = b"".join(f"{len(piece):x};a=b\r\n".encode() + piece + b"\r\n" for piece in pieces)
    trailer = draw(st.sampled_from([b"", b"Digest: z\r\n"]))
    return status, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


@given(st.lists(answers(), min_size=1, max_size=3), st.data())
def test_an_answer_is_complete_exactly_at_its_last_byte(
    several: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """Answers on one connection are complete exactly at their last byte, however they are cut."""
    reader = AnswerReader()
    for status, text in several:
        cuts = sorted(data.draw(st.lists(st.integers(1, len(text) - 1), max_size=5, unique=True)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assert [reader.feed(piece) for piece in pieces] == [0] * len(cuts) + [status]
        assert reader.keeps
        assert not reader.begun
        assert reader.end() == 0


@given(answers(), st.binary(min_size=1, max_size=5))
def test_more_than_an_answer_is_unreadable(answer: tuple[int, bytes], more: bytes) -> None:
    """Only one request is under way, so nothing may follow its answer."""
    with pytest.raises(Unreadable):
        AnswerReader().feed(answer[1] + more)


@given(st.binary(max_size=300), st.lists(st.binary(max_size=40), max_size=5))
def test_garbage_is_an_answer_or_unreadable(first: bytes, rest: list[bytes]) -> None:
    """Any data is a complete answer, an incomplete one, or unreadable; nothing else is raised."""
    reader = AnswerReader()
    try:
        for piece in [first, *rest]:
            assert reader.feed(piece) in range(1000)
    except Unreadable:
        return


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nconnection: Keep-Alive", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive", True),
    ],
)
def test_whether_a_connection_is_kept(head: bytes, keeps: bool) -> None:
    """A connection is kept as RFC 9112, section 9.3, says."""
    reader = AnswerReader()
    assert reader.feed(head + b"\r\n\r\n") == 200
    assert reader.keeps is keeps


def test_an_answer_may_last_until_the_connection_is_closed() -> None:
    """An answer without a length is complete only when the connection is closed."""
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 503 Busy\r\n\r\nsome") == 0
    assert reader.feed(b"thing") == 0
    assert reader.end() == 503
    assert not reader.keeps


def test_an_answer_to_head_has_no_body() -> None:
    """The length in an answer to HEAD is that of the body that GET would get."""
    assert AnswerReader(bodiless=True).feed(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n") == 200


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 twohundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * MOST_HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"y" * MOST_HEAD_BYTES,
    ],
    ids=["ssh", "version", "status", "chunk", "long head", "long chunk line"],
)
def test_what_is_not_http_is_unreadable(text: bytes) -> None:
    """Another protocol, a broken frame and a head without an end are unreadable."""
    with pytest.raises(Unreadable):
        AnswerReader().feed(text)
