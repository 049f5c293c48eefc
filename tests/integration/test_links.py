"""Slow, narrow and resetting links, and a cache that is emptied, on real servers behind a real Toxiproxy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import docker
import pytest

from chaoskit.clients import redis
from chaoskit.containers.started.runtime import DockerRuntime
from chaoskit.faults import Bandwidth, CacheLoss, Fault, Latency, Reset
from chaoskit.faults.base import Evidence, check
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import Link, System
from tests.images import needed
from tests.integration.pair import PORT, PROVIDER
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

LINK = Link("web", "cache", 6379)
GREETER = Link("web", "greeter", PORT)


@pytest.fixture(scope="module")
def running(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRuntime]:
    """A consumer, a Redis, a PostgreSQL, and a server that speaks first."""
    image = base_image(client)
    services = {
        "web": {"image": image, "command": ["sleep", "infinity"]},
        "cache": {"image": needed(client, "marketplace/redis:1"), "expose": ["6379"]},
        "db": {
            "image": needed(client, "marketplace/postgres:1"),
            "command": ["primary"],
            "shm_size": "256m",
            "stop_signal": "SIGINT",
            "expose": ["5432"],
            "environment": dict.fromkeys(("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"), "market"),
        },
        "greeter": {
            "image": image,
            "command": ["perl", "-e", PROVIDER.replace("$", "$$"), str(PORT), "0", "0"],
            "expose": [str(PORT)],
        },
    }
    path = tmp_path_factory.mktemp("system") / "compose.yaml"
    path.write_text(json.dumps({"services": services}))
    with DockerRuntime(System(compose=(path,), journeys=())) as runtime:
        runtime.wait_ready(timeout=60)
        yield runtime


@pytest.fixture
def memory() -> MemoryRuntime:
    """The same in memory."""
    links = [("web", "cache", 6379), ("web", "db", 5432), ("web", "greeter", PORT)]
    made = MemoryRuntime(["web", "cache", "db", "greeter"], links)
    made.start()
    return made


def proven(look: Callable[[], Evidence], within: float = 10.0) -> Evidence:
    """The evidence, once it holds, or the last one."""
    last = time.monotonic() + within
    while not (evidence := look()).holds and time.monotonic() < last:
        time.sleep(0.05)
    return evidence


@pytest.mark.parametrize("place", ["running", "memory"])
@pytest.mark.parametrize(
    ("fault", "least"),
    [
        (Latency("web→cache", delay=0.3), 0.3),
        (Latency("web→cache", delay=0.3, stream="upstream"), 0.3),
        (Latency("web→greeter", delay=0.3), 0.3),
        (Latency("web→greeter", delay=0.3, stream="upstream"), 0.3),
        (Latency("web→db", delay=0.3), 0.3),
        (Latency("web→db", delay=0.3, stream="upstream"), 0.3),
        (Bandwidth("web→db"), 0.01),
        (Bandwidth("web→db", stream="upstream"), 0.04),
        (Reset("web→db"), 0.0),
        (Latency("web→cache", delay=0.2, jitter=0.2), 0.1),
        (Latency("→cache", delay=3.0), 2.0),
        (Bandwidth("web→cache"), 0.02),
        (Bandwidth("web→cache", stream="upstream"), 0.04),
        (Reset("web→cache"), 0.0),
        (Reset("web→greeter", after=0.2), 0.2),
    ],
    ids=str,
)
def test_what_a_toxic_does_is_measured(
    place: str, fault: Fault, least: float, request: pytest.FixtureRequest
) -> None:
    """A connection shows the fault as soon as it is there and no more when it is lifted, and both times are
    told; the same on the real thing and in memory.
    """
    runtime: DockerRuntime | MemoryRuntime = request.getfixturevalue(place)
    check(fault, runtime)
    injection = fault.inject(runtime)
    try:
        landed = proven(injection.landed)
        assert landed.holds, landed.says
        assert "before" in landed.says, landed.says
        before, now = (
            next(value for key, value in landed.figures.items() if key.endswith(word))
            for word in ("before_s", "now_s")
        )
        assert before < 0.2
        if not getattr(fault, "jitter", 0.0) or place == "running":
            assert now >= least
        assert not injection.gone().holds
    finally:
        injection.lift()
    gone = proven(injection.gone)
    assert gone.holds, gone.says
    assert not injection.landed().holds


def test_a_toxic_on_a_link_that_carries_nothing_has_not_landed(running: DockerRuntime) -> None:
    """Toxiproxy has the toxic, and nobody can feel it: the provider is dead."""
    running.kill("greeter")
    try:
        injection = Latency("web→greeter", delay=0.3).inject(running)
        landed = injection.landed()
        assert [each.kind for each in running.toxics(GREETER)] == ["latency"]
        assert not landed.holds
        assert "refused before the fault" in landed.says
        injection.lift()
        assert injection.gone().holds
    finally:
        running.start_component("greeter")
        running.wait_ready(["greeter"], 20)


def test_an_exchange_past_the_proxy_does_not_meet_its_toxics(running: DockerRuntime) -> None:
    """So that a provider that is slow is told apart from a link that is."""
    injection = Latency("web→cache", delay=0.5).inject(running)
    try:
        over = running.exchange(LINK, b"PING\r\n")
        past = running.exchange(LINK, b"PING\r\n", past=True)
        assert (over.met, past.met) == ("answered", "answered")
        assert past.heard_bytes == len(b"+PONG\r\n")
        assert past.seconds < 0.4 < 0.5 <= over.seconds
    finally:
        injection.lift()


def test_a_flush_empties_a_real_cache_once(running: DockerRuntime) -> None:
    """The evidence is the server's own count of keys, and the cache fills again while the fault lasts."""
    with redis.client(running, "cache") as cache:
        cache.set("one", 1)
        cache.set("two", 2)
        fault = CacheLoss("cache", how="flush")
        check(fault, running)
        assert cache.dbsize() == 2
        injection = fault.inject(running)
        assert cache.dbsize() == 0
        cache.set("three", 3)
        landed = injection.landed()
        assert (landed.holds, landed.says) == (True, "cache had 0 keys left")
        injection.lift()
        assert injection.gone().says == "cache has 1 keys again"
        assert cache.get("three") == b"3"
