"""The examinee: a web server that behaves at each path as its plan says, and tells the truth about it.

The plan (``PLAN``, JSON) maps a path to rules. A rule holds from one moment to another; moments count
from an event: ``start`` (of this process), ``cut`` and ``lift``, when its own probe lost and found its
provider. While a rule holds, the requests that it means are treated as it says; all others get a good answer.
"""

import asyncio
import json
import os
import random
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus

PROBE_EVERY = 0.005
ORDER = re.compile(r"/(\w+)/orders(?:/([\w-]+))?")
GOOD = b'{"ok": true}'

PLAN = json.loads(os.environ.get("PLAN", "{}"))
BACK = os.environ.get("BACK", "")


class Events:
    """When the provider was lost and found; each loss begins a new story."""

    def __init__(self) -> None:
        self.at = {"start": time.monotonic()}
        self.cuts = 0

    def cut(self) -> None:
        """The provider is lost."""
        self.cuts += 1
        self.at["cut"] = time.monotonic()
        self.at.pop("lift", None)

    def lift(self) -> None:
        """The provider is found."""
        if "cut" in self.at:
            self.at["lift"] = time.monotonic()

    def moment(self, name: str, offset: float) -> float | None:
        """An event and some seconds; ``None`` while the event has not come."""
        at = self.at.get(name)
        return None if at is None else at + offset


EVENTS = Events()


@dataclass
class Rule:
    """What happens to which requests, and when."""

    do: str
    begin: tuple[str, float] = ("start", 0.0)
    end: tuple[str, float] | None = None
    share: float = 1.0
    by: str = "key"
    seconds: float = 0.0
    grow: float = 0.0

    def began(self) -> float | None:
        """Since when the rule holds; ``None`` where it does not hold now."""
        now, begin = time.monotonic(), EVENTS.moment(*self.begin)
        end = EVENTS.moment(*self.end) if self.end else None
        if begin is None or now < begin or (end is not None and now >= end):
            return None
        return begin

    def means(self, request: "Request", began: float) -> bool:
        """Whether a request is one of its share."""
        if self.by == "fresh":  # a connection that was opened after the rule began to hold
            return request.connection.opened >= began
        dice = {"key": request.key, "connection": request.connection.dice, "request": random.random()}
        return dice[self.by] < self.share

    def delay(self, began: float) -> float:
        """Seconds that it keeps a request waiting: constant, or changing from when the rule began."""
        return max(0.0, self.seconds + self.grow * (time.monotonic() - began))


RULES = {path: [Rule(**each) for each in rules] for path, rules in PLAN.items()}


@dataclass
class Orders:
    """What was ordered at a path: id → the moments from which each copy is there."""

    copies: dict[str, list[float]] = field(default_factory=dict)

    def place(self, name: str, after: float = 0.0, times: int = 1) -> None:
        """Keep an order so many times."""
        self.copies.setdefault(name, []).extend([time.monotonic() + after] * times)

    def count(self, name: str) -> int:
        """How many copies can be read now."""
        now = time.monotonic()
        return sum(at <= now for at in self.copies.get(name, ()))


ORDERS: dict[str, Orders] = {}


@dataclass
class Request:
    """One request."""

    method: str
    path: str
    key: float
    body: bytes
    connection: "Connection"


class Connection(asyncio.Protocol):
    """One client's connection; its requests are answered one after another."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note when it was opened, and throw its dice."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.buffer = transport, b""
        self.opened, self.dice = time.monotonic(), random.random()
        self.queue: asyncio.Queue[Request] = asyncio.Queue()
        self.task = asyncio.ensure_future(self.answer())

    def connection_lost(self, error: Exception | None) -> None:
        """Answer no more."""
        self.task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take requests out of what has come."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1").split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            length = int(fields.get("content-length", 0))
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            method, path, _ = head[0].split(" ", 2)
            key = float(fields.get("x-key", random.random()))
            self.queue.put_nowait(Request(method, path, key, body, self))

    async def answer(self) -> None:
        """Answer what has come, as the path's first rule that holds says."""
        while True:
            request = await self.queue.get()
            name = request.path.strip("/").split("/")[0]
            for rule in RULES.get(name, ()):
                began = rule.began()
                if began is not None and rule.means(request, began):
                    await self.treat(request, rule, began)
                    break
            else:
                self.good(request)

    async def treat(self, request: Request, rule: Rule, began: float) -> None:
        """Do to a request what a rule says."""
        if rule.do == "slow":
            await asyncio.sleep(rule.delay(began))
            self.good(request)
        elif rule.do == "fail":
            await asyncio.sleep(rule.delay(began))
            self.send(500, b"out of order")
        elif rule.do == "drop":
            self.transport.abort()
        elif rule.do == "hang":
            await asyncio.sleep(3600.0)
        elif rule.do == "lie":
            self.send(200, b'{"ok": false}')
        elif rule.do == "truncate":
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + GOOD)
            self.transport.close()
        elif rule.do == "endless":
            self.transport.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self.transport.is_closing():
                self.transport.write(b"4\r\nmore\r\n")
                await asyncio.sleep(0.1)
        elif rule.do in ("late", "lose", "double", "deny"):
            self.order(request, rule)
        else:
            self.send(400, f"no such rule: {rule.do}".encode())

    def order(self, request: Request, rule: Rule) -> None:
        """Take an order as a rule says: late, not at all, twice, or well but answered 500."""
        match = ORDER.fullmatch(request.path)
        orders = ORDERS.setdefault(match[1] if match else "", Orders())
        if request.method == "GET":
            return self.good(request)
        if rule.do != "lose":
            orders.place(json.loads(request.body)["id"], rule.seconds, 2 if rule.do == "double" else 1)
        return self.send(500 if rule.do == "deny" else 201, GOOD)

    def good(self, request: Request) -> None:
        """What a request gets where nothing is wrong."""
        if request.path == "/truth":
            now = time.monotonic()
            return self.send(200, json.dumps({"now": now, "cuts": EVENTS.cuts, **EVENTS.at}).encode())
        match = ORDER.fullmatch(request.path)
        if match is None:
            return self.send(200, GOOD)
        orders = ORDERS.setdefault(match[1], Orders())
        if request.method == "GET":
            return self.send(200, json.dumps({"count": orders.count(match[2] or "")}).encode())
        orders.place(json.loads(request.body)["id"])
        return self.send(201, GOOD)

    def send(self, status: int, body: bytes) -> None:
        """Send an answer."""
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def probe() -> None:
    """Ask the provider all the time; lose and find it. What was never found cannot be lost.

    A link that is cut closes connections and refuses new ones; one that is slow is not cut, so nothing here
    has a time-out.
    """
    host, _, port = BACK.partition(":")
    known = False
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
            while True:
                writer.write(b"ping\n")
                if not await reader.readline():
                    raise ConnectionError
                if not known:
                    EVENTS.lift()  # which is none before the first cut
                    known = True
                await asyncio.sleep(PROBE_EVERY)
        except OSError:
            if known:
                EVENTS.cut()
                known = False
            await asyncio.sleep(PROBE_EVERY)


async def main() -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Connection, "0.0.0.0", 8000, backlog=1024)
    await asyncio.gather(server.serve_forever(), *([probe()] if BACK else []))


if __name__ == "__main__":
    asyncio.run(main())
