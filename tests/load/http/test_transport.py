from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaoskit.load.guard import Guard
from chaoskit.load.http import transport
from chaoskit.load.http.transport import ForeignRequest, Transport
from tests.load.scripted import Answering, Scripted, answering
from tests.load.server import Server
from tests.virtualtime import VirtualLoop

Work = Callable[[httpx.AsyncClient], Awaitable[None]]


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A plain httpx client over the transport."""
    transport = Transport(Guard.around([url]))
    try:
        yield httpx.AsyncClient(base_url=url, transport=transport, timeout=None)
    finally:
        await transport.shut()


def use(url: str, work: Work, loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
    """Run something with a client."""

    async def run() -> None:
        async with asyncio.timeout(60), client(url) as each:
            await work(each)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


def test_requests_go_out_as_httpx_made_them(server: Server) -> None:
    """Path, query, headers and body are those that httpx made; nothing is added or normalised."""

    async def work(user: httpx.AsyncClient) -> None:
        await user.get("/a%2Fb/%7Ec?q=%C3%A9+x&y=1,2")
        await user.post("/orders", json={"id": 1}, headers=[("x-one", "1"), ("x-one", "2")])
        await user.post("/raw", content=b"raw")
        await user.post("/empty")

    use(server.url, work)
    get, orders, raw, empty = server.seen
    assert get.path == "/a%2Fb/%7Ec?q=%C3%A9+x&y=1,2"
    assert get.headers["user-agent"].startswith("python-httpx/")
    assert get.headers["host"] == f"127.0.0.1:{server.port}"
    assert orders.body == b'{"id":1}'
    assert orders.headers["content-type"] == "application/json"
    assert raw.body == b"raw"
    assert "content-type" not in raw.headers
    assert empty.headers["content-length"] == "0"


def test_each_client_keeps_its_own_cookies(server: Server) -> None:
    """Connections are shared, cookies are not."""

    async def run() -> None:
        transport = Transport(Guard.around([server.url]))
        one, two = (httpx.AsyncClient(base_url=server.url, transport=transport) for _ in range(2))
        await one.get("/cookie")
        await one.get("/ok")
        await two.get("/ok")
        await one.aclose()
        await two.get("/ok")  # closing one client leaves the others theirs
        await transport.shut()

    asyncio.run(run())
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, "visitor=1", None, None]
    assert server.connections == 1


def test_redirects_are_httpxs_business(server: Server) -> None:
    """Redirects are followed if the client says so, and returned otherwise."""

    async def work(user: httpx.AsyncClient) -> None:
        assert (await user.get("/redirect")).status_code == 302
        assert (await user.get("/redirect", follow_redirects=True)).status_code == 200

    use(server.url, work)


@pytest.fixture
def closed_port() -> Iterator[str]:
    """The URL of a port at which no process listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def test_a_refused_connection_is_a_connect_error(closed_port: str) -> None:
    """A refused connection is told apart from a silent server."""

    async def work(user: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ConnectError, match="connection refused"):
            await user.get("/")

    use(closed_port, work)


@pytest.mark.parametrize(
    ("path", "read", "kind", "says"),
    [
        ("/drop", None, httpx.RemoteProtocolError, "closed the connection without an answer"),
        ("/half", None, httpx.RemoteProtocolError, "closed the connection in the middle of its answer"),
        ("/hang", 0.05, httpx.ReadTimeout, "no answer"),
    ],
)
def test_failures_are_httpxs_own(
    server: Server, path: str, read: float | None, kind: type[Exception], says: str
) -> None:
    """A journey gets the exceptions that httpx would raise."""

    async def work(user: httpx.AsyncClient) -> None:
        with pytest.raises(kind, match=says):
            await user.get(path, timeout=httpx.Timeout(None, read=read))

    use(server.url, work)


def test_nothing_is_sent_twice(server: Server) -> None:
    """A request whose connection is lost has failed; it is not repeated behind the measurement's back."""

    async def work(user: httpx.AsyncClient) -> None:
        await user.get("/ok")
        with pytest.raises(httpx.RemoteProtocolError):
            await user.get("/drop")

    use(server.url, work)
    assert [seen.path for seen in server.seen] == ["/ok", "/drop"]


def test_giving_up_closes_the_connection(server: Server) -> None:
    """After a user gave up, the late answer cannot be taken for the next one's."""

    async def work(user: httpx.AsyncClient) -> None:
        waiting = asyncio.ensure_future(user.get("/hang"))
        while not server.seen:  # noqa: ASYNC110 - another thread's list
            await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await user.get("/ok")).status_code == 200

    use(server.url, work)
    assert server.connections == 2


@pytest.mark.parametrize("timeout", [None, 0.05])
def test_nothing_is_left_of_a_request_that_was_given_up(server: Server, timeout: float | None) -> None:
    """Neither the user's patience nor a time-out of the request leaves a connection behind."""

    async def work(user: httpx.AsyncClient) -> None:
        transport = user._transport
        assert isinstance(transport, Transport)
        with pytest.raises((TimeoutError, httpx.ReadTimeout)):
            async with asyncio.timeout(None if timeout else 0.05):
                await user.get("/hang", timeout=httpx.Timeout(None, read=timeout))
        async with asyncio.timeout(30):
            while transport.open:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    use(server.url, work)


def test_a_stalled_request_delays_no_other(server: Server) -> None:
    """While many requests hang, others get connections."""

    async def work(user: httpx.AsyncClient) -> None:
        stalled = [asyncio.ensure_future(user.get("/hang")) for _ in range(150)]
        while len(server.seen) < len(stalled):  # noqa: ASYNC110 - another thread's list
            await asyncio.sleep(0.005)
        assert (await user.get("/ok")).status_code == 200
        for each in stalled:
            each.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)

    use(server.url, work)


def test_other_origins_are_refused(server: Server) -> None:
    """Nothing is sent outside the system, and the refusal is reported although the journey swallows it."""
    told: list[ForeignRequest] = []

    async def run() -> None:
        transport = Transport(Guard.around([server.url]), told.append)
        async with httpx.AsyncClient(base_url=server.url, transport=transport) as user:
            for url in (
                "http://example.com/",
                f"http://127.0.0.1:{server.port + 1}/",
                f"https://127.0.0.1:{server.port}/",
            ):
                with pytest.raises(ForeignRequest, match="not part of the system"):
                    await user.get(url)
            await user.get(f"http://localhost:{server.port}/ok")
        await transport.shut()

    asyncio.run(run())
    assert len(told) == 3
    assert [seen.path for seen in server.seen] == ["/ok"]


def test_bodies_can_be_streamed(server: Server) -> None:
    """Bodies are sent and received piece by piece."""

    async def body() -> AsyncIterator[bytes]:
        yield b"one"

    async def work(user: httpx.AsyncClient) -> None:
        await user.post("/ok", content=body(), headers={"content-length": "3"})
        async with user.stream("GET", "/ok") as response:
            assert [chunk async for chunk in response.aiter_bytes()] == [b"ok"]

    use(server.url, work)
    assert server.seen[0].body == b"one"


def run(
    script: list[Answering], work: Callable[[httpx.AsyncClient], Awaitable[None]], **tls: Any
) -> Scripted:
    """Do something with a client of a scripted server; returns what the server saw."""

    async def go() -> Scripted:
        async with asyncio.timeout(60), answering(*script, **tls) as seen:
            url = seen.url.replace("http:", "https:") if tls else seen.url
            async with client(url) as each:
                await work(each)
            return seen

    return asyncio.run(go())


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_bodies_without_a_length_go_out_in_chunks() -> None:
    """A body that is made while it is sent is framed piece by piece."""

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"one", b"", b"x" * 20):
            yield piece

    got: list[bytes] = []

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)

    async def work(user: httpx.AsyncClient) -> None:
        await user.post("/", content=body())
        await user.get("/")

    seen = run([read, OK], work)
    assert got == [b"3\r\none\r\n14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n"]
    assert seen.connections == 1


def test_an_early_answer_ends_the_body() -> None:
    """A server that has refused need not read on, and no rest is taken for the next request."""
    answered = asyncio.Event()
    refused = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 50_000

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(200_000)
        writer.write(refused)
        await answered.wait()  # and reads no more

    async def work(user: httpx.AsyncClient) -> None:
        assert (await user.post("/", content=endless())).status_code == 413
        answered.set()
        assert (await user.get("/")).status_code == 200

    assert run([refuse, OK], work).connections == 2


def test_a_large_body_comes_in_whole() -> None:
    """A body of many times what is held at once arrives whole, for quick and for slow readers."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"0123456789" * 500_000

    async def work(user: httpx.AsyncClient) -> None:
        assert (await user.get("/")).content == large[-5_000_000:]
        async with user.stream("GET", "/") as response:
            got = []
            async for piece in response.aiter_raw():
                got.append(piece)
                await asyncio.sleep(0)
        assert b"".join(got) == large[-5_000_000:]
        async with user.stream("GET", "/"):
            pass  # nobody reads it
        assert (await user.get("/")).content == b"ok"

    assert run([large, large, large, OK], work).connections == 2


def test_an_idle_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle connection is closed before the server would close it, without another request."""
    monkeypatch.setattr(transport, "IDLE_TIMEOUT", 0.05)

    async def work(user: httpx.AsyncClient) -> None:
        transport = user._transport
        assert isinstance(transport, Transport)
        await user.get("/")
        assert transport.open == 1
        async with asyncio.timeout(30):
            while transport.open:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await user.get("/")

    assert run([OK, OK], work).connections == 2


def test_a_connection_that_the_server_has_closed_is_not_used() -> None:
    """A server that closes an idle connection takes no request with it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        writer.close()

    async def work(user: httpx.AsyncClient) -> None:
        transport = user._transport
        assert isinstance(transport, Transport)
        await user.get("/")
        while transport.open:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await user.get("/")

    assert run([serve, OK], work).connections == 2


def test_certificates_are_not_checked() -> None:
    """Certificates that a test system signed itself are accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[1] / "self_signed.pem")

    async def work(user: httpx.AsyncClient) -> None:
        assert (await user.get("/")).content == b"ok"
        assert (await user.get("/")).content == b"ok"

    assert run([OK, OK], work, tls=context).connections == 1


def test_plain_http_where_tls_was_expected_is_a_connect_error() -> None:
    """A handshake that fails raises the ConnectError of httpx."""

    async def go() -> None:
        over = asyncio.Event()

        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(OK)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            over.set()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as user:
            with pytest.raises(httpx.ConnectError):
                await user.get("/")
        server.close()
        await over.wait()

    asyncio.run(go())


def test_connecting_has_its_own_timeout() -> None:
    """A server with a full backlog answers no SYN, which is a ConnectTimeout at exactly its time."""
    with socket.socket() as full, contextlib.ExitStack() as held:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())

        async def work(user: httpx.AsyncClient) -> None:
            clock = asyncio.get_running_loop().time
            began = clock()
            with pytest.raises(httpx.ConnectTimeout, match="no connection"):
                await user.get("/", timeout=httpx.Timeout(None, connect=0.1))
            assert clock() - began == pytest.approx(0.1, abs=1e-3)

        use(f"http://127.0.0.1:{full.getsockname()[1]}", work, loop=VirtualLoop)


def test_an_unknown_name_is_a_connect_error() -> None:
    """A wrong host is not taken for a silent one."""

    async def go() -> None:
        transport = Transport(Guard(frozenset(), frozenset({"no-such-host.invalid"})))
        async with httpx.AsyncClient(transport=transport) as user:
            with pytest.raises(httpx.ConnectError, match="name not found"):
                await user.get("http://no-such-host.invalid/")
        await transport.shut()

    asyncio.run(go())
