"""The source against servers of every kind, on a clock that is ten times as fast.

How many turns are late depends on how busy this machine is. That each turn is counted does not.
"""

from __future__ import annotations

import os
import resource
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chaoskit.flood import MOST_SILENT_SECONDS, STOP_MESSAGE, FloodPlan, Report
from chaoskit.flood.source import CannotBegin, Source, allow_files, find
from tests.flood.server import Server, answering, answering_once, resetting, serving, silent

FASTER = 10.0

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 429 Slow Down\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 403 Forbidden\r\n\r\ngo away"


def fast() -> float:
    """A clock that runs ten times as fast, so that a second lasts 0.1 s."""
    return time.monotonic() * FASTER


class FastSelector(selectors.DefaultSelector):
    """A selector that waits by that clock."""

    def select(self, timeout: float | None = None) -> Any:
        return super().select(None if timeout is None else timeout / FASTER)


@dataclass
class Told:
    """The messages of a source, and why it ended."""

    why: str
    messages: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> Report:
        """The report of the whole flood, which is the last message."""
        return Report.from_json(self.messages[-1]["total"])

    @property
    def turns(self) -> int:
        """All turns that were taken or passed; on a busy machine some are late."""
        total = self.total
        return total.sent + total.held_back + total.late + total.failed_to_connect + total.connecting

    @property
    def over(self) -> int:
        """Requests that came to an end; the last ones may have no answer when the flood's time is over."""
        return self.total.sent - self.total.unanswered

    @property
    def seconds(self) -> list[Report]:
        """The report of each second."""
        return [Report.from_json(each["second"]) for each in self.messages if "second" in each]


@pytest.fixture
def lease() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe: the source's, and that of the process that holds the source."""
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for each in ends:
        try:
            os.close(each)
        except OSError:  # the test has closed it
            continue


def plan(**changes: Any) -> FloodPlan:
    """Two clients, twenty requests a second for 2.5 seconds: fifty in all."""
    return FloodPlan(**{"port": 1, "rate_per_s": 20.0, "clients": 2, "seconds": 2.5, **changes})


@pytest.fixture
def flood(lease: tuple[int, int]) -> Callable[..., Told]:
    """Floods an address until the flood ends."""

    def run(target: tuple[str, int] | Server, clock: Callable[[], float] = fast, **changes: Any) -> Told:
        address = target.address if isinstance(target, Server) else target
        told: list[Mapping[str, Any]] = []
        made = Source(plan(**changes), address, told.append, lease[0], clock=clock, selector=FastSelector())
        return Told(made.run(), told)

    return run


def test_each_request_of_the_plan_is_sent_and_answered(flood: Callable[..., Told]) -> None:
    """Every turn is a request that is answered, over as many connections as there are clients."""
    with serving(answering(OK)) as server:
        told = flood(server)
    assert told.why == "its time is over"
    assert told.turns == 50
    assert dict(told.total.answered) == {200: told.over}
    assert told.total.sent >= len(server.requests) >= told.over > 0
    assert len(server.peers) == 2
    assert told.total.latency["max"] >= told.total.latency["p50"] > 0
    assert told.total.cpu_seconds > 0


def test_each_second_is_told_and_the_total_is_their_sum(flood: Callable[..., Told]) -> None:
    """Each whole second is reported, and the total adds what came after the last one."""
    with serving(answering(OK)) as server:
        told = flood(server)
    assert 1 <= len(told.seconds) <= 2
    assert all(each.seconds >= 1.0 and 0 < each.connections <= 2 for each in told.seconds)
    assert 0 < sum(each.sent for each in told.seconds) <= told.total.sent
    assert sum(each.cpu_seconds for each in told.seconds) <= told.total.cpu_seconds
    assert told.messages[-1]["end"] == told.why


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only 127.0.0.1 by default")
@pytest.mark.parametrize("identity", ["address", "header"])
def test_clients_differ(flood: Callable[..., Told], identity: str) -> None:
    """Clients differ by address and header, or by header alone."""
    with serving(answering(OK)) as server:
        flood(server, clients=20, identity=identity)
    claims = {line for text in server.requests for line in text.splitlines() if line.startswith("X-Forw")}
    assert len(claims) > 1
    if identity == "address":
        assert len(set(server.peers)) >= len(claims)
    else:
        assert set(server.peers) == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("answer", "status", "connections"),
    [(CHUNKED, 429, 2), (CLOSING, 200, None), (UNTIL_CLOSE, 403, None)],
    ids=["chunked", "closing", "until close"],
)
def test_answers_of_every_framing_are_counted(
    flood: Callable[..., Told], answer: bytes, status: int, connections: int | None
) -> None:
    """A connection is used again exactly if the answer allows it."""
    treat = answering(answer) if connections else answering_once(answer)
    with serving(treat) as server:
        told = flood(server)
    assert dict(told.total.answered) == {status: told.over}
    assert told.turns == 50
    if connections:
        assert len(server.peers) == connections
    else:
        assert told.over <= len(server.peers) <= told.total.sent


@pytest.mark.parametrize(
    ("treat", "counted"),
    [
        (answering_once(b""), "closed"),
        (resetting, "reset"),
        (answering(b"220 mail.example.com ESMTP\r\n"), "unreadable"),
        (answering_once(b"HTTP/1.1 200 OK\r\nContent-Le"), "unreadable"),
        (answering(OK + OK), "unreadable"),
    ],
    ids=["closed", "reset", "garbage", "cut short", "two answers"],
)
def test_a_failed_request_is_counted_by_its_kind(
    flood: Callable[..., Told], treat: Callable[[Server, socket.socket], None], counted: str
) -> None:
    """Each failed request is counted once, and the next one has a new connection."""
    with serving(treat) as server:
        told = flood(server)
    assert getattr(told.total, counted) == told.over > 0
    assert told.over <= len(server.peers) <= told.total.sent
    assert not told.total.answers


def test_a_server_that_does_not_answer_holds_its_clients_back(flood: Callable[..., Told]) -> None:
    """Each client sends one request and lets its turns pass; when its patience is over, it connects anew."""
    with serving(silent) as server:
        told = flood(server, patience=1.5)
    total = told.total
    assert total.given_up > 0
    assert total.held_back > 0
    assert total.sent == total.given_up + total.unanswered >= len(server.requests)
    assert told.turns == 50
    assert total.given_up <= len(server.peers) <= total.sent


def test_a_refused_connection_is_counted(flood: Callable[..., Told]) -> None:
    """If no server listens, every turn fails to connect, and nothing is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    told = flood(address)
    assert told.total.failed_to_connect == 50 - told.total.late > 0
    assert told.total.sent == 0


def test_a_connection_that_is_not_accepted_is_given_up(flood: Callable[..., Told]) -> None:
    """A client that a full backlog keeps out counts as not connected once its patience is over."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        told = flood(listener.getsockname(), clients=8, patience=1.0)
    assert told.total.failed_to_connect > 0
    assert told.total.sent <= 8


def test_turns_that_the_source_missed_are_not_made_up_for(flood: Callable[..., Told]) -> None:
    """After a second of standstill the missed turns count as late, except those of the last 0.1 s."""
    began = fast()

    def jumping() -> float:
        now = fast()
        return now + (1.0 if now - began > 1.0 else 0.0)

    with serving(answering(OK)) as server:
        told = flood(server, clock=jumping)
    assert told.total.late >= 15
    assert told.turns == 50


@pytest.mark.parametrize(("word", "why"), [(STOP_MESSAGE, "told to"), (b"", "is gone")])
def test_the_end_of_the_lease_ends_the_flood(
    flood: Callable[..., Told], lease: tuple[int, int], word: bytes, why: str
) -> None:
    """The source ends at once when it is told to, or when no process holds it any more."""
    begun = time.monotonic()

    def end() -> None:
        os.write(lease[1], word) if word else os.close(lease[1])

    with serving(answering(OK)) as server:
        timer = threading.Timer(0.05, end)
        timer.start()
        told = flood(server, seconds=300.0)
        timer.join()
    assert why in told.why
    assert 0 < told.total.sent < 200
    assert time.monotonic() - begun < 5


def test_without_a_sign_of_life_it_ends(flood: Callable[..., Told], lease: tuple[int, int]) -> None:
    """The source ends once the longest silence is over, counted from the last sign of life."""
    with serving(answering(OK)) as server:
        timer = threading.Timer(0.2, os.write, (lease[1], b"\n"))
        timer.start()
        told = flood(server, seconds=300.0)
        timer.join()
    assert told.why == f"no sign of life for {MOST_SILENT_SECONDS:g} s"
    assert MOST_SILENT_SECONDS + 1.0 < told.total.seconds < MOST_SILENT_SECONDS + 60.0


def test_the_first_address_that_accepts_is_taken() -> None:
    """If no address accepts, the error names each with its reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if sys.platform == "linux":
            assert find(["127.0.0.9", "127.0.0.1"], port, 1.0) == ("127.0.0.1", port)
        assert find(["127.0.0.1"], port, 1.0) == ("127.0.0.1", port)
    with pytest.raises(CannotBegin, match=rf"127.0.0.1:{port}: .*refused"):
        find(["127.0.0.1"], port, 1.0)


def test_too_few_open_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """More clients than open files are an error with both numbers, before anything is sent."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (64, 100))
    with pytest.raises(CannotBegin, match="1000 clients need 1032 open files, the engine allows 100"):
        allow_files(1000)
