"""A look at a project finds its components, links and entries, and reports problems in words."""

from __future__ import annotations

from typing import Any

import pytest

from chaoskit.containers.attached import survey as module
from chaoskit.containers.attached.survey import Survey, survey
from chaoskit.errors import NotReady, ToxiproxyFailure, UsageError
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy import ProxyState
from tests.containers.attached.project import proxy, shop


class Engine:
    """The parts of the SDK's low-level client that a survey uses."""

    def __init__(self, containers: dict[str, dict[str, Any]]) -> None:
        self.there = {each["Id"]: each for each in containers.values()}

    @property
    def api(self) -> Engine:
        return self

    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]:
        key, _, value = filters["label"].partition("=")
        listed = []
        for each in self.there.values():
            labels = each["Config"]["Labels"]
            if key in labels and value in ("", labels[key]):
                listed.append({"Id": each["Id"], "Labels": labels, "State": each["State"]["Status"]})
        return listed

    def inspect_container(self, container: str) -> dict[str, Any]:
        return self.there[container]


class Toxiproxy:
    """A Toxiproxy with given proxies."""

    version_text = '{"version": "2.12.0"}'
    told: tuple[ProxyState, ...] = (proxy("cache", "[::]:26379", "cache:6379"),)
    failure: ToxiproxyFailure | None = None

    def __init__(self, servers: object) -> None:
        pass

    def version(self, server: str) -> str:
        if self.failure:
            raise self.failure
        return self.version_text

    def proxies(self, server: str) -> dict[str, ProxyState]:
        return {each.name: each for each in self.told}


@pytest.fixture(autouse=True)
def toxiproxy(monkeypatch: pytest.MonkeyPatch) -> type[Toxiproxy]:
    """The server that answers in place of every Toxiproxy."""
    made = type("One", (Toxiproxy,), {})
    monkeypatch.setattr(module, "Toxiproxies", made)
    return made


def look(containers: dict[str, dict[str, Any]], project: str = "shop", **more: Any) -> Survey:
    """A survey of these containers."""
    engine: Any = Engine(containers)
    return survey(engine, project, **more)


def test_it_sees_components_links_and_entries() -> None:
    """The Toxiproxy is not a component, published ports are entries, and the survey finds the API itself."""
    found = look(shop())
    assert [each.name for each in found.components] == ["app-1", "app-2", "cache"]
    assert [(each.name, each.api) for each in found.servers] == [("toxiproxy", ("127.0.0.1", 40002))]
    assert [each.link.name for each in found.placed] == ["app→cache:6379"]
    assert found.entries == {"app-1:8000": "127.0.0.1:40001"}


def test_a_published_proxy_is_an_entry_to_its_provider(toxiproxy: type[Toxiproxy]) -> None:
    """Users enter through the proxy, and so does the load."""
    containers = shop()
    containers["toxiproxy"]["NetworkSettings"]["Ports"]["9000/tcp"] = [
        {"HostIp": "127.0.0.1", "HostPort": "40009"}
    ]
    toxiproxy.told = (proxy("outside.app-1.8000", "0.0.0.0:9000", "10.0.0.2:8000"),)
    assert look(containers).entries == {"app-1:8000": "127.0.0.1:40009"}


def test_a_project_that_is_not_there_is_told_with_those_that_are() -> None:
    """The error lists the existing projects, so that a mistyped name is seen at once."""
    with pytest.raises(UsageError, match="'shpo'") as raised:
        look(shop(), "shpo")
    assert "shop (4 of 4 containers run)" in (raised.value.evidence or "")


def test_a_project_that_is_down_is_told_with_its_states() -> None:
    """Nothing is started; the error says how to start it."""
    containers = shop()
    for each in containers.values():
        each["State"] = {"Status": "exited", "Running": False, "ExitCode": 1}
    with pytest.raises(NotReady, match="is not running") as raised:
        look(containers)
    assert "cache is exited, exit code 1" in (raised.value.evidence or "")
    assert "docker compose -p shop up" in (raised.value.remedy or "")
    assert look(containers, afterwards=True).components


def test_a_component_that_is_down_is_a_warning_unless_it_has_done_its_work() -> None:
    """A component that ended with exit code 0, such as a migration, causes no warning."""
    containers = shop()
    containers["cache"]["State"] = {"Status": "exited", "Running": False, "ExitCode": 137}
    containers["app-2"]["State"] = {"Status": "exited", "Running": False, "ExitCode": 0}
    assert look(containers).warnings == ("cache is not running (exited, exit code 137)",)


def test_a_toxiproxy_that_does_not_answer_is_an_obstacle_but_not_to_who_cleans_up(
    toxiproxy: type[Toxiproxy],
) -> None:
    """It is an error, because its links would be missing silently; a look for cleaning up goes on."""
    toxiproxy.failure = ToxiproxyFailure("Toxiproxy cannot be reached")
    with pytest.raises(ToxiproxyFailure) as raised:
        look(shop())
    assert "127.0.0.1:40002" in (raised.value.remedy or "")
    assert look(shop(), afterwards=True).silent == {"toxiproxy"}


@pytest.mark.parametrize("said", ['{"version": "2.5.0"}', "2.1.4", "git-2.4.0"])
def test_a_toxiproxy_that_is_too_old_is_refused(toxiproxy: type[Toxiproxy], said: str) -> None:
    """Without PATCH no proxy can be disabled; before 2.7 even the version was not JSON."""
    if said.startswith("{"):
        toxiproxy.version_text = said
    else:
        toxiproxy.failure = ToxiproxyFailure("what answers is not Toxiproxy", evidence=said)
    with pytest.raises(UsageError, match="too old") as raised:
        look(shop())
    assert raised.value.limit == "2.6 or later"


def test_a_toxiproxy_whose_api_is_not_published_is_a_warning() -> None:
    """A run can still attach and touch no links."""
    containers = shop()
    containers["toxiproxy"]["NetworkSettings"]["Ports"] = {"8474/tcp": None}
    found = look(containers)
    assert "not published" in found.warnings[0]
    assert found.placed == ()


def test_a_toxiproxy_may_be_named_by_its_address() -> None:
    """Its port identifies the container that publishes it."""
    containers = shop()
    containers["toxiproxy"]["Config"]["Image"] = "example/proxy:1"
    containers["toxiproxy"]["Config"]["ExposedPorts"] = {}
    containers["toxiproxy"]["NetworkSettings"]["Ports"] = {
        "9999/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40002"}]
    }
    assert look(containers).servers == ()
    found = look(containers, toxiproxies=["http://127.0.0.1:40002"])
    assert [(each.name, each.inside) for each in found.servers] == [("toxiproxy", True)]
    assert [each.name for each in found.components] == ["app-1", "app-2", "cache"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"entries": {"app-1:8000": "10.0.0.2:8000"}}, "not on this machine"),
        ({"entries": {"app-1:8000": "http://shop.example.com:80"}}, "not on this machine"),
        ({"entries": {"web:8000": "127.0.0.1:80"}}, "not of the form component:port"),
        ({"entries": {"app-1:8000": "127.0.0.1"}}, "not of the form"),
        ({"toxiproxies": ["http://10.0.0.5:8474"]}, "not on this machine"),
    ],
)
def test_addresses_elsewhere_are_refused(more: dict[str, Any], says: str) -> None:
    """Load and changes go to this machine only."""
    with pytest.raises(UsageError, match=says):
        look(shop(), **more)


def test_what_another_run_has_left_is_a_warning(toxiproxy: type[Toxiproxy]) -> None:
    """A toxic of another run is reported, so that no user measures a system that is already at fault."""
    left = Toxic("chaoskit-abc-slow", "latency", "downstream", {"latency": 1.0})
    toxiproxy.told = (ProxyState("cache", "[::]:26379", "cache:6379", True, (left,)),)
    assert "chaoskit-abc-slow" in look(shop()).warnings[0]


def test_given_entries_take_the_place_of_those_that_are_found() -> None:
    """A given address replaces a found one, with or without a scheme."""
    found = look(shop(), entries={"app-1:8000": "http://localhost:5000", "cache:1": "127.0.0.1:6000"})
    assert found.entries == {"app-1:8000": "localhost:5000", "cache:1": "127.0.0.1:6000"}
