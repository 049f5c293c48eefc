"""On a Toxiproxy that others use as well, their toxics are neither seen nor touched."""

from __future__ import annotations

import pytest

from chaoskit.runtime import Toxic
from chaoskit.toxiproxy import Marked, Toxiproxies
from tests.toxiproxy.conftest import PROXY, Server

THEIRS = {
    "name": "slow",
    "type": "latency",
    "stream": "downstream",
    "toxicity": 1.0,
    "attributes": {"latency": 5, "jitter": 0},
}
OURS = Toxic("slow", "latency", "downstream", {"latency": 0.25})


@pytest.fixture
def marked(server: Server) -> Marked:
    """The adapter, on a server on which another user has a toxic of the same name."""
    server.proxy["toxics"] = [dict(THEIRS)]
    return Marked("chaoskit-abc-", {"one": ("127.0.0.1", server.port)})


def test_ours_go_by_the_names_we_gave_and_bear_a_mark_there(server: Server, marked: Marked) -> None:
    """Two toxics of one name stand side by side, and each owner sees its own."""
    assert marked.toxics("one", PROXY) == ()
    marked.add_toxic("one", PROXY, OURS)
    assert [each["name"] for each in server.proxy["toxics"]] == ["slow", "chaoskit-abc-slow"]
    assert marked.toxics("one", PROXY) == (OURS,)
    assert marked.proxies("one")[PROXY].toxics == (OURS,)
    assert len(marked.everything("one")[PROXY].toxics) == 2


def test_removing_and_resetting_leave_those_of_others(server: Server, marked: Marked) -> None:
    """Toxics of others stay, also those of another run of chaoskit."""
    another = Marked("chaoskit-def-", {"one": ("127.0.0.1", server.port)})
    another.add_toxic("one", PROXY, OURS)
    marked.remove_toxic("one", PROXY, "slow")
    marked.add_toxic("one", PROXY, OURS)
    marked.add_toxic("one", PROXY, Toxic("more", "latency", "upstream", {"latency": 0.5}))
    marked.reset()
    assert marked.toxics("one", PROXY) == ()
    everyone = Toxiproxies({"one": ("127.0.0.1", server.port)})
    assert [each.name for each in everyone.toxics("one", PROXY)] == ["slow", "chaoskit-def-slow"]
