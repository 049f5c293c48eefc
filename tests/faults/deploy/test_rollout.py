"""Which release a component runs, and the steps of a rollout, on a runtime in memory."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.clients.http import NoAnswer, get
from chaoskit.errors import NotReady, RuntimeFailure
from chaoskit.faults import MidDeployRestart
from chaoskit.faults.deploy.rollout import (
    KillAt,
    Strategy,
    ask,
    at_once,
    batches,
    http_ports,
    look,
    rendered,
    roll_back,
    roll_out,
    runs,
    version_of,
)
from chaoskit.system import Link
from tests.faults.shop import Shop, answering, in_turn


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ("1.4.2\n", "1.4.2"),
        ("", ""),
        ('{"version": "1.4.2", "host": "a"}', "1.4.2"),
        ('{"release": 7, "host": "a"}', "7"),
        ('{"b": 1, "a": 2}', '{"a": 2, "b": 1}'),
        ('"1.4.2"', "1.4.2"),
        ("12", "12"),
        ('{"version": null}', "null"),
    ],
)
def test_the_version_is_the_text_or_what_json_calls_it(body: str, version: str) -> None:
    """The whole text, the version or release of a JSON object, or else that object with its keys in order."""
    assert version_of(body) == version


@given(
    st.lists(st.builds(lambda n: {"RELEASE": f"{n}", "TAG": f"v{n}", "HOME": "/"}, st.integers(0, 6))),
    st.integers(0, 4),
)
def test_a_rendered_release_is_new_to_every_component(current: list[dict[str, str]], number: int) -> None:
    """Whatever the components run now, none has these variables; all values have the same number."""
    values = rendered({"RELEASE": "{n}", "TAG": "v{n}"}, number, current)
    assert int(values["RELEASE"]) >= number
    assert values["TAG"] == f"v{values['RELEASE']}"
    assert not any(runs(given, values) for given in current)


def test_values_without_a_number_stay() -> None:
    """Other braces in a value belong to the application."""
    wanted = {"RELEASE": "2", "FLAGS": '{"a": {}}'}
    assert rendered(wanted, 1, [wanted]) == wanted


def test_a_component_is_asked_over_its_own_address() -> None:
    """A look has the start time, the image, the variables and the answer, or why there is none."""
    with answering(Shop(2)) as shop:
        seen = look(shop, "api-2", 80, "/version")
        assert (seen.version, seen.image, seen.environment["RELEASE"]) == ("1", "image:1", "1")
        assert seen.started_at == shop.state("api-2").started_at
        assert look(shop, "api-2", 80, "/nothing").trouble == "status 404"
        assert look(shop, "api-2", 80, None).version is None
        with pytest.raises(NoAnswer, match="status 404"):
            ask(shop, "api-1", 80, "/nothing")
    assert "refused" in look(shop, "api-2", 80, "/version").trouble


def test_a_refused_connection_is_no_answer() -> None:
    """A refused connection is reported as NoAnswer, never as an exception of the library."""
    with pytest.raises(NoAnswer, match="refused"):
        get(Shop(1), "api-1", 80, "/")


def test_the_only_port_needs_no_name() -> None:
    """A single port is taken whether it answers or not; of several ports, those that speak HTTP."""
    with answering(Shop(1)) as shop:
        assert http_ports(shop, "api-1", "/nothing") == (80,)
        shop.links = (*shop.links, Link("outside", "api-1", 81))
        assert http_ports(shop, "api-1", "/nothing") == (80,)
    assert http_ports(shop, "api-1", "/version") == ()
    assert http_ports(Shop(1), "api-1", "/version") == (80,)


STRATEGIES = st.sampled_from(["rolling", "stop-start", "blue-green"])


def steps(
    shop: Shop, strategy: Strategy, kill_at: KillAt | None, component: str = "api", image: str | None = None
) -> list[str]:
    """The steps of a rollout, in order."""
    plan = MidDeployRestart(
        component, strategy=strategy, kill_at=kill_at, image=image, version_path=None
    ).plan(shop)
    roll_out(shop, plan, lambda line: None, in_turn)
    return shop.log


def test_rolling_waits_for_each_replica_before_the_next() -> None:
    """Each replica is ready before the next is touched; the one in the middle is hit before it is ready."""
    assert steps(Shop(2), "rolling", "starting") == [
        "replace api-1",
        "ready api-1",
        "replace api-2",
        "kill api-2",
        "start api-2",
        "ready api-2",
    ]


def test_a_serving_replica_is_hit_once_it_is_ready() -> None:
    """The replica gets ready, is killed and started, and is ready again before the next one begins."""
    assert steps(Shop(3), "rolling", "serving") == [
        "replace api-1",
        "ready api-1",
        "replace api-2",
        "ready api-2",
        "kill api-2",
        "start api-2",
        "ready api-2",
        "replace api-3",
        "ready api-3",
    ]


def test_stop_start_stops_all_before_it_starts_any() -> None:
    """No replica of the old release runs beside one of the new release."""
    assert steps(Shop(2), "stop-start", "starting") == [
        "stop api-1",
        "stop api-2",
        "replace api-1",
        "replace api-2",
        "kill api-2",
        "start api-2",
        "ready api-1 api-2",
    ]


def test_stop_start_fits_one_replica() -> None:
    """The only replica is the one in the middle."""
    assert steps(Shop(2), "stop-start", "serving", component="api-1") == [
        "stop api-1",
        "replace api-1",
        "ready api-1",
        "kill api-1",
        "start api-1",
        "ready api-1",
    ]


def test_blue_green_replaces_the_second_half_first() -> None:
    """Of three replicas, two are replaced while one serves; then that one is replaced."""
    assert steps(Shop(3), "blue-green", None) == [
        "replace api-2",
        "replace api-3",
        "ready api-2 api-3",
        "replace api-1",
        "ready api-1",
    ]


@given(st.integers(1, 7), STRATEGIES, st.sampled_from([None, "starting", "serving"]))
def test_every_replica_is_replaced_once_and_one_is_killed(
    replicas: int, strategy: Strategy, kill_at: KillAt | None
) -> None:
    """Every strategy replaces each replica once, and all end ready on one new release; unless all are
    stopped, at least one replica is ready at every moment."""
    shop = Shop(replicas)
    log = steps(shop, strategy, kill_at)
    replaced = [line.partition(" ")[2] for line in log if line.startswith("replace ")]
    assert sorted(replaced) == shop.names
    killed = [line.partition(" ")[2] for line in log if line.startswith("kill ")]
    assert killed == ([replaced[replicas // 2]] if kill_at else [])
    assert all(shop.state(name).serving for name in shop.names)
    (release,) = {shop.environment(name)["RELEASE"] for name in shop.names}
    assert release != "1"
    if strategy != "stop-start" and replicas > 1:
        assert shop.fewest >= 1


@given(STRATEGIES, st.lists(st.text(min_size=1), min_size=1, max_size=9, unique=True))
def test_batches_are_a_partition(strategy: Strategy, names: list[str]) -> None:
    """Each component is in exactly one batch, and no batch is empty."""
    found = batches(strategy, names)
    assert all(found)
    assert sorted(name for batch in found for name in batch) == sorted(names)


def test_a_replica_that_never_gets_ready_ends_the_rollout() -> None:
    """The replicas after it keep the release that works."""
    shop = Shop(3)
    plan = MidDeployRestart("api", environment={"RELEASE": "bad"}, kill_at=None).plan(shop)
    shop.stuck = {"bad"}
    with pytest.raises(NotReady):
        roll_out(shop, plan, lambda line: None, in_turn)
    assert [release[0] for release in shop.releases] == ["api-1"]


@pytest.mark.parametrize("strategy", ["rolling", "stop-start", "blue-green"])
def test_a_roll_back_brings_all_up_as_they_were(strategy: Strategy) -> None:
    """Image and variables are as before; a replica that was not replaced is at most started."""
    shop = Shop(3)
    before = {name: look(shop, name, None, None) for name in shop.names}
    fault = MidDeployRestart("api", strategy, {"RELEASE": "bad", "NEW": "x"}, image="image:2", kill_at=None)
    plan = fault.plan(shop)
    shop.stuck = {"bad"}
    with pytest.raises(NotReady):
        roll_out(shop, plan, lambda line: None, in_turn)
    untouched = {name: shop.state(name).started_at for name in shop.names}
    replaced = {release[0] for release in shop.releases}
    assert roll_back(shop, plan, before, lambda name: name in replaced) == []
    for name in shop.names:
        assert shop.environment(name) == {"RELEASE": "1", "HOME": "/"}
        assert shop.state(name).image == "image:1"
        assert shop.state(name).serving
        assert (shop.state(name).started_at == untouched[name]) == (name not in replaced)


def test_a_roll_back_goes_on_after_a_failure() -> None:
    """A component that cannot be brought back does not keep the others from it, and is named."""
    shop = Shop(2)
    plan = MidDeployRestart("api", version_path=None).plan(shop)
    before = {name: look(shop, name, None, None) for name in shop.names}
    roll_out(shop, plan, lambda line: None, in_turn)
    shop.stuck = {"1"}
    failed = roll_back(shop, plan, before, lambda name: True)
    assert failed == ["api-1: api-1 is not ready", "api-2: api-2 is not ready"]


def test_at_once_is_at_the_same_time_and_names_every_failure() -> None:
    """All calls begin before any ends; the first error names the others."""
    meeting = threading.Barrier(3, timeout=10)

    def fail(name: str) -> None:
        meeting.wait()
        if name != "b":
            raise RuntimeFailure(f"{name} failed", evidence=f"{name} is broken")

    with pytest.raises(RuntimeFailure, match="a failed") as caught:
        at_once(fail, ["a", "b", "c"])
    assert "a is broken" in str(caught.value)
    assert "c is broken" in str(caught.value)
