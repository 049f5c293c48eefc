"""Cutting links, against a Toxiproxy and a kernel made of dictionaries."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.containers.engine import cuts as module
from chaoskit.containers.engine.cuts import HANG_TOXICS, Cuts
from chaoskit.errors import ToxiproxyFailure
from chaoskit.interpose import Placed
from chaoskit.runtime import Cut, Executed, Toxic
from chaoskit.system import Link
from chaoskit.toxiproxy import ProxyState

HOW: list[Cut] = ["refuse", "hang", "silent"]


def placed(consumer: str = "api", server: str = "toxiproxy") -> Placed:
    """A link of a consumer to the database."""
    return Placed(Link(consumer, "db", 5432), server, f"10.0.0.{len(consumer)}:5432", "10.0.1.2:5432")


ONE, TWO, OTHER = placed("api"), placed("worker"), placed("cron", "toxiproxy-2")


class FakeToxiproxies:
    """Proxies in a dictionary; the ``deaf`` ones accept every call and change nothing."""

    def __init__(self, *links: Placed) -> None:
        self.states = {
            (each.toxiproxy, each.link.proxy): ProxyState(each.link.proxy, each.listen, each.upstream, True)
            for each in links
        }
        self.deaf = False
        self.log: list[str] = []

    def _change(self, server: str, proxy: str, **values: Any) -> None:
        if not self.deaf:
            self.states[server, proxy] = replace(self.states[server, proxy], **values)

    def proxies(self, server: str) -> dict[str, ProxyState]:
        return {name: state for (where, name), state in self.states.items() if where == server}

    def toxics(self, server: str, proxy: str) -> tuple[Toxic, ...]:
        return self.states[server, proxy].toxics

    def enable(self, server: str, proxy: str) -> None:
        self._change(server, proxy, enabled=True)

    def disable(self, server: str, proxy: str) -> None:
        self._change(server, proxy, enabled=False)

    def add_toxic(self, server: str, proxy: str, toxic: Toxic) -> None:
        self.log.append(f"+{toxic.kind}")
        self._change(server, proxy, toxics=(*self.toxics(server, proxy), toxic))

    def remove_toxic(self, server: str, proxy: str, name: str) -> None:
        left = tuple(toxic for toxic in self.toxics(server, proxy) if toxic.name != name)
        self.log += [f"-{toxic.kind}" for toxic in self.toxics(server, proxy) if toxic.name == name]
        self._change(server, proxy, toxics=left)


class FakeNettools:
    """The kernel of each container: its tables, and what a connection meets."""

    def __init__(self) -> None:
        self.tables: dict[str, set[str]] = {}
        self.meets = Executed(0, "accepted 142\n")
        self.asked: list[str] = []

    def run(
        self,
        container: str,
        command: Sequence[str],
        *,
        timeout: float,
        admin: bool = False,
        prints: bool = False,
    ) -> Executed:
        if command[0] != "nft":
            self.asked.append(container)
            return self.meets
        assert admin
        there = self.tables.setdefault(container, set())
        script = command[-1]
        if "list" in script:
            rules = [
                {"rule": {"table": name, "chain": chain, "expr": [{"drop": None}]}}
                for name in sorted(there)
                for chain in ("input", "output")
            ]
            return Executed(0, json.dumps({"nftables": [{"metainfo": {}}, *rules]}))
        there |= set(re.findall(r"add table inet (\w+)", script))
        there -= set(re.findall(r"delete table inet (\w+)", script))
        return Executed(0, "")

    def known(self, container: str) -> bool:
        return container in self.tables

    def close(self) -> None:
        self.tables.clear()


@pytest.fixture
def nettools(monkeypatch: pytest.MonkeyPatch) -> FakeNettools:
    """The fake kernels, in place of the sidecars."""
    made = FakeNettools()
    monkeypatch.setattr(module, "Nettools", lambda client, run_id: made)
    monkeypatch.setattr(module, "containers", lambda client, run_id: {"api": "id-of-api"})
    return made


@pytest.fixture
def toxiproxies() -> FakeToxiproxies:
    """Two servers with three links."""
    return FakeToxiproxies(ONE, TWO, OTHER)


def make(toxiproxies: FakeToxiproxies, **more: Any) -> Cuts:
    """Cuts over the fakes."""
    client: Any = None
    proxies: Any = toxiproxies
    return Cuts(client, "run", proxies, lambda service: f"id-of-{service}", **more)


@pytest.mark.usefixtures("nettools")
@pytest.mark.parametrize("how", HOW)
def test_a_cut_concerns_its_link_alone(toxiproxies: FakeToxiproxies, how: Cut) -> None:
    """One link is cut and mended; other links, on the same server and elsewhere, are not touched."""
    whole = dict(toxiproxies.states)
    cuts = make(toxiproxies)
    cuts.cut(ONE, how)
    assert cuts.active([ONE, TWO, OTHER]) == {ONE.link: how}
    cuts.mend(ONE)
    assert cuts.active([ONE, TWO, OTHER]) == {}
    assert toxiproxies.states == whole


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO, OTHER]), st.sampled_from([*HOW, None])), max_size=25))
def test_any_order_of_cuts_and_mends(steps: list[tuple[Placed, Cut | None]]) -> None:
    """After any sequence of cuts and mends, each link is as its last step left it."""
    with pytest.MonkeyPatch.context() as patch:
        nettools = FakeNettools()
        patch.setattr(module, "Nettools", lambda client, run_id: nettools)
        toxiproxies = FakeToxiproxies(ONE, TWO, OTHER)
        whole = dict(toxiproxies.states)
        cuts = make(toxiproxies)
        expected: dict[Link, Cut] = {}
        for each, how in steps:
            if how is None:
                cuts.mend(each)
                expected.pop(each.link, None)
            else:
                cuts.cut(each, how)
                expected[each.link] = how
            assert cuts.active([ONE, TWO, OTHER]) == expected
            for one in (ONE, TWO, OTHER):
                assert cuts.is_refused(one) == (expected.get(one.link) == "refuse")
        for each in (ONE, TWO, OTHER):
            cuts.mend(each)
        assert toxiproxies.states == whole
        assert not any(nettools.tables.values())


@pytest.mark.usefixtures("nettools")
def test_hang_never_removes_a_timeout_before_what_stands_in_front_of_it(toxiproxies: FakeToxiproxies) -> None:
    """Toxics are added and removed in the order that keeps Toxiproxy's API from hanging."""
    cuts = make(toxiproxies)
    cuts.cut(ONE, "hang")
    cuts.mend(ONE)
    assert toxiproxies.log == ["+slow_close", "+timeout", "+timeout", "-slow_close", "-timeout", "-timeout"]


@pytest.mark.usefixtures("nettools")
def test_half_a_cut_is_mended(toxiproxies: FakeToxiproxies) -> None:
    """Mending removes the one toxic that a harness left when it died between two; alone it is not a cut."""
    toxiproxies.add_toxic(ONE.toxiproxy, ONE.link.proxy, HANG_TOXICS[0])
    cuts = make(toxiproxies)
    assert cuts.active([ONE]) == {}
    cuts.mend(ONE)
    assert toxiproxies.toxics(ONE.toxiproxy, ONE.link.proxy) == ()


@pytest.mark.usefixtures("nettools")
def test_toxics_of_a_fault_survive_a_cut(toxiproxies: FakeToxiproxies) -> None:
    """Mending removes the toxics of the cut, and no others."""
    slow = Toxic("slow", "latency", attributes={"latency": 1})
    toxiproxies.add_toxic(ONE.toxiproxy, ONE.link.proxy, slow)
    cuts = make(toxiproxies)
    cuts.cut(ONE, "hang")
    cuts.mend(ONE)
    assert toxiproxies.toxics(ONE.toxiproxy, ONE.link.proxy) == (slow,)


@pytest.mark.usefixtures("nettools")
def test_a_proxy_whose_provider_is_down_is_not_cut(toxiproxies: FakeToxiproxies) -> None:
    """A disabled proxy counts as a cut only if the cut disabled it."""
    toxiproxies.disable(ONE.toxiproxy, ONE.link.proxy)
    assert make(toxiproxies).active([ONE]) == {}


@pytest.mark.usefixtures("nettools")
def test_mending_enables_only_where_the_provider_listens(toxiproxies: FakeToxiproxies) -> None:
    """If the provider died while its link was refused, mending leaves the proxy disabled."""
    cuts = make(toxiproxies, listens=lambda each: False)
    cuts.cut(ONE, "refuse")
    cuts.mend(ONE)
    assert not toxiproxies.proxies(ONE.toxiproxy)[ONE.link.proxy].enabled
    assert not cuts.is_refused(ONE)
    assert cuts.enable(ONE)
    assert toxiproxies.proxies(ONE.toxiproxy)[ONE.link.proxy].enabled


@pytest.mark.usefixtures("nettools")
def test_nobody_enables_what_is_refused(toxiproxies: FakeToxiproxies) -> None:
    """A watcher that keeps enabling a proxy while its link is being refused never opens the link again."""
    cuts = make(toxiproxies)
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            cuts.enable(ONE)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for _ in range(200):
            cuts.cut(ONE, "refuse")
            assert not cuts.enable(ONE)
            assert not toxiproxies.proxies(ONE.toxiproxy)[ONE.link.proxy].enabled
            cuts.mend(ONE)
    finally:
        stop.set()
        thread.join()


@pytest.mark.usefixtures("nettools")
@pytest.mark.parametrize("how", ["refuse", "hang"])
def test_a_cut_that_is_not_to_be_seen_is_an_error(toxiproxies: FakeToxiproxies, how: Cut) -> None:
    """A Toxiproxy that changes nothing is detected, and the error names the link."""
    toxiproxies.deaf = True
    with pytest.raises(ToxiproxyFailure, match="could not be cut with") as caught:
        make(toxiproxies).cut(ONE, how)
    assert ONE.link.name in caught.value.what


@pytest.mark.usefixtures("nettools")
def test_a_cut_that_cannot_be_mended_is_an_error(toxiproxies: FakeToxiproxies) -> None:
    """A link that is still cut after mending is an error."""
    cuts = make(toxiproxies)
    cuts.cut(ONE, "hang")
    toxiproxies.deaf = True
    with pytest.raises(ToxiproxyFailure, match="could not be mended"):
        cuts.mend(ONE)


def test_the_probe_starts_at_the_consumer(toxiproxies: FakeToxiproxies, nettools: FakeNettools) -> None:
    """The probe runs in the consumer's network, or in Toxiproxy's if the consumer has no container."""
    cuts = make(toxiproxies)
    assert cuts.connect(ONE) == "open"
    assert cuts.connect(TWO) == "open"
    assert nettools.asked == ["id-of-api", "id-of-toxiproxy"]


@pytest.mark.parametrize(
    ("seen", "hangs", "word"),
    [
        (Executed(0, "accepted 142\n"), True, "hang"),
        (Executed(0, "accepted 142\n"), False, "open"),
        (Executed(0, "accepted 0\n"), True, "open"),
        (Executed(0, "accepted 1\n"), False, "refused"),
        (Executed(124, ""), False, "silent"),
    ],
)
def test_what_a_connection_meets(
    toxiproxies: FakeToxiproxies, nettools: FakeNettools, seen: Executed, hangs: bool, word: str
) -> None:
    """The probe's outcome decides; only if it is quiet do the toxics decide."""
    cuts = make(toxiproxies)
    if hangs:
        cuts.cut(ONE, "hang")
    nettools.meets = seen
    assert cuts.connect(ONE) == word
