"""A deploy with a restart in the middle: evidence, lift and obligations, in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chaoskit.errors import FaultMisfit, HarnessFailure, RuntimeFailure
from chaoskit.faults import MidDeployRestart, Obligation
from chaoskit.faults.base import check
from chaoskit.faults.deploy.deployment import Deployment
from chaoskit.system import Impact
from tests.faults.shop import Shop, answering, in_turn


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Two replicas that tell their release."""
    with answering(Shop(2)) as made:
        yield made


def kept(deployment: Deployment, since_lift: float = 0.0) -> dict[str, Obligation]:
    """The obligations by name."""
    return {each.name: each for each in deployment.obligations(since_lift)}


@pytest.mark.parametrize("strategy", ["rolling", "stop-start", "blue-green"])
@pytest.mark.parametrize("path", ["/version", None])
def test_a_deploy_lands_ends_and_keeps_its_obligations(shop: Shop, strategy: Any, path: str | None) -> None:
    """Before the rollout no replica is new; afterwards all are new, healthy, and tell the same version."""
    fault = MidDeployRestart("api", strategy, version_path=path)
    check(fault, shop)
    deployment = fault.prepare(shop)
    assert deployment.under_way()
    assert not deployment.landed().holds
    assert not deployment.holding().holds
    assert not deployment.gone().holds
    deployment.run(in_turn)
    assert not deployment.under_way()
    assert deployment.landed().holds
    assert deployment.holding().holds
    deployment.lift()
    assert deployment.gone().holds
    owed = kept(deployment)
    assert {name: each.kept for name, each in owed.items()} == {"rollout": True, "one version": True}
    release = shop.environment("api-1")["RELEASE"]
    told = release if path else f"RELEASE={release}"
    assert owed["one version"].figures == {"api-1": told, "api-2": told}
    assert "killed (it was starting) and started" in owed["rollout"].says
    json.dumps([deployment.landed().figures, *(each.figures for each in owed.values())])


def test_the_thread_does_the_same(shop: Shop) -> None:
    """An injection returns at once; its lift waits for the end of the rollout."""
    deployment = MidDeployRestart("api", "blue-green").inject(shop)
    deployment.lift()
    assert not deployment.under_way()
    assert deployment.gone().holds
    assert [each.kept for each in deployment.obligations(0.0)] == [True, True]


def test_a_second_deploy_is_a_change_again(shop: Shop) -> None:
    """{n} is another number each time, even if a replica has the number that the time gives already."""
    fault, releases = MidDeployRestart("api"), {"1"}
    for _ in range(3):
        shop.replace("api-2", environment={"RELEASE": str(int(shop.clock.now() * 1000))})
        deployment = fault.prepare(shop)
        deployment.run(in_turn)
        assert kept(deployment)["one version"].kept
        releases.add(shop.environment("api-1")["RELEASE"])
    assert len(releases) == 4


def test_half_a_rollout_has_landed_and_does_not_hold(shop: Shop) -> None:
    """One new replica is enough to land; the deploy holds only when all replicas are new."""
    deployment = MidDeployRestart("api", environment={"RELEASE": "2"}).prepare(shop)
    shop.replace("api-1", environment={"RELEASE": "2"})
    landed = deployment.landed()
    assert landed.holds
    assert "api-1 is new (2); api-2 is as before (1)" in landed.says
    shop.deaf = {"api-1"}
    assert "api-1 is new and tells no version: status 404" in deployment.landed().says
    assert "still under way" in deployment.holding().says


def test_a_restart_alone_is_not_a_deploy(shop: Shop) -> None:
    """A new start time without a new release proves nothing; nor does a new answer without a new start."""
    deployment = MidDeployRestart("api").prepare(shop)
    shop.restart("api-1")
    assert not deployment.landed().holds
    shop.fixed = "2"
    assert deployment.landed().says.startswith("api-1 is new (2); api-2 is as before (2)")


def test_another_image_is_another_release(shop: Shop) -> None:
    """Without variables the image alone is the evidence, at the landing and in the end."""
    fault = MidDeployRestart("api", environment={}, image="image:2", version_path=None)
    check(fault, shop)
    deployment = fault.prepare(shop)
    shop.restart("api-1")
    assert not deployment.landed().holds
    deployment.run(in_turn)
    assert deployment.holding().holds
    assert [each.kept for each in deployment.obligations(0.0)] == [True, True]
    assert kept(deployment)["one version"].figures == {"api-1": "image:2", "api-2": "image:2"}


def test_a_replica_that_never_gets_ready_breaks_the_rollout(shop: Shop) -> None:
    """The obligation tells the limit and the last evidence; the lift rolls back and heals the system."""
    shop.stuck = {"bad"}
    fault = MidDeployRestart("api", environment={"RELEASE": "bad"}, kill_at=None, ready_within=20.0)
    deployment = fault.prepare(shop)
    deployment.run(in_turn)
    assert deployment.landed().holds
    assert deployment.holding().holds
    assert not deployment.gone().holds
    deployment.lift()
    deployment.lift()
    assert deployment.gone().holds
    assert [shop.environment(name)["RELEASE"] for name in shop.names] == ["1", "1"]
    owed = kept(deployment)
    assert owed["rollout"].kept is False
    assert "api-1 is not ready" in owed["rollout"].says
    assert owed["rollout"].figures["limit"] == "20 s"
    assert owed["rollout"].figures["evidence"] == "no such table"
    assert owed["one version"].kept is False
    assert "the version before" in owed["one version"].says
    assert owed["rollout"].says.count("rolled back") == 1
    assert len(shop.releases) == 2  # there and back, once


def test_a_failure_of_the_instrument_is_never_lost(shop: Shop) -> None:
    """What the runtime failed with is raised at the next look, and what was stopped is started."""
    shop.refuses = {"replace": "no space left"}
    deployment = MidDeployRestart("api", "stop-start").prepare(shop)
    deployment.run(in_turn)
    for look in (deployment.landed, deployment.holding):
        with pytest.raises(RuntimeFailure, match="replace failed"):
            look()
    deployment.lift()
    assert [shop.state(name).serving for name in shop.names] == [True, True]
    assert kept(deployment)["rollout"].kept is None


def test_a_bug_in_the_thread_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception becomes a failure of the harness, with its text."""

    def broken(*arguments: object, **options: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(shop, "replace", broken)
    deployment = MidDeployRestart("api").inject(shop)
    deployment.lift()
    with pytest.raises(HarnessFailure, match="the rollout failed") as caught:
        deployment.landed()
    assert "KeyError: 'lost'" in str(caught.value)


def test_replicas_that_answer_differently_break_one_version(shop: Shop) -> None:
    """Each replica is asked, so one that runs another release is seen, whatever the rollout says."""
    deployment = MidDeployRestart("api").prepare(shop)
    deployment.run(in_turn)
    shop.replace("api-2", environment={"RELEASE": "0"})
    one_version = kept(deployment)["one version"]
    assert one_version.kept is False
    assert "answer differently" in one_version.says


def test_an_application_that_ignores_its_release_is_seen(shop: Shop) -> None:
    """Replicas that are new by the engine and answer as before do not count as the new version."""
    shop.fixed = "1"
    deployment = MidDeployRestart("api").prepare(shop)
    deployment.run(in_turn)
    one_version = kept(deployment)["one version"]
    assert one_version.kept is False
    assert "still answer with the version before" in one_version.says


def test_a_version_that_cannot_be_asked_for_is_undecided_until_its_limit(shop: Shop) -> None:
    """A replica that does not answer may still do so while it has time to get ready; then it has failed."""
    deployment = MidDeployRestart("api", ready_within=20.0).prepare(shop)
    deployment.run(in_turn)
    shop.deaf = {"api-2"}
    assert kept(deployment, 19.0)["one version"].kept is None
    assert kept(deployment, 21.0)["one version"].kept is False
    assert "api-2: status 404" in kept(deployment, 21.0)["one version"].says


def test_only_stop_start_takes_the_service_away(shop: Shop) -> None:
    """Under the other strategies every journey owes its full SLO."""
    assert MidDeployRestart("api").impact(shop) == Impact()
    assert MidDeployRestart("api", "blue-green").impact(shop) == Impact()
    assert MidDeployRestart("api", "stop-start").impact(shop).lost == {"api-1", "api-2"}


def test_the_undo_starts_what_is_down(shop: Shop) -> None:
    """Whenever the harness dies, a start of each replica makes the service whole."""
    fault = MidDeployRestart("api", "stop-start")
    steps = fault.undo(shop)
    for name in shop.names:
        shop.stop(name)
    for step in steps:
        shop.undo(step)
    assert [shop.state(name).status for name in shop.names] == ["running", "running"]


def test_the_fault_is_plain_data() -> None:
    """A mapping and pairs make the same fault, which is hashable and JSON-able; its name omits defaults."""
    fault = MidDeployRestart("api", environment={"RELEASE": "2", "N": 3})  # type: ignore[dict-item]
    assert fault == MidDeployRestart("api", environment=(("RELEASE", "2"), ("N", "3")))
    assert len({fault, MidDeployRestart("api")}) == 2
    assert json.loads(json.dumps(fault.describe()))["environment"] == {"RELEASE": "2", "N": "3"}
    assert fault.describe()["stage"] == "100,000 users"
    assert MidDeployRestart("api").name == "MidDeployRestart('api')"
    assert "RELEASE" in fault.name


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (MidDeployRestart("apj"), "there is no component or service 'apj'"),
        (MidDeployRestart("api-1"), "is one replica: a rolling deploy leaves none"),
        (MidDeployRestart("api-1", "blue-green"), "strategy='stop-start' fits it"),
        (MidDeployRestart("api", "big-bang"), "not one of rolling, stop-start, blue-green"),  # type: ignore[arg-type]
        (MidDeployRestart("api", kill_at="later"), "not one of starting, serving, None"),  # type: ignore[arg-type]
        (MidDeployRestart("api", grace=-1), "grace is -1 s"),
        (MidDeployRestart("api", ready_within=0), "ready_within 0 s"),
        (MidDeployRestart("api", environment={"A=B": "1"}), "'A=B' cannot be the name of a variable"),
        (MidDeployRestart("api", environment={"RELEASE": "1"}), "api-1, api-2 would not change"),
        (MidDeployRestart("api", environment={}), "would not change"),
        (MidDeployRestart("api", environment={}, image="image:1"), "would not change"),
        (MidDeployRestart("api", version_path="version"), "must begin with a slash"),
        (MidDeployRestart("api", version_path="/nothing"), "status 404; give another version_path=, or None"),
        (MidDeployRestart("cache", "stop-start"), "its ports: 6379|does not tell a version"),
    ],
    ids=lambda value: value.name if isinstance(value, MidDeployRestart) else "",
)
def test_a_misfit_is_refused_before_anything_happens(shop: Shop, fault: MidDeployRestart, says: str) -> None:
    """A deploy that does not fit says why and what would fit, and touches nothing."""
    with pytest.raises(FaultMisfit, match=says):
        check(fault, shop)
    assert not shop.log


def test_sidecars_and_stopped_replicas_are_refused(shop: Shop) -> None:
    """A component that shares a namespace would lose it; a replica that is down is not under traffic."""
    shop.shared = {"api-2": ("logger",)}
    shop.stop("api-1")
    with pytest.raises(FaultMisfit) as caught:
        check(MidDeployRestart("api"), shop)
    assert "api-2 shares a namespace with logger" in str(caught.value)
    assert "api-1 is exited" in str(caught.value)


def test_a_service_without_a_port_says_what_to_give(shop: Shop) -> None:
    """If no port can be asked, the remedy is a port or no path."""
    shop.links = ()
    with pytest.raises(FaultMisfit, match="name it with port=, or give version_path=None"):
        check(MidDeployRestart("api"), shop)
    check(MidDeployRestart("api", version_path=None), shop)
    check(MidDeployRestart("api", port=80), shop)
