"""The short way of a client compared with httpx's own, on the same answers."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.load.guard import Guard
from chaoskit.load.http import client as module
from chaoskit.load.http.client import Client
from chaoskit.load.http.transport import Transport
from tests.load.scripted import CLOSE, Scripted, answering

Work = Callable[[httpx.AsyncClient], Awaitable[Any]]


def answer(*headers: bytes, status: bytes = b"200 OK", body: bytes = b'{"id":1}') -> bytes:
    """An answer with a length."""
    lines = b"".join(line + b"\r\n" for line in headers)
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, lines, len(body), body)


OK = answer(b"Content-Type: application/json; charset=utf-8", b"x-one: 1", b"X-One: 2")
COOKIE = answer(b"Set-Cookie: visitor=7; Path=/", b"Set-Cookie: gone=1; Max-Age=0")
MOVED = answer(b"Location: /there?x=1", status=b"302 Found")
CODED = answer(b"Content-Encoding: gzip", body=gzip.compress(b"hello " * 9, mtime=0))
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n"


async def _both(script: tuple[bytes, ...], work: Work, **options: Any) -> list[tuple[Any, Scripted]]:
    """The results of some work, and what the server saw, by the short way and by httpx's own."""
    found = []
    for short in (True, False):
        async with answering(*script) as seen:
            transport = Transport(Guard.around([seen.url]))
            kind = Client if short else httpx.AsyncClient
            settings = {"base_url": seen.url, "timeout": None, "trust_env": False, **options}
            client = kind(transport=transport, **settings)
            try:
                found.append((_plain(await work(client), seen), seen))
            except httpx.HTTPError as error:
                found.append(((type(error), str(error).replace(str(seen.port), "PORT")), seen))
            await transport.shut()
    return found


def _plain(value: Any, seen: Scripted) -> Any:
    """A response or a request as plain values: every attribute that httpx gave it."""
    if isinstance(value, (list, tuple)):
        return [_plain(each, seen) for each in value]
    if isinstance(value, (httpx.Response, httpx.Request)):
        named = {
            name: _plain(each, seen)
            for name, each in vars(value).items()
            if name not in ("_elapsed", "stream", "_decoder")
        }
        named["type"] = type(value).__name__
        if isinstance(value, httpx.Response):
            named |= {"elapsed": value.elapsed.total_seconds() >= 0, "text": value.text}
            named |= {"encoding": value.encoding, "downloaded": value.num_bytes_downloaded}
        return named
    if isinstance(value, httpx.Headers):
        return [(k, v.replace(str(seen.port).encode(), b"PORT")) for k, v in value.raw]
    if isinstance(value, httpx.URL):
        return str(value).replace(str(seen.port), "PORT")
    return value


def _wire(seen: Scripted) -> list[bytes]:
    return [head.replace(str(seen.port).encode(), b"PORT") for head in seen.heads] + seen.bodies


async def _gets(user: httpx.AsyncClient) -> Any:
    return [await user.get("/a%2Fb/~c?q=é x&y=1,2#f"), await user.get("listings"), await user.get("")]


async def _methods(user: httpx.AsyncClient) -> Any:
    return [
        await user.head("/"),
        await user.options("/"),
        await user.delete("/x"),
        await user.post("/x"),
        await user.put("/x", content=b"raw"),
        await user.patch("/x", json={"é": 1}),
        await user.request("get", "/lower"),
        await user.post("/form", data={"a": "1 2"}, headers={"x-two": "2"}, params={"p": "q"}),
        await user.send(user.build_request("POST", "/sent", json=[1])),
    ]


async def _with_cookies(user: httpx.AsyncClient) -> Any:
    user.cookies.set("mine", "1")
    found = [await user.get("/sign-in"), await user.get("/me"), await user.post("/me", json={})]
    return [found, sorted(user.cookies.items())]


async def _with_headers(user: httpx.AsyncClient) -> Any:
    first = await user.get("/")
    user.headers["Authorization"] = "Bearer t"
    second = await user.get("/")
    user.headers["Authorization"] = "Bearer u"
    third = await user.get("/")
    user.headers["Host"] = "elsewhere"
    return [first, second, third, await user.get("/")]


async def _redirected(user: httpx.AsyncClient) -> Any:
    stays = await user.get("/here")
    follows = await user.get("/here", follow_redirects=True)
    user.follow_redirects = True
    again = await user.post("/here", json={})
    return [[each, each.next_request, each.history] for each in (stays, follows, again)]


async def _raises(user: httpx.AsyncClient) -> Any:
    (await user.get("/x")).raise_for_status()


async def _streams(user: httpx.AsyncClient) -> Any:
    async with user.stream("GET", "/x") as response:
        return [piece async for piece in response.aiter_bytes()]


async def _authenticates(user: httpx.AsyncClient) -> Any:
    return [await user.get("/x", auth=("me", "secret")), await user.get("/y")]


async def _no_url(user: httpx.AsyncClient) -> Any:
    try:
        await user.get(None)  # type: ignore[arg-type]
    except TypeError as error:
        return str(error)


async def _url_object(user: httpx.AsyncClient) -> Any:
    return [await user.get(httpx.URL("/x?y")), await user.get(user.base_url.join("/z"))]


async def _bad_header(user: httpx.AsyncClient) -> Any:
    await user.get("/x", headers={"x": "1\r\ny: 2"})


async def _bad_client_header(user: httpx.AsyncClient) -> Any:
    user.headers["x"] = "1\r\ny: 2"
    await user.get("/x")


async def _closed(user: httpx.AsyncClient) -> Any:
    await user.aclose()
    try:
        await user.get("/x")
    except RuntimeError as error:
        return str(error)


@pytest.mark.parametrize(
    ("script", "work", "options"),
    [
        ((OK, CHUNKED, CODED), _gets, {}),
        ((OK, OK, OK), _gets, {"params": {"always": "1"}, "headers": {"x": "y"}}),
        ((answer(body=b""), *(OK,) * 8), _methods, {}),
        ((COOKIE, OK, OK), _with_cookies, {}),
        ((OK,) * 4, _with_headers, {}),
        ((MOVED, MOVED, OK, MOVED, OK), _redirected, {}),
        ((MOVED,) * 3, _gets, {"follow_redirects": True, "max_redirects": 1}),
        ((answer(status=b"503 Busy"),), _raises, {}),
        ((answer(b"Content-Encoding: gzip"),), _raises, {}),
        ((CLOSE,), _raises, {}),
        ((b"garbage\r\n\r\n",), _raises, {}),
        ((CODED,), _streams, {}),
        ((OK, OK), _authenticates, {}),
        ((OK, OK), _authenticates, {"auth": ("all", "of them")}),
        ((OK,), _bad_header, {}),
        ((OK,), _bad_client_header, {}),
        ((), _closed, {}),
        ((), _no_url, {}),
        ((OK, OK), _url_object, {}),
        ((OK, OK, OK), _gets, {"timeout": 5}),
        ((OK, OK, OK), _gets, {"default_encoding": "latin-1"}),
    ],
)
def test_both_ways_lead_to_the_same(script: tuple[bytes, ...], work: Work, options: dict[str, Any]) -> None:
    """Requests are byte for byte those of httpx, and responses have every attribute that httpx gives them."""
    (short, its_wire), (long, other_wire) = asyncio.run(_both(script, work, **options))
    assert _wire(its_wire) == _wire(other_wire)
    assert short == long


def test_event_hooks_are_called() -> None:
    """Hooks see each request and each response, also hooks that were set later."""
    calls: list[str] = []

    async def note(what: httpx.Request | httpx.Response) -> None:
        calls.append(type(what).__name__)

    async def work(user: httpx.AsyncClient) -> None:
        await user.get("/")
        user.event_hooks = {"request": [note], "response": [note]}
        await user.get("/")

    asyncio.run(_both((OK, OK), work))
    assert calls == ["Request", "Response"] * 2


def test_requests_are_logged_as_httpx_does(caplog: pytest.LogCaptureFixture) -> None:
    """The logger of httpx gets each request."""
    with caplog.at_level("INFO", logger="httpx"):
        asyncio.run(_both((OK,), lambda user: user.get("/x")))
    short, long = (each.getMessage().rpartition("/x") for each in caplog.records if each.name == "httpx")
    assert short[2] == long[2] == ' "HTTP/1.1 200 OK"'


def test_an_unknown_httpx_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an unknown version of httpx, all requests go httpx's own way."""
    monkeypatch.setattr(module, "KNOWN_VERSION", False)

    async def work() -> None:
        async with answering(OK) as seen:
            transport = Transport(Guard.around([seen.url]))
            user = Client(base_url=seen.url, transport=transport, timeout=None)
            assert user._short is None
            assert (await user.get("/x")).json() == {"id": 1}
            await transport.shut()

    asyncio.run(work())


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain request never reaches httpx's own code, else nothing would be gained."""
    monkeypatch.delattr(httpx.AsyncClient, "_send_single_request")

    async def work() -> None:
        async with answering(OK, OK, COOKIE, OK) as seen:
            transport = Transport(Guard.around([seen.url]))
            user = Client(base_url=seen.url, transport=transport, timeout=None)
            await user.get("/x")
            await user.post("/x", json={})
            await user.get("/x")
            await user.get("/x")
            assert len(seen.heads) == 4
            assert seen.connections == 1
            await transport.shut()

    asyncio.run(work())


@given(
    base=st.sampled_from(["http://127.0.0.1:1", "http://127.0.0.1:1/api", "http://h/a%2Fb/"]),
    url=st.text(max_size=20) | st.sampled_from(["http://other/x", "//h/x", "?q", "#f", "x//y", "/", "é?ü"]),
)
def test_urls_are_merged_as_httpx_does(base: str, url: str) -> None:
    """The cache returns what httpx computes each time, and refuses what httpx refuses."""
    client = httpx.AsyncClient(base_url=base, transport=httpx.AsyncBaseTransport())

    def tried(merge: Callable[[], httpx.URL]) -> Any:
        try:
            return merge()
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            return type(error), str(error)

    merged = tried(lambda: module._merged(str(client.base_url), url))
    assert merged == tried(lambda: client._merge_url(url))


def test_twins_share_nothing_that_changes() -> None:
    """Headers, cookies and hooks that one user adds belong to that user alone."""
    one = Client(transport=httpx.AsyncBaseTransport(), base_url="http://127.0.0.1:1", headers={"x": "y"})
    two = one.twin()
    two.headers["x"] = "z"
    two.cookies.set("a", "b")
    two.event_hooks["request"].append(lambda request: None)
    three = one.twin()
    for each in (one, three):
        assert each.headers["x"] == "y"
        assert not each.cookies
        assert not each.event_hooks["request"]
    fresh = Client(transport=httpx.AsyncBaseTransport(), base_url="http://127.0.0.1:1", headers={"x": "y"})
    assert vars(three).keys() == vars(fresh).keys()
    assert three.headers == fresh.headers
