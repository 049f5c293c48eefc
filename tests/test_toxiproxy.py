"""The adapter against a server of the test's own, which can be as bad as one likes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toxiproxy.api import APIConsumer

from chaoskit.clock import ManualClock
from chaoskit.errors import NotReady, ToxiproxyFailure, UsageError
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy import ProxyState, Toxiproxies
from chaoskit.toxiproxy.units import from_wire, to_wire

PROXY = "api.db.5432"
LISTEN, UPSTREAM = "10.0.0.2:5432", "10.0.0.3:5432"


@dataclass
class Server:
    """A Toxiproxy of one proxy, as far as the adapter uses it.

    Attributes:
        answers: (method, path) → (status, body) in place of what it would answer; a status of 0 is silence.
        deaf: methods that change nothing although they are answered well.
    """

    port: int = 0
    proxy: dict[str, Any] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.proxy = {"name": PROXY, "listen": LISTEN, "upstream": UPSTREAM, "enabled": True, "toxics": []}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        """Do what Toxiproxy does."""
        self.calls.append(f"{method} {path}")
        if (method, path) in self.answers:
            return self.answers[method, path]
        if method not in self.deaf:
            self._change(method, path, body)
        if path == "/version":
            return 200, b'{"version": "2.12.0"}'
        if path == "/proxies" and method == "GET":
            return 200, json.dumps({PROXY: self.proxy}).encode()
        if method == "DELETE":
            return 204, b""
        return 200, json.dumps(self.proxy).encode()

    def _change(self, method: str, path: str, body: Any) -> None:
        if method == "PATCH":
            self.proxy.update(body)
        elif method == "POST" and path.endswith("/toxics"):
            self.proxy["toxics"].append(body)
        elif method == "POST":
            self.proxy = {**body, "toxics": []}
        elif method == "DELETE":
            name = path.rpartition("/")[2]
            self.proxy["toxics"] = [toxic for toxic in self.proxy["toxics"] if toxic["name"] != name]


@pytest.fixture
def server() -> Iterator[Server]:
    """It, listening."""
    yield from _serve()


@pytest.fixture
def other() -> Iterator[Server]:
    """Another one."""
    yield from _serve()


def _serve() -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            status, text = made.answer(self.command, self.path, body)
            if not status:
                made.released.wait(30)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815 - so the base class wants it

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        made.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.released.set()
        listener.shutdown()
        thread.join()


@pytest.fixture
def toxiproxies(server: Server) -> Toxiproxies:
    """The adapter."""
    return Toxiproxies({"one": ("127.0.0.1", server.port)}, deadline=5.0)


def test_state_has_the_toxics_of_a_listing_in_our_units(server: Server, toxiproxies: Toxiproxies) -> None:
    """All proxies come in one call, with the toxics that the library leaves out."""
    toxic = Toxic("slow", "latency", "upstream", {"latency": 0.25}, 0.5)
    toxiproxies.add_toxic("one", PROXY, toxic)
    server.calls.clear()
    assert toxiproxies.proxies("one") == {PROXY: ProxyState(PROXY, LISTEN, UPSTREAM, True, (toxic,))}
    assert server.calls == ["GET /proxies"]
    assert toxiproxies.toxics("one", PROXY) == (toxic,)


def test_enabling_patches_and_reads_back(server: Server, toxiproxies: Toxiproxies) -> None:
    """The deprecated POST is not used, and the state is looked at afterwards."""
    toxiproxies.disable("one", PROXY)
    assert server.calls == [f"PATCH /proxies/{PROXY}", f"GET /proxies/{PROXY}"]
    assert server.proxy["enabled"] is False
    toxiproxies.enable("one", PROXY)
    assert server.proxy["enabled"] is True


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_change_that_did_not_happen_is_an_error(
    server: Server, toxiproxies: Toxiproxies, method: str
) -> None:
    """A server that says yes and does nothing is found out."""
    toxiproxies.add_toxic("one", PROXY, Toxic("there", "timeout", attributes={"timeout": 0}))
    server.deaf = {method}
    change = {
        "POST": lambda: toxiproxies.add_toxic(
            "one", PROXY, Toxic("new", "timeout", attributes={"timeout": 0})
        ),
        "PATCH": lambda: toxiproxies.disable("one", PROXY),
        "DELETE": lambda: toxiproxies.remove_toxic("one", PROXY, "there"),
    }[method]
    with pytest.raises(ToxiproxyFailure, match="not as it should be") as caught:
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
    """Whatever status and text an error has, the message carries both, and what was called."""
    server.answers["GET", "/proxies"] = (status, body)
    with pytest.raises(ToxiproxyFailure) as caught:
        toxiproxies.proxies("one")
    assert caught.value.evidence == said
    assert "GET http://127.0.0.1" in str(caught.value.where)
    assert "'one'" in str(caught.value.where)


def test_an_answer_that_is_not_toxiproxy_s_is_an_error(server: Server, toxiproxies: Toxiproxies) -> None:
    """Another program on the port is told from Toxiproxy."""
    server.answers["GET", "/proxies"] = (200, b"<html>hello</html>")
    with pytest.raises(ToxiproxyFailure, match="what answers is not Toxiproxy"):
        toxiproxies.proxies("one")


def test_a_call_that_hangs_ends_at_its_deadline(server: Server) -> None:
    """A server that says nothing is given up, with a word on what a blocked API needs."""
    server.answers["GET", "/proxies"] = (0, b"")
    with pytest.raises(ToxiproxyFailure) as caught:
        Toxiproxies({"one": ("127.0.0.1", server.port)}, deadline=0.05).proxies("one")
    assert caught.value.limit == "0.05 s"
    assert "container may need replacing" in str(caught.value.remedy)


def test_a_server_that_is_gone_is_an_error() -> None:
    """Nobody on the port is an error with the address."""
    with pytest.raises(ToxiproxyFailure, match="cannot be reached") as caught:
        Toxiproxies({"one": ("127.0.0.1", 1)}).proxies("one")
    assert "127.0.0.1:1/proxies" in str(caught.value.where)


def test_a_server_that_is_not_known_is_named() -> None:
    """A mistake of ours names the servers that there are."""
    with pytest.raises(ToxiproxyFailure, match="no Toxiproxy called 'two'") as caught:
        Toxiproxies({"one": ("127.0.0.1", 1)}).proxies("two")
    assert caught.value.evidence == "known: one"


def test_proxies_of_the_environment_are_ignored(
    toxiproxies: Toxiproxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is set for the way out to the internet does not stand between us and Toxiproxy."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert PROXY in toxiproxies.proxies("one")


def test_two_servers_at_once_do_not_mix(server: Server, other: Server) -> None:
    """Threads that talk to different servers each reach their own; the library's global stays as it was."""
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
    """A container that was started again has another port; adding its server again says so."""
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
    """All toxics go, ``timeout`` last; a proxy that is down stays down, and POST /reset is never sent."""
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
    """One broken server is reported after the others were freed."""
    toxiproxies.add_server("two", "127.0.0.1", other.port)
    toxiproxies.add_toxic("two", PROXY, Toxic("slow", "latency", attributes={"latency": 1}))
    server.answers["GET", "/proxies"] = (500, b"broken")
    with pytest.raises(ToxiproxyFailure, match="not every toxic") as caught:
        toxiproxies.reset()
    assert "broken" in str(caught.value.evidence)
    assert other.proxy["toxics"] == []


def test_removing_what_is_not_there_is_no_error(server: Server, toxiproxies: Toxiproxies) -> None:
    """A toxic that somebody else has removed is removed; any other refusal is an error."""
    path = f"/proxies/{PROXY}/toxics/gone"
    server.answers["DELETE", path] = (404, b'{"error": "toxic not found"}')
    toxiproxies.remove_toxic("one", PROXY, "gone")
    server.answers["DELETE", path] = (500, b"no")
    with pytest.raises(ToxiproxyFailure, match="refused a call"):
        toxiproxies.remove_toxic("one", PROXY, "gone")


def test_creating_compares_what_came_of_it(server: Server, toxiproxies: Toxiproxies) -> None:
    """The address may be told in Go's way; anything else that differs is an error."""
    toxiproxies.create("one", PROXY, listen="0.0.0.0:0", upstream=UPSTREAM, enabled=False)
    path = f"/proxies/{PROXY}"
    told = {"name": PROXY, "listen": "[::]:4711", "upstream": UPSTREAM, "enabled": True, "toxics": []}
    server.answers["GET", path] = (200, json.dumps(told).encode())
    toxiproxies.create("one", PROXY, listen="0.0.0.0:0", upstream=UPSTREAM, enabled=True)
    with pytest.raises(ToxiproxyFailure, match="not as it should be"):
        toxiproxies.create("one", PROXY, listen="0.0.0.0:4712", upstream=UPSTREAM, enabled=True)
    with pytest.raises(ToxiproxyFailure, match="not as it should be"):
        toxiproxies.create("one", PROXY, listen="0.0.0.0:4711", upstream=UPSTREAM, enabled=False)


def test_a_proxy_s_name_must_fit_into_a_path(server: Server, toxiproxies: Toxiproxies) -> None:
    """A name with a slash is refused before anything is sent."""
    with pytest.raises(UsageError):
        toxiproxies.create("one", "a/b", listen=LISTEN, upstream=UPSTREAM, enabled=True)
    assert server.calls == []


@pytest.mark.parametrize(
    ("toxic", "sent"),
    [
        (Toxic("a", "latency", attributes={"latency": 0.1, "jitter": 0.02}), {"latency": 100, "jitter": 20}),
        (Toxic("a", "bandwidth", attributes={"rate_bytes_per_s": 64_000}), {"rate": 64}),
        (Toxic("a", "slow_close", attributes={"delay": 1.5}), {"delay": 1500}),
        (Toxic("a", "timeout", attributes={"timeout": 0}), {"timeout": 0}),
        (Toxic("a", "reset_peer", attributes={"timeout": 2}), {"timeout": 2000}),
        (
            Toxic("a", "slicer", attributes={"size_bytes": 64, "variation_bytes": 32, "delay": 0.001}),
            {"average_size": 64, "size_variation": 32, "delay": 1000},
        ),
        (Toxic("a", "limit_data", attributes={"size_bytes": 10}), {"bytes": 10}),
    ],
)
def test_units(toxic: Toxic, sent: dict[str, int]) -> None:
    """Seconds and bytes become Toxiproxy's ms, µs, KB/s and bytes, kind by kind."""
    assert to_wire(toxic)["attributes"] == sent
    assert all(isinstance(value, int) for value in to_wire(toxic)["attributes"].values())


@pytest.mark.parametrize(
    ("toxic", "mistake"),
    [
        (Toxic("a", "lag", attributes={"latency": 1}), "'lag' is none of latency, bandwidth"),
        (Toxic("a", "latency", attributes={"latenzy": 1, "latency": 1}), "no attribute 'latenzy'"),
        (Toxic("a", "latency", attributes={"jitter": 1}), "needs the attribute 'latency'"),
        (Toxic("a", "latency", attributes={"latency": -1}), "not zero or above"),
        (Toxic("a", "latency", attributes={"latency": float("nan")}), "not zero or above"),
        (Toxic("a", "latency", attributes={"latency": 0.0004}), "Toxiproxy's step is 0.001"),
        (Toxic("a", "latency", attributes={"latency": 0.0014}), "Toxiproxy's step is 0.001"),
        (Toxic("a", "timeout", attributes={"timeout": 0.0002}), "Toxiproxy's step is 0.001"),
        (Toxic("a", "bandwidth", attributes={"rate_bytes_per_s": 0}), "Toxiproxy's step is 1000"),
        (Toxic("a", "bandwidth", attributes={"rate_bytes_per_s": 1500}), "Toxiproxy's step is 1000"),
        (Toxic("a", "slicer", attributes={"size_bytes": 0}), "cannot be expressed"),
        (
            Toxic("a", "slicer", attributes={"size_bytes": 5, "variation_bytes": 5}),
            "must be below size_bytes",
        ),
        (Toxic("a", "timeout", attributes={"timeout": 0}, toxicity=0), "toxicity 0 is not a share"),
        (Toxic("a", "timeout", attributes={"timeout": 0}, toxicity=1.1), "toxicity 1.1 is not a share"),
        (Toxic("a/b", "timeout", attributes={"timeout": 0}), "its name 'a/b'"),
        (Toxic("a", "timeout", "sideways", {"timeout": 0}), "'sideways'"),  # type: ignore[arg-type]
    ],
)
def test_what_toxiproxy_would_swallow_is_refused(toxic: Toxic, mistake: str) -> None:
    """A toxic that Toxiproxy would take and not do as meant is a mistake that says what is wrong."""
    with pytest.raises(UsageError) as caught:
        to_wire(toxic)
    assert mistake in str(caught.value)


def test_all_mistakes_of_a_toxic_are_told_at_once(server: Server, toxiproxies: Toxiproxies) -> None:
    """Three mistakes are three lines, and nothing is sent."""
    bad = Toxic("a b", "latency", attributes={"latency": -1, "x": 1}, toxicity=2)
    with pytest.raises(UsageError) as caught:
        toxiproxies.add_toxic("one", PROXY, bad)
    assert len(str(caught.value.evidence).splitlines()) == 4
    assert server.calls == []


_WHOLE = st.integers(min_value=1, max_value=10**6)


@given(
    st.one_of(
        st.builds(lambda ms, j: ("latency", {"latency": ms / 1e3, "jitter": j / 1e3}), _WHOLE, _WHOLE),
        st.builds(lambda kb: ("bandwidth", {"rate_bytes_per_s": kb * 1000}), _WHOLE),
        st.builds(lambda ms: ("slow_close", {"delay": ms / 1e3}), _WHOLE),
        st.builds(lambda ms: ("reset_peer", {"timeout": ms / 1e3}), _WHOLE),
        st.builds(lambda n, us: ("slicer", {"size_bytes": n, "delay": us / 1e6}), _WHOLE, _WHOLE),
        st.builds(lambda n: ("limit_data", {"size_bytes": n}), st.integers(0, 10**9)),
    ),
    st.sampled_from(["upstream", "downstream"]),
)
def test_what_is_sent_reads_back_the_same(values: tuple[str, dict[str, float]], stream: Any) -> None:
    """Every toxic that Toxiproxy can express exactly comes back equal, so that states can be compared."""
    toxic = Toxic("a", values[0], stream, values[1])
    sent = to_wire(toxic)
    assert from_wire("a", sent["type"], sent["stream"], sent["toxicity"], sent["attributes"]) == toxic


@given(st.floats(min_value=1e-6, max_value=1e6), st.sampled_from(["latency", "bandwidth"]))
def test_what_is_sent_is_close_to_what_was_asked(value: float, kind: str) -> None:
    """Rounding never changes a value by more than a twentieth: what it would change more is refused."""
    name = "latency" if kind == "latency" else "rate_bytes_per_s"
    toxic = Toxic("a", kind, attributes={name: value})
    try:
        sent = to_wire(toxic)
    except UsageError:
        return
    back = from_wire("a", kind, "downstream", 1.0, sent["attributes"])
    assert back.attributes[name] == pytest.approx(value, rel=0.0501)


def test_a_kind_that_we_do_not_know_is_shown_as_it_is() -> None:
    """A toxic that somebody else has put there is not hidden."""
    assert from_wire("a", "noop", "upstream", 1.0, {"x": 3}) == Toxic("a", "noop", "upstream", {"x": 3})
