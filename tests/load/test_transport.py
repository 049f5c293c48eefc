from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest

from chaoskit.load.guard import Guard
from chaoskit.load.transport import ForeignRequest, Transport
from tests.load.server import Server


@contextlib.asynccontextmanager
async def client(url: str, **options: object) -> AsyncIterator[httpx.AsyncClient]:
    """A plain httpx client over the transport."""
    transport = Transport(Guard.around([url]))
    try:
        yield httpx.AsyncClient(base_url=url, transport=transport, timeout=None, **options)  # type: ignore[arg-type]
    finally:
        await transport.shut()


def use(url: str, work: Callable[[httpx.AsyncClient], Awaitable[None]], **options: object) -> None:
    """Run something with a client."""

    async def run() -> None:
        async with asyncio.timeout(30), client(url, **options) as each:
            await work(each)

    asyncio.run(run())


def test_requests_go_out_as_httpx_made_them(server: Server) -> None:
    """Path, query, headers and body are those of httpx; nothing is added or normalised."""

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
    """They are followed if the client says so, and else given back."""

    async def work(user: httpx.AsyncClient) -> None:
        assert (await user.get("/redirect")).status_code == 302
        assert (await user.get("/redirect", follow_redirects=True)).status_code == 200

    use(server.url, work)


@pytest.fixture
def nobody() -> Iterator[str]:
    """The URL of a port at which nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


def test_a_refused_connection_is_a_connect_error(nobody: str) -> None:
    """Refused is told apart from silent."""

    async def work(user: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ConnectError, match="connection refused"):
            await user.get("/")

    use(nobody, work)


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/drop", httpx.RemoteProtocolError, "closed the connection without an answer"),
        ("/half", httpx.RemoteProtocolError, "closed the connection within its answer"),
        ("/hang", httpx.ReadTimeout, "no answer"),
    ],
)
def test_failures_are_httpxs_own(server: Server, path: str, kind: type[Exception], says: str) -> None:
    """What httpx would raise is what a journey gets."""

    async def work(user: httpx.AsyncClient) -> None:
        with pytest.raises(kind, match=says):
            await user.get(path, timeout=httpx.Timeout(5, read=0.05))

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
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await user.get("/hang")
        assert (await user.get("/ok")).status_code == 200

    use(server.url, work)
    assert server.connections == 2


def test_a_stalled_request_holds_up_nobody(server: Server) -> None:
    """While some hang, others get connections, however many there are."""

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
    """Nothing is sent outside the system, and whoever watches is told although the journey swallows it."""
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
    """Chunks go out and come in as they are there."""

    async def body() -> AsyncIterator[bytes]:
        yield b"one"

    async def work(user: httpx.AsyncClient) -> None:
        await user.post("/ok", content=body(), headers={"content-length": "3"})
        async with user.stream("GET", "/ok") as response:
            assert [chunk async for chunk in response.aiter_bytes()] == [b"ok"]

    use(server.url, work)
    assert server.seen[0].body == b"one"
