"""The corrections of the library, on one server; test_servers.py has the rest of the list in api.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
import toxiproxy
import toxiproxy.proxy
import toxiproxy.server

from chaoskit.errors import ToxiproxyFailure
from chaoskit.toxiproxy.api import ServedProxy, Server
from tests.toxiproxy.conftest import LISTEN, PROXY, UPSTREAM
from tests.toxiproxy.conftest import Server as BadServer

TOXIC = {"name": "a", "type": "timeout", "stream": "upstream", "toxicity": 1.0, "attributes": {"timeout": 0}}
GIVEN: dict[str, tuple[Any, ...]] = {
    "get_proxy": (PROXY,),
    "create": (UPSTREAM, PROXY, LISTEN, False),
    "populate": ([{"name": PROXY, "upstream": UPSTREAM, "listen": "127.0.0.1:1"}],),
    "get_toxic": ("a",),
    "destroy_toxic": ("a",),
}
"""What the library's methods are given, where that is more than nothing."""


@pytest.fixture
def api(server: BadServer) -> Server:
    """The adapter on the tests' own Toxiproxy."""
    return Server("one", "127.0.0.1", server.port, 5.0)


def methods(library: type[Any]) -> list[str]:
    """The public methods of a class of the library."""
    return [name for name, it in vars(library).items() if isinstance(it, FunctionType) and name[0] != "_"]


@pytest.mark.parametrize("name", methods(toxiproxy.Toxiproxy))
def test_a_server_s_methods_call_that_server_or_are_closed(
    server: BadServer, api: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No public method of the library's server uses the process's address or enables a disabled proxy."""
    server.proxy["enabled"] = False
    given = (api.proxies()[PROXY],) if name == "destroy" else GIVEN.get(name, ())
    call_without_the_library_s_consumer(getattr(api, name), given, monkeypatch)
    assert server.proxy["enabled"] is False


@pytest.mark.parametrize("name", methods(toxiproxy.Proxy))
def test_a_proxy_s_methods_call_its_server_or_are_closed(
    server: BadServer, api: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No public method of the library's proxy uses the process's address; only ``enable`` enables."""
    server.proxy["enabled"] = False
    method = getattr(ServedProxy(api, PROXY).read(), name)
    if name == "add_toxic":
        method = partial(method, **TOXIC)
    call_without_the_library_s_consumer(method, GIVEN.get(name, ()), monkeypatch)
    assert server.proxy["enabled"] is (name == "enable")


def call_without_the_library_s_consumer(
    method: Callable[..., object] | None, given: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Call a method while the consumer of the process is unusable; ``None`` is a disabled method."""
    monkeypatch.setattr(toxiproxy.server, "APIConsumer", None)
    monkeypatch.setattr(toxiproxy.proxy, "APIConsumer", None)
    if method is None:
        return
    try:
        result = method(*given)
    except TypeError as closed:
        assert "'NoneType' object is not callable" in str(closed)  # noqa: PT017 - most do not raise
    else:
        if isinstance(result, AbstractContextManager):
            with result:
                pass


@pytest.mark.parametrize(
    ("of", "lacking"),
    [
        *(("proxy", key) for key in ("name", "listen", "upstream", "enabled", "toxics")),
        *(("toxic", key) for key in TOXIC),
    ],
)
def test_nothing_is_assumed_for_a_field_that_is_not_told(
    server: BadServer, api: Server, of: str, lacking: str
) -> None:
    """A state that lacks a field is not Toxiproxy's, neither in a listing nor alone."""
    server.proxy["toxics"] = [dict(TOXIC)]
    del {"proxy": server.proxy, "toxic": server.proxy["toxics"][0]}[of][lacking]
    for read in (api.proxies, ServedProxy(api, PROXY).read):
        with pytest.raises(ToxiproxyFailure, match="what answers is not Toxiproxy") as caught:
            read()
        assert "upstream" in str(caught.value.evidence)


@pytest.mark.parametrize("told", [b"", b"[]", b"null", b'{"status": "ok"}', b'{"version": '])
def test_json_of_another_program_is_told_from_toxiproxy_s(
    server: BadServer, api: Server, told: bytes
) -> None:
    """A health check or an empty answer on the port is not taken for a Toxiproxy."""
    for path, ask in (("/proxies", api.proxies), ("/version", api.version)):
        server.answers["GET", path] = (200, told)
        with pytest.raises(ToxiproxyFailure, match="what answers is not Toxiproxy"):
            ask()


def test_no_password_is_sent(
    server: BadServer, api: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in ~/.netrc for the address is not sent."""
    (tmp_path / "netrc").write_text("default login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    ServedProxy(api, PROXY).enable()
    api.proxies()
    assert len(server.calls) == 2
    assert server.passwords == []


def test_one_proxy_is_read_created_and_changed_by_one_call_each(server: BadServer, api: Server) -> None:
    """The library lists all proxies to create or find one; here each needs one call."""
    api.create(UPSTREAM, PROXY, LISTEN, True).read()
    ServedProxy(api, PROXY).add_toxic(**TOXIC)
    assert ServedProxy(api, PROXY).destroy_toxic("a") is True
    assert server.calls == [
        "POST /proxies",
        f"GET /proxies/{PROXY}",
        f"POST /proxies/{PROXY}/toxics",
        f"DELETE /proxies/{PROXY}/toxics/a",
    ]


def test_a_toxic_or_a_proxy_that_is_not_there_is_told_apart_from_a_refusal(
    server: BadServer, api: Server
) -> None:
    """Removing a missing toxic returns False; every other error status is an error."""
    path = f"/proxies/{PROXY}/toxics/a"
    server.answers["DELETE", path] = (404, json.dumps({"error": "toxic not found"}).encode())
    assert ServedProxy(api, PROXY).destroy_toxic("a") is False
    server.answers["DELETE", path] = (409, b"")
    with pytest.raises(ToxiproxyFailure, match="HTTP 409: no text"):
        ServedProxy(api, PROXY).destroy_toxic("a")
