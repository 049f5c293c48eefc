"""The source against real servers of every kind, on a clock that stands still while an answer is due.

So a busy machine makes no turn late. ``tests/flood/test_shipping.py`` runs the source on the machine's clock.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from chaoskit.clock import ManualClock
from chaoskit.flood import MOST_SILENT_SECONDS, STOP_MESSAGE, FloodPlan, Report
from chaoskit.flood.bots import Bot
from chaoskit.flood.source import CannotBegin, Source, allow_files, find
from tests.flood.server import Server, answering, answering_once, resetting, serving, silent
from tests.virtualtime import VirtualSelector

ANSWER_TAKES = 0.001
"""Seconds of the flood's clock."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 429 Slow Down\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 403 Forbidden\r\n\r\ngo away"


@dataclass
class Told:
    """What a source told, and why it ended."""

    why: str
    messages: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> Report:
        """The last message."""
        return Report.from_json(self.messages[-1]["total"])

    @property
    def turns(self) -> int:
        """All turns, taken or not."""
        total = self.total
        return total.sent + total.held_back + total.late + total.failed_to_connect + total.connecting

    @property
    def seconds(self) -> list[Report]:
        """Each second."""
        return [Report.from_json(each["second"]) for each in self.messages if "second" in each]


@pytest.fixture
def lease() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe: the source's, and that of whoever holds it."""
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for each in ends:
        try:
            os.close(each)
        except OSError:  # the test has closed it
            continue


def plan(**changes: Any) -> FloodPlan:
    """Two clients, twenty requests a second, for two and a half: fifty in all."""
    return FloodPlan(**{"port": 1, "rate_per_s": 20.0, "clients": 2, "seconds": 2.5, **changes})


def waits(bot: Bot) -> bool:
    """Whether a client waits for a connection or an answer."""
    return bot.asked_at > 0


def connects(bot: Bot) -> bool:
    """Whether a client waits for a connection."""
    return bot.asked_at > 0 and not bot.connected


def never(bot: Bot) -> bool:
    """Nothing will come, neither an answer nor a connection."""
    return False


class Flood:
    """Floods an address to the end, on a clock of its own.

    Args:
        lease: the source's end of the pipe.

    Attributes:
        clock: the flood's clock.
    """

    def __init__(self, lease: int) -> None:
        self.clock = ManualClock(1000.0)
        self._lease = lease

    def __call__(
        self, target: tuple[str, int] | Server, owed: Callable[[Bot], bool] = waits, **changes: Any
    ) -> Told:
        """Flood; time stands still while a client is owed something."""
        address = target.address if isinstance(target, Server) else target
        told: list[Mapping[str, Any]] = []

        def anything_owed() -> bool:
            clients = (getattr(key.data, "__self__", None) for key in selector.get_map().values())
            return any(isinstance(each, Bot) and owed(each) for each in clients)

        selector = VirtualSelector(self.clock, anything_owed, ANSWER_TAKES)
        made = Source(
            plan(**changes), address, told.append, self._lease, clock=self.clock.now, selector=selector
        )
        return Told(made.run(), told)

    def at(self, seconds: float, do: Callable[[], object]) -> None:
        """Do something once, when the flood has lasted so many seconds."""
        due = self.clock.now() + seconds

        def passed(before: float, after: float) -> None:
            if before < due <= after:
                do()

        self.clock.listen(passed)


@pytest.fixture
def flood(lease: tuple[int, int]) -> Flood:
    """A flood that has not begun."""
    return Flood(lease[0])


def test_each_request_of_the_plan_is_sent_and_answered(flood: Flood) -> None:
    """Every turn is a request that is answered, on as many connections as there are clients."""
    with serving(answering(OK)) as server:
        told = flood(server)
    assert told.why == "its time is over"
    assert told.turns == told.total.sent == len(server.requests) == 50
    assert dict(told.total.answered) == {200: 50}
    assert len(server.peers) == 2
    assert told.total.latency["max"] >= told.total.latency["p50"] >= ANSWER_TAKES
    assert told.total.cpu_seconds > 0


def test_each_second_is_told_and_the_total_is_their_sum(flood: Flood) -> None:
    """Whole seconds, and an end with all of them and of what came after."""
    with serving(answering(OK)) as server:
        told = flood(server)
    assert len(told.seconds) == 2
    assert all(1.0 <= each.seconds < 1.2 and each.connections == 2 for each in told.seconds)
    assert 40 <= sum(each.sent for each in told.seconds) < told.total.sent
    assert 2.5 <= told.total.seconds < 2.7
    assert sum(each.cpu_seconds for each in told.seconds) <= told.total.cpu_seconds
    assert told.messages[-1]["end"] == told.why


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only 127.0.0.1 is there by itself")
@pytest.mark.parametrize("identity", ["address", "header"])
def test_clients_differ(flood: Flood, identity: str) -> None:
    """By address and header, or by header alone."""
    with serving(answering(OK)) as server:
        flood(server, clients=20, identity=identity)
    claims = {line for text in server.requests for line in text.splitlines() if line.startswith("X-Forw")}
    assert len(claims) == 20
    if identity == "address":
        assert len(set(server.peers)) == 20
    else:
        assert set(server.peers) == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("answer", "status", "connections"),
    [(CHUNKED, 429, 2), (CLOSING, 200, 50), (UNTIL_CLOSE, 403, 50)],
    ids=["chunked", "closing", "until close"],
)
def test_answers_of_every_framing_are_counted(
    flood: Flood, answer: bytes, status: int, connections: int
) -> None:
    """A connection is used again exactly where the answer allows it."""
    treat = answering(answer) if connections == 2 else answering_once(answer)
    with serving(treat) as server:
        told = flood(server)
    assert dict(told.total.answered) == {status: 50}
    assert told.turns == told.total.sent == 50
    assert len(server.peers) == connections


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
def test_what_is_no_answer_is_counted_as_what_it_is(
    flood: Flood, treat: Callable[[Server, socket.socket], None], counted: str
) -> None:
    """Each request is counted once, and each next one has a new connection."""
    with serving(treat) as server:
        told = flood(server)
    assert getattr(told.total, counted) == told.total.sent == len(server.peers) == 50
    assert not told.total.answers


def test_a_server_that_does_not_answer_holds_its_clients_back(flood: Flood) -> None:
    """One request each, the other turns pass; after its patience a client gives up and connects anew."""
    with serving(silent) as server:
        told = flood(server, owed=connects, patience=1.5)
    total = told.total
    assert total.given_up == total.unanswered == 2
    assert total.sent == len(server.peers) == 4
    assert total.held_back == 46
    assert told.turns == 50


def test_a_refused_connection_is_counted(flood: Flood) -> None:
    """Nobody listens: every turn fails to connect, and nothing is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    told = flood(address)
    assert told.total.failed_to_connect == 50
    assert told.total.sent == 0


def test_a_connection_that_is_not_accepted_is_given_up(flood: Flood) -> None:
    """A full backlog: whoever is not let in counts as not connected once its patience is over."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        told = flood(listener.getsockname(), owed=never, clients=8, patience=1.0)
    assert told.total.failed_to_connect >= 7
    assert told.total.sent <= 8


def test_turns_that_the_source_missed_are_not_made_up_for(flood: Flood) -> None:
    """After a second of standing still they count as late, all but the last tenth of a second."""
    flood.at(1.0, lambda: flood.clock.sleep(1.02))
    with serving(answering(OK)) as server:
        told = flood(server)
    assert told.total.late == 19  # of the 21 that were due from 1.0 s to 2.02 s
    assert told.turns == 50


def test_an_answer_that_the_source_was_too_late_to_read_is_an_answer(flood: Flood) -> None:
    """A source that stood still for longer than its patience does not blame the server for it."""
    may_answer, answered = threading.Event(), threading.Event()

    def treat(server: Server, connection: socket.socket) -> None:
        for _ in server.asked(connection):
            may_answer.wait(5)
            connection.sendall(OK)
            answered.set()

    def stand_still() -> None:
        may_answer.set()
        assert answered.wait(5)
        flood.clock.sleep(1.5)

    def owed(bot: Bot) -> bool:
        return waits(bot) if may_answer.is_set() else connects(bot)

    flood.at(0.5, stand_still)
    with serving(treat) as server:
        told = flood(server, owed, patience=1.0, clients=1)
    assert told.total.given_up == 0
    assert dict(told.total.answered) == {200: told.total.sent}


@pytest.mark.parametrize(("word", "why"), [(STOP_MESSAGE, "told to"), (b"", "is gone")])
def test_the_end_of_the_lease_ends_the_flood(
    flood: Flood, lease: tuple[int, int], word: bytes, why: str
) -> None:
    """At once, whether it is told to or nobody holds it any more."""

    def end() -> None:
        os.write(lease[1], word) if word else os.close(lease[1])

    flood.at(1.0, end)
    with serving(answering(OK)) as server:
        told = flood(server, seconds=300.0)
    assert why in told.why
    assert told.total.sent == pytest.approx(20, abs=2)
    assert told.total.seconds == pytest.approx(1.0, abs=0.1)


def test_without_a_sign_of_life_it_ends(flood: Flood, lease: tuple[int, int]) -> None:
    """After the silence that is allowed, counted from the last sign."""
    flood.at(2.0, lambda: os.write(lease[1], b"\n"))
    with serving(answering(OK)) as server:
        told = flood(server, seconds=300.0)
    assert told.why == f"no sign of life for {MOST_SILENT_SECONDS:g} s"
    assert told.total.seconds == pytest.approx(2.0 + MOST_SILENT_SECONDS, abs=0.2)


def test_the_first_address_that_accepts_is_taken() -> None:
    """Where none does, each is named with what it met."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if sys.platform == "linux":
            assert find(["127.0.0.9", "127.0.0.1"], port, 1.0) == ("127.0.0.1", port)
        assert find(["127.0.0.1"], port, 1.0) == ("127.0.0.1", port)
    with pytest.raises(CannotBegin, match=rf"127.0.0.1:{port}: .*refused"):
        find(["127.0.0.1"], port, 1.0)


def test_too_few_open_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """More clients than the engine allows open files: an error with both numbers, before anything is sent."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (64, 100))
    with pytest.raises(CannotBegin, match="1000 clients need 1032 open files, the engine allows 100"):
        allow_files(1000)
