"""The adapter against a server that can misbehave in any way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
from toxiproxy.api import APIConsumer

from chaoskit.clock import ManualClock
from chaoskit.errors import NotReady, ToxiproxyFailure, UsageError
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy import ProxyState, Toxiproxies
from tests.toxiproxy.conftest import LISTEN, PROXY, UPSTREAM, Server


@pytest.fixture
def toxiproxies(server: Server) -> Toxiproxies:
    """The adapter."""
    return Toxiproxies({"one": ("127.0.0.1", server.port)}, deadline=5.0)


def test_state_has_the_toxics_of_a_listing_in_our_units(server: Server, toxiproxies: Toxiproxies) -> None:
    """All proxies come in one call, with the toxics that the library drops."""
    toxic = Toxic("slow", "latency", "upstream", {"latency": 0.25}, 0.5)
    toxiproxies.add_toxic("one", PROXY, toxic)
    server.calls.clear()
    assert toxiproxies.proxies("one") == {PROXY: ProxyState(PROXY, LISTEN, UPSTREAM, True, (toxic,))}
    assert server.calls == ["GET /proxies"]
    assert toxiproxies.toxics("one", PROXY) == (toxic,)


def test_enabling_patches_and_reads_back(server: Server, toxiproxies: Toxiproxies) -> None:
    """The deprecated POST is not used, and the state is read back."""
    toxiproxies.disable("one", PROXY)
    assert server.calls == [f"PATCH /proxies/{PROXY}", f"GET /proxies/{PROXY}"]
    assert server.proxy["enabled"] is False
    toxiproxies.enable("one", PROXY)
    assert server.proxy["enabled"] is True


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_change_that_did_not_happen_is_an_error(
    server: Server, toxiproxies: Toxiproxies, method: str
) -> None:
    """A server that accepts a call and changes nothing is detected."""
    toxiproxies.add_toxic("one", PROXY, Toxic("there", "timeout", attributes={"timeout": 0}))
    server.deaf = {method}
    change: Callable[[], None] = {
        "POST": lambda: toxiproxies.add_toxic(
            "one", PROXY, Toxic("new", "timeout", attributes={"timeout": 0})
        ),
        "PATCH": lambda: toxiproxies.disable("one", PROXY),
        "DELETE": lambda: toxiproxies.remove_toxic("one", PROXY, "there"),
    }[method]
    with pytest.raises(ToxiproxyFailure, match="although Toxiproxy accepted the call") as caught:
        change()
    assert PROXY in str(caught.value)
    assert str(server.port) in str(caught.value.where)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b'{"error": "proxy not found", "status": 404}', "HTTP 404: proxy not found"),
        (409, b'{"error": "proxy already exists"}', "HTTP 409: proxy already exists"),
        (400, b'{"error": "bad request body"}', "HTTP 400: bad request body"),
        (500, b"listen tcp: address already in use", "HTTP 500: listen tcp: address already in use"),
        (500, b"", "HTTP 500: no text"),
        (403, b"[]", "HTTP 403: []"),
    ],
)
def test_an_answer_that_is_an_error_is_shown(
    server: Server, toxiproxies: Toxiproxies, status: int, body: bytes, said: str
) -> None:
    """The error carries the status, the text and the call."""
    server.answers["GET", "/proxies"] = (status, body)
    with pytest.raises(ToxiproxyFailure) as caught:
        toxiproxies.proxies("one")
    assert caught.value.evidence == said
    assert "GET http://127.0.0.1" in str(caught.value.where)
    assert "'one'" in str(caught.value.where)


def test_an_answer_that_is_not_toxiproxy_s_is_an_error(server: Server, toxiproxies: Toxiproxies) -> None:
    """Another program on the port is not taken for a Toxiproxy."""
    server.answers["GET", "/proxies"] = (200, b"<html>hello</html>")
    with pytest.raises(ToxiproxyFailure, match="what answers is not Toxiproxy"):
        toxiproxies.proxies("one")


def test_a_call_that_hangs_ends_at_its_deadline(server: Server) -> None:
    """A server that does not answer is given up, and the remedy covers a blocked API."""
    server.answers["GET", "/proxies"] = (0, b"")
    with pytest.raises(ToxiproxyFailure) as caught:
        Toxiproxies({"one": ("127.0.0.1", server.port)}, deadline=0.05).proxies("one")
    assert caught.value.limit == "0.05 s"
    assert "timeout=0.05" in str(caught.value.evidence)
    assert "replace the Toxiproxy container" in str(caught.value.remedy)


def test_a_server_that_is_gone_is_an_error() -> None:
    """If no program listens on the port, the error has the address."""
    with pytest.raises(ToxiproxyFailure, match="cannot be reached") as caught:
        Toxiproxies({"one": ("127.0.0.1", 1)}).proxies("one")
    assert "127.0.0.1:1/proxies" in str(caught.value.where)


def test_a_server_that_is_not_known_is_named() -> None:
    """An unknown server is an error that lists the known ones."""
    with pytest.raises(ToxiproxyFailure, match="no Toxiproxy called 'two'") as caught:
        Toxiproxies({"one": ("127.0.0.1", 1)}).proxies("two")
    assert caught.value.evidence == "known Toxiproxies: one"


def test_proxies_of_the_environment_are_ignored(
    toxiproxies: Toxiproxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A web proxy of the environment is not used for calls to Toxiproxy."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert PROXY in toxiproxies.proxies("one")


def test_two_servers_at_once_do_not_mix(server: Server, other: Server) -> None:
    """Threads that talk to different servers reach their own, and the library's global stays unchanged."""
    both = Toxiproxies({"one": ("127.0.0.1", server.port), "two": ("127.0.0.1", other.port)})
    failures: list[Exception] = []

    def work(name: str) -> None:
        try:
            for number in range(15):
                toxic = Toxic(f"{name}-{number}", "timeout", attributes={"timeout": 0})
                both.add_toxic(name, PROXY, toxic)
        except Exception as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for name, each in (("one", server), ("two", other)):
        assert [toxic["name"] for toxic in each.proxy["toxics"]] == [f"{name}-{n}" for n in range(15)]
    assert (APIConsumer.host, APIConsumer.port) == ("127.0.0.1", 8474)


def test_a_server_may_move(server: Server, other: Server, toxiproxies: Toxiproxies) -> None:
    """A restarted container has another port, and adding its server again changes the address."""
    toxiproxies.add_server("one", "127.0.0.1", other.port)
    toxiproxies.proxies("one")
    assert (server.calls, other.calls) == ([], ["GET /proxies"])


def test_waiting_for_a_server_ends() -> None:
    """A server that never answers is not ready, and the last error says why."""
    toxiproxies = Toxiproxies({"one": ("127.0.0.1", 1)}, clock=ManualClock())
    with pytest.raises(NotReady) as caught:
        toxiproxies.wait_for("one", 3.0)
    assert caught.value.limit == "3 s"
    assert "cannot be reached" in str(caught.value.evidence)


def test_reset_frees_every_proxy_and_leaves_enabled_alone(
    server: Server, other: Server, toxiproxies: Toxiproxies
) -> None:
    """All toxics go, ``timeout`` last; a disabled proxy stays disabled, and POST /reset is never sent."""
    toxiproxies.add_server("two", "127.0.0.1", other.port)
    for name in ("one", "two"):
        toxiproxies.add_toxic(name, PROXY, Toxic("dumb", "timeout", attributes={"timeout": 0}))
        toxiproxies.add_toxic(name, PROXY, Toxic("slow", "latency", attributes={"latency": 1}))
        toxiproxies.disable(name, PROXY)
    toxiproxies.reset()
    for each in (server, other):
        assert each.proxy["toxics"] == []
        assert each.proxy["enabled"] is False
        assert [call.rpartition("/")[2] for call in each.calls if call.startswith("DELETE")] == [
            "slow",
            "dumb",
        ]
        assert "POST /reset" not in each.calls


def test_reset_goes_on_to_the_others_and_then_fails(
    server: Server, other: Server, toxiproxies: Toxiproxies
) -> None:
    """A broken server is reported after the others were reset."""
    toxiproxies.add_server("two", "127.0.0.1", other.port)
    toxiproxies.add_toxic("two", PROXY, Toxic("slow", "latency", attributes={"latency": 1}))
    server.answers["GET", "/proxies"] = (500, b"broken")
    with pytest.raises(ToxiproxyFailure, match="some toxics could not be removed") as caught:
        toxiproxies.reset()
    assert "broken" in str(caught.value.evidence)
    assert other.proxy["toxics"] == []


def test_removing_what_is_not_there_is_no_error(server: Server, toxiproxies: Toxiproxies) -> None:
    """A toxic that another user has removed counts as removed; every other refusal is an error."""
    path = f"/proxies/{PROXY}/toxics/gone"
    server.answers["DELETE", path] = (404, b'{"error": "toxic not found"}')
    toxiproxies.remove_toxic("one", PROXY, "gone")
    server.answers["DELETE", path] = (500, b"no")
    with pytest.raises(ToxiproxyFailure, match="refused a call"):
        toxiproxies.remove_toxic("one", PROXY, "gone")


def test_creating_compares_what_came_of_it(server: Server, toxiproxies: Toxiproxies) -> None:
    """The address may come back in Go's form; any other difference is an error."""
    toxiproxies.create("one", PROXY, listen="0.0.0.0:0", upstream=UPSTREAM, enabled=False)
    path = f"/proxies/{PROXY}"
    told = {"name": PROXY, "listen": "[::]:4711", "upstream": UPSTREAM, "enabled": True, "toxics": []}
    server.answers["GET", path] = (200, json.dumps(told).encode())
    toxiproxies.create("one", PROXY, listen="0.0.0.0:0", upstream=UPSTREAM, enabled=True)
    with pytest.raises(ToxiproxyFailure, match="although Toxiproxy accepted the call"):
        toxiproxies.create("one", PROXY, listen="0.0.0.0:4712", upstream=UPSTREAM, enabled=True)
    with pytest.raises(ToxiproxyFailure, match="although Toxiproxy accepted the call"):
        toxiproxies.create("one", PROXY, listen="0.0.0.0:4711", upstream=UPSTREAM, enabled=False)


def test_a_proxy_s_name_must_fit_into_a_path(server: Server, toxiproxies: Toxiproxies) -> None:
    """A name with a slash is refused before anything is sent."""
    with pytest.raises(UsageError):
        toxiproxies.create("one", "a/b", listen=LISTEN, upstream=UPSTREAM, enabled=True)
    assert server.calls == []


def test_all_mistakes_of_a_toxic_are_told_at_once(server: Server, toxiproxies: Toxiproxies) -> None:
    """Four mistakes give four lines, and nothing is sent."""
    bad = Toxic("a b", "latency", attributes={"latency": -1, "x": 1}, toxicity=2)
    with pytest.raises(UsageError) as caught:
        toxiproxies.add_toxic("one", PROXY, bad)
    assert len(str(caught.value.evidence).splitlines()) == 4
    assert server.calls == []
