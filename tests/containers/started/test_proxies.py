"""Proxies in step with their providers, with a fake Toxiproxy."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaoskit.clock import ManualClock
from chaoskit.containers.engine.sockets import Sockets
from chaoskit.containers.started.proxies import Proxies
from chaoskit.errors import ToxiproxyFailure
from chaoskit.interpose import Interposed, Placed
from chaoskit.system import Component, Link

LINK = Link("web", "db", 5432)
UP, DOWN = Sockets(frozenset({5432})), None


class Slow:
    """A Toxiproxy whose calls time out but are carried out all the same."""

    def __init__(self) -> None:
        self.enabled = {LINK.proxy: False}
        self.fails = False

    def _set(self, value: bool) -> None:
        self.enabled[LINK.proxy] = value
        if self.fails:
            raise ToxiproxyFailure("did not answer in time")

    def disable(self, server: str, proxy: str) -> None:
        """Like Toxiproxies."""
        self._set(False)

    def enable(self, placed: Placed) -> bool:
        """Like Cuts."""
        self._set(True)
        return True

    def proxies(self, server: str) -> dict[str, Any]:
        """Like Toxiproxies."""
        return {name: SimpleNamespace(enabled=value) for name, value in self.enabled.items()}


@pytest.fixture
def slow() -> Slow:
    """The slow Toxiproxy."""
    return Slow()


@pytest.fixture
def proxies(slow: Slow) -> Proxies:
    """The proxy of one link on that Toxiproxy."""
    placed = Placed(LINK, "toxiproxy-1", "10.0.0.2:5432", "10.0.0.3:5432")
    interposed = cast(
        Interposed,
        SimpleNamespace(
            placed=(placed,),
            routes=(),
            components=(Component("db", "db"),),
            harness={},
            spares={},
            warnings=(),
        ),
    )
    containers = SimpleNamespace(client=None, run_id="run", id=str)
    made = Proxies(cast(Any, containers), interposed, ManualClock())
    made.toxiproxies = made.cuts = cast(Any, slow)
    made._up.add("toxiproxy-1")
    return made


def follow(proxies: Proxies, sockets: Sockets | None) -> None:
    """Let the proxies follow, and wait for it."""
    proxies.follow("db", sockets)
    proxies.wait_switched(LINK)


def test_a_call_that_ran_into_its_deadline_is_not_believed(proxies: Proxies, slow: Slow) -> None:
    """A provider that comes back is reachable even if Toxiproxy was slow to disable its proxy."""
    follow(proxies, UP)
    slow.fails = True
    follow(proxies, DOWN)
    assert slow.enabled == {LINK.proxy: False}
    slow.fails = False
    follow(proxies, UP)
    assert slow.enabled == {LINK.proxy: True}


def test_what_is_out_of_step_is_seen_and_mended(proxies: Proxies, slow: Slow) -> None:
    """A proxy that another program changed is read back, reported and corrected."""
    follow(proxies, UP)
    assert proxies.out_of_step("db") == ()
    slow.enabled[LINK.proxy] = False
    assert proxies.out_of_step("db") == (LINK,)
    follow(proxies, UP)
    assert proxies.out_of_step("db") == ()


def test_a_doomed_provider_is_refused_while_it_still_listens(proxies: Proxies, slow: Slow) -> None:
    """Before a provider is killed its links are refused, whatever the watcher sees."""
    follow(proxies, UP)
    with proxies.doomed("db"):
        assert slow.enabled == {LINK.proxy: False}
        follow(proxies, UP)
        assert slow.enabled == {LINK.proxy: False}
    follow(proxies, UP)
    assert slow.enabled == {LINK.proxy: True}
