"""What an application meets behind Toxiproxy, compared with plain Compose; figures are in docs/fidelity.md.

Each test runs in both. Where the two may differ, the difference is written in the test and in that page.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import docker
import pytest

from tests.integration.pair import Kind, Try, running

pytestmark = [
    pytest.mark.docker,
    pytest.mark.parametrize("kind", ["plain", "chaoskit"]),
]

SOON = 1.5
"""Seconds, on a busy machine, within which a change must have reached consumers; measured: 0.1."""

DOWN = {
    # Plain Compose: at first no host answers at the address, then the name is gone.
    "plain": {"read ECONNRESET", "ECONNREFUSED", "no answer", "EHOSTUNREACH", "unknown name"},
    # Toxiproxy keeps the name. It closes a connection that comes before its proxy is disabled, and
    # hangs on one for which it dials at the very moment when the address vanishes.
    "chaoskit": {"ECONNREFUSED", "closed", "silent"},
}


def met(tries: list[Try]) -> set[str]:
    """The different outcomes that the consumer met."""
    assert tries
    return {each.met for each in tries}


def test_a_port_does_not_answer_before_its_provider_listens(
    kind: Kind, client: docker.DockerClient, tmp_path: Path
) -> None:
    """A script that waits for the port passes only when the provider listens."""
    with running(client, kind, tmp_path, after=2.0) as pair:
        pair.until_open()
        listening = pair.said("listening")[0]
        before = [each for each in pair.tries(before=listening) if each.at + each.took < listening]
        # Plain Compose was seen to give no answer at all this early, too. The cause is not known. Behind
        # Toxiproxy the consumer must not meet it.
        early = {"no answer"} if kind == "plain" else set()
        assert met(before) <= {"ECONNREFUSED", "unknown name"} | early
        assert "ECONNREFUSED" in met(before)
        first = next(each.at for each in pair.tries() if each.met == "open")
        assert 0 <= first - listening < SOON


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_provider_that_is_down_is_not_reached(
    kind: Kind, how: str, client: docker.DockerClient, tmp_path: Path
) -> None:
    """New connections fail and the open one is closed, both within a moment."""
    with running(client, kind, tmp_path) as pair:
        pair.until_open()
        provider = pair.container("provider")
        provider.stop(timeout=5) if how == "stop" else provider.kill()
        ended = pair.ended()
        pair.until(lambda: bool(pair.tries(ended + SOON + 1)))
        assert met(pair.tries(ended + 0.05)) <= DOWN[kind]
        settled = met(pair.tries(ended + SOON))
        assert settled == ({"unknown name"} if kind == "plain" else {"ECONNREFUSED"})
        held = pair.held()
        assert held is not None
        assert held.met == "closed"
        assert abs(held.at - ended) < SOON


def test_a_paused_provider_accepts_and_says_nothing(
    kind: Kind, client: docker.DockerClient, tmp_path: Path
) -> None:
    """Its kernel still accepts, so consumers connect and wait; the open connection stays."""
    with running(client, kind, tmp_path) as pair:
        pair.until_open()
        provider = pair.container("provider")
        provider.pause()
        paused = time.time()
        pair.until(lambda: len(pair.tries(paused + 0.1)) >= 3)
        assert met(pair.tries(paused + 0.1)) == {"silent"}
        provider.unpause()
        pair.until_open(time.time())
        assert pair.held() is None


def test_a_restarted_provider_is_reached_when_it_listens_again(
    kind: Kind, client: docker.DockerClient, tmp_path: Path
) -> None:
    """Between its end and its listening no consumer reaches it; afterwards every consumer does."""
    with running(client, kind, tmp_path, after=1.0) as pair:
        pair.until_open()
        pair.container("provider").restart(timeout=5)
        ended = pair.ended()
        pair.until(lambda: len(pair.said("listening")) == 2)
        listening = pair.said("listening")[1]
        pair.until_open(listening)
        between = [each for each in pair.tries(ended + 0.05) if each.at + each.took < listening]
        assert met(between) <= DOWN[kind]
        first = next(each.at for each in pair.tries(listening) if each.met == "open")
        assert first - listening < SOON


def test_a_provider_that_drains_finishes_what_it_has_begun(
    kind: Kind, client: docker.DockerClient, tmp_path: Path
) -> None:
    """It no longer listens, so new connections fail; the open one lives as long as its process.

    Plain Compose refuses new connections. Behind Toxiproxy they are accepted and closed at once, because
    disabling the proxy would cut the open one.
    """
    with running(client, kind, tmp_path, drain=2.0) as pair:
        pair.until_open()
        provider = pair.container("provider")
        stop = threading.Thread(target=provider.stop, kwargs={"timeout": 10})
        stop.start()
        stop.join()
        deaf, ended = pair.said("deaf")[0], pair.ended()
        assert ended - deaf > 1
        new = met(pair.tries(deaf + 0.1, ended - 0.2))
        assert new == ({"ECONNREFUSED"} if kind == "plain" else {"closed"})
        held = pair.held()
        assert held is not None
        assert held.at > ended - 0.5


def test_a_crash_loop_looks_alike(kind: Kind, client: docker.DockerClient, tmp_path: Path) -> None:
    """With restart: always the engine restarts it, and consumers reach it when it listens."""
    with running(client, kind, tmp_path, after=0.5, restart="always") as pair:
        pair.until_open()
        pair.container("provider").exec_run(["sh", "-c", "kill -TERM 1"])
        pair.until(lambda: len(pair.said("listening")) == 2)
        listening = pair.said("listening")[1]
        pair.until_open(listening)
        first = next(each.at for each in pair.tries(listening) if each.met == "open")
        assert first - listening < SOON
