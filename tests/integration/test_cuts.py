"""Each way of cutting a link, as a consumer in a container meets it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import docker
import pytest

from chaoskit.containers.engine.cuts import Cuts
from chaoskit.errors import RuntimeFailure
from chaoskit.runtime import Cut
from tests.integration.world import World, world

pytestmark = pytest.mark.docker

HOW: list[Cut] = ["refuse", "hang", "silent"]


@pytest.fixture(scope="module")
def small_world(client: docker.DockerClient) -> Iterator[World]:
    """One world for all tests of this file; each test mends what it cuts."""
    with world(client, f"test-{secrets.token_hex(4)}") as made:
        yield made


@pytest.fixture(scope="module")
def shared(small_world: World) -> Iterator[Cuts]:
    """The cuts of that world, with their sidecars."""
    made = cuts_of(small_world)
    yield made
    made.close()


@pytest.fixture
def cuts(shared: Cuts, small_world: World) -> Iterator[Cuts]:
    """The cuts, mended after each test."""
    yield shared
    shared.mend(small_world.placed)
    for talk in small_world.talks:
        talk.hang_up()
    small_world.talks.clear()


def cuts_of(made: World) -> Cuts:
    """Cuts as another process would make them, without knowledge of earlier ones."""
    return Cuts(made.client, made.run_id, made.toxiproxies, lambda service: made.toxiproxy)


def test_refuse_closes_and_refuses(cuts: Cuts, small_world: World) -> None:
    """``refuse`` closes the open connection and refuses a new one at once."""
    before = small_world.connect()
    assert before.say("hello", 5) == "hello"
    cuts.cut(small_world.placed, "refuse")
    assert before.wait(5) == "closed"
    assert small_world.connect().met == "ECONNREFUSED"
    assert cuts.connect(small_world.placed) == "refused"
    assert cuts.is_refused(small_world.placed)


def test_hang_accepts_and_says_nothing(cuts: Cuts, small_world: World) -> None:
    """``hang`` leaves connections open but silent, also new ones; mending closes both."""
    before = small_world.connect()
    assert before.say("hello", 5) == "hello"
    cuts.cut(small_world.placed, "hang")
    after = small_world.connect()
    assert after.met == "connected"
    assert (before.say("one", 0.5), after.say("two", 0.5)) == ("nothing", "nothing")
    assert cuts.connect(small_world.placed) == "hang"
    cuts.mend(small_world.placed)
    assert (before.wait(5), after.wait(5)) == ("closed", "closed")


def test_hang_keeps_the_provider_s_end_from_the_consumer(cuts: Cuts, small_world: World) -> None:
    """``hang`` hides from the consumer that the provider has closed the connection."""
    before = small_world.connect()
    assert before.say("hello", 5) == "hello"
    cuts.cut(small_world.placed, "hang")
    small_world.end_conversations()
    assert small_world.provider_connections() == 0
    assert before.wait(0.5) == "nothing"


def test_hang_frees_the_provider_of_those_who_gave_up(cuts: Cuts, small_world: World) -> None:
    """``hang`` passes a consumer's close on to the provider, so that connections do not pile up there and
    harm other consumers.
    """
    before = small_world.connect()
    assert before.say("hello", 5) == "hello"
    cuts.cut(small_world.placed, "hang")
    before.close()
    small_world.until(lambda: small_world.provider_connections() == 0)


def test_silent_answers_nothing_and_comes_back(cuts: Cuts, small_world: World) -> None:
    """``silent`` makes a new connection time out; an open one carries no data, and continues when mended."""
    before = small_world.connect()
    assert before.say("hello", 5) == "hello"
    cuts.cut(small_world.placed, "silent")
    assert small_world.connect(timeout=1).met == "ETIMEDOUT"
    assert before.say("late", 0.5) == "nothing"
    assert cuts.connect(small_world.placed, timeout=1) == "silent"
    cuts.mend(small_world.placed)
    assert before.wait(10) == "late"
    assert cuts.connect(small_world.placed) == "open"


def test_a_link_that_is_not_cut_is_open(cuts: Cuts, small_world: World) -> None:
    """The probe finds a link that is not cut open, and mending such a link is not an error."""
    cuts.mend(small_world.placed)
    assert cuts.active([small_world.placed]) == {}
    assert cuts.connect(small_world.placed) == "open"


@pytest.mark.parametrize("how", HOW)
def test_cutting_twice_and_mending_leaves_an_open_link(cuts: Cuts, small_world: World, how: Cut) -> None:
    """A cut is read back, a second cut changes nothing, and after mending the link is open."""
    for _ in range(2):
        cuts.cut(small_world.placed, how)
        assert cuts.active([small_world.placed]) == {small_world.placed.link: how}
    cuts.mend(small_world.placed)
    assert cuts.active([small_world.placed]) == {}
    assert small_world.connect().say("hello", 5) == "hello"


def test_one_cut_takes_the_place_of_another(cuts: Cuts, small_world: World) -> None:
    """Cutting a link in another way leaves only the new cut."""
    for how in (*HOW, *reversed(HOW)):
        cuts.cut(small_world.placed, how)
        assert cuts.active([small_world.placed]) == {small_world.placed.link: how}


@pytest.mark.parametrize("how", ["hang", "silent"])
def test_another_process_of_the_run_can_mend(cuts: Cuts, small_world: World, how: Cut) -> None:
    """A process that cleans up after a dead harness sees its cuts, and mends them."""
    cuts.cut(small_world.placed, how)
    another = cuts_of(small_world)
    assert another.active([small_world.placed]) == {small_world.placed.link: how}
    another.mend(small_world.placed)
    assert cuts.active([small_world.placed]) == {}


def test_a_toxiproxy_that_was_restarted_is_not_cut_any_more(cuts: Cuts, small_world: World) -> None:
    """The rules vanish with Toxiproxy's network; the read-back says so, and the link can be cut again."""
    cuts.cut(small_world.placed, "silent")
    small_world.restart_toxiproxy()
    assert cuts.active([small_world.placed]) == {}
    cuts.cut(small_world.placed, "silent")
    assert small_world.connect(timeout=1).met == "ETIMEDOUT"


def test_without_a_consumer_toxiproxy_s_network_is_asked(cuts: Cuts, small_world: World) -> None:
    """If the consumer is not running, the probe runs in Toxiproxy's network."""
    consumer = small_world.client.containers.get(small_world.consumer)
    consumer.stop()
    try:
        assert cuts.connect(small_world.placed) == "open"
        cuts.cut(small_world.placed, "silent")
        assert cuts.connect(small_world.placed, timeout=1) == "silent"
    finally:
        consumer.start()
    cuts.mend(small_world.placed)
    assert cuts.connect(small_world.placed) == "open"


def test_a_container_that_does_not_run_is_named(small_world: World) -> None:
    """Without Toxiproxy's container, cutting raises chaoskit's own error."""
    lost = Cuts(small_world.client, small_world.run_id, small_world.toxiproxies, lambda service: "0" * 64)
    with pytest.raises(RuntimeFailure, match="inspect container"):
        lost.cut(small_world.placed, "silent")
