"""The loss of a cache, in each of its ways: a system in memory, and a server that speaks Redis' protocol."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import pytest

from chaoskit.errors import FaultMisfit
from chaoskit.faults import CacheLoss
from chaoskit.faults.base import check
from chaoskit.runtime import Undo
from chaoskit.runtime.memory import MemoryRuntime

PASSWORD = "s3cret!pw"


class Cache(socketserver.ThreadingTCPServer):
    """Keeps keys, and knows the few commands of Redis that the harness says; RESP3, one database.

    Attributes:
        keys: how many there are.
        password: what it asks for; nothing by default.
        stubborn: keys that no flush removes.
        said: the commands that it was told, in order.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.keys, self.password, self.stubborn = 3, "", 0
        self.said: list[str] = []

    def answer(self, command: list[str]) -> str:
        """What one command gets, as RESP."""
        self.said.append(command[0])
        if command[0] == "FLUSHALL":
            self.keys = self.stubborn
            return "+OK\r\n"
        return {"DBSIZE": f":{self.keys}\r\n", "PING": "+PONG\r\n"}.get(
            command[0], "-ERR unknown command\r\n"
        )


class Conversation(socketserver.StreamRequestHandler):
    """One connection; what stands between MULTI and EXEC is answered together."""

    server: Cache

    def handle(self) -> None:
        let_in, transaction = not self.server.password, False
        queued: list[list[str]] = []
        while line := self.rfile.readline():
            command = [self._bulk() for _ in range(int(line[1:]))]
            command[0] = command[0].upper()
            if command[0] == "HELLO":  # redis-py opens every connection with it: HELLO 3 AUTH user password
                let_in = let_in or (self.server.password in command)
                answer = "%0\r\n" if let_in else "-WRONGPASS invalid username-password pair\r\n"
            elif not let_in:
                answer = "-NOAUTH Authentication required.\r\n"
            elif command[0] == "MULTI":
                transaction, answer = True, "+OK\r\n"
            elif command[0] == "EXEC":
                answers = [self.server.answer(each) for each in queued]
                transaction, queued = False, []
                answer = f"*{len(answers)}\r\n{''.join(answers)}"
            elif transaction:
                queued.append(command)
                answer = "+QUEUED\r\n"
            else:
                answer = self.server.answer(command)
            self.wfile.write(answer.encode())

    def _bulk(self) -> str:
        length = int(self.rfile.readline()[1:])
        return self.rfile.read(length + 2)[:-2].decode()


class Shop(MemoryRuntime):
    """Its cache answers at an address of this machine."""

    there: tuple[str, int] = ("127.0.0.1", 1)

    def address(self, component: str, port: int) -> tuple[str, int]:
        return self.there


@pytest.fixture
def cache() -> Iterator[Cache]:
    """The server, in a thread."""
    with Cache() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def shop(cache: Cache) -> Shop:
    """Two consumers of the cache, and a search engine that is none."""
    made = Shop(
        ["api", "worker", "cache", "search"],
        [("api", "cache", 6379), ("worker", "cache", 6379), ("api", "search", 9200)],
        environments={"cache": {"REDIS_PASSWORD": PASSWORD}},
    )
    made.there = ("127.0.0.1", cache.server_address[1])
    made.start()
    return made


def test_a_flush_lands_when_no_key_is_left_and_is_gone_when_the_cache_serves(
    shop: Shop, cache: Cache
) -> None:
    """What was seen within the transaction counts: the system fills the cache again at once."""
    cache.password = PASSWORD
    fault = CacheLoss("cache", how="flush")
    check(fault, shop)
    assert cache.keys == 3  # looking whether it fits changes nothing
    injection = fault.inject(shop)
    assert cache.keys == 0
    cache.keys = 2
    landed = injection.landed()
    assert (landed.holds, landed.says) == (True, "cache had 0 keys left")
    assert landed.figures == {"keys_left": {"cache": 0}}
    injection.lift()
    gone = injection.gone()
    assert (gone.holds, gone.says) == (True, "cache has 2 keys again")
    assert cache.said.count("FLUSHALL") == 1  # neither looking nor lifting is a second blow


def test_a_flush_that_leaves_keys_has_not_landed(shop: Shop, cache: Cache) -> None:
    """The server's word for a command is no evidence."""
    cache.stubborn = 1
    shown = CacheLoss("cache", how="flush").inject(shop).landed()
    assert (shown.holds, shown.says) == (False, "cache had 1 keys left")


def test_a_flushed_cache_that_does_not_answer_is_not_known_to_be_back(shop: Shop, cache: Cache) -> None:
    """Evidence of being gone needs an answer."""
    injection = CacheLoss("cache", how="flush").inject(shop)
    shop.there = ("127.0.0.1", 1)
    gone = injection.gone()
    assert not gone.holds
    assert "does not answer" in gone.says


def test_a_flush_does_not_fit_what_keeps_the_harness_out(shop: Shop, cache: Cache) -> None:
    """A password that is wrong and a component that does not speak Redis are told before anything happens."""
    cache.password = "another"
    with pytest.raises(FaultMisfit, match="give password="):
        check(CacheLoss("cache", how="flush"), shop)
    check(CacheLoss("cache", how="flush", password="another"), shop)
    with pytest.raises(FaultMisfit, match=r"search serves no port 6379 \(its ports: 9200\)"):
        check(CacheLoss("search", how="flush"), shop)
    assert cache.keys == 3
    assert "FLUSHALL" not in cache.said


@pytest.mark.parametrize(
    ("how", "met"), [("down", "refused"), ("silent", "silent"), ("hang", "hang"), ("kill", "refused")]
)
def test_a_lost_cache_is_lost_to_all_its_consumers(shop: Shop, how: str, met: str) -> None:
    """Each way has evidence of landing and of being gone, and its undo on disk is enough to take it back."""
    fault = CacheLoss("cache", how=how)  # type: ignore[arg-type]  # one of its words
    check(fault, shop)
    links = [link for link in shop.links if link.provider == "cache"]
    for take_back in ("lift", "undo"):
        injection = fault.inject(shop)
        assert injection.landed().holds
        assert [shop.connect(link) for link in links] == [met, met]
        assert not injection.gone().holds
        if take_back == "lift":
            injection.lift()
        else:
            for step in fault.undo(shop):
                shop.undo(step)
        assert injection.gone().holds
        assert [shop.connect(link) for link in links] == ["open", "open"]
    assert fault.impact(shop).lost == {"cache"}


def test_a_flush_strains_the_cache_and_needs_no_undo(shop: Shop) -> None:
    """An emptied cache serves, and fills by itself."""
    fault = CacheLoss("cache", how="flush")
    assert fault.impact(shop).strained == {"cache"}
    steps: tuple[Undo, ...] = fault.undo(shop)
    assert steps == ()
