"""Components have the names that chaoskit gives, whether chaoskit started them or not."""

from __future__ import annotations

from typing import Any

from chaoskit.containers.attached.names import Naming
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.system import Component
from tests.containers.attached.project import container


def named(*containers: dict[str, Any]) -> list[str | None]:
    """The names of these containers."""
    labels = [each["Config"]["Labels"] for each in containers]
    naming = Naming(labels)
    return [naming.name(each) for each in labels]


def test_replicas_are_numbered_and_others_are_not() -> None:
    """A single container has its service's name; several containers of a service are numbered."""
    found = named(container("app", 1, ip="1"), container("app", 2, ip="2"), container("cache", ip="3"))
    assert found == ["app-1", "app-2", "cache"]


def test_a_single_command_does_not_count() -> None:
    """``docker compose run`` makes a container that is neither part of the system nor a replica."""
    single = container("app", 2, ip="2", labels={"com.docker.compose.oneoff": "True"})
    assert named(container("app", 1, ip="1"), single) == ["app", None]


def test_what_chaoskit_left_running_tells_its_names() -> None:
    """Its components carry a label with the replica's number, and its Toxiproxies are not components."""
    run = {RUN_LABEL: "abc"}
    first, second, carts, proxy = (
        container("api-1", ip="1", labels={**run, COMPONENT_LABEL: "api-1"}),
        container("api-2", ip="2", labels={**run, COMPONENT_LABEL: "api-2"}),
        container("carts-1", ip="3", labels={**run, COMPONENT_LABEL: "carts-1"}),
        container("toxiproxy-1", ip="4", labels=run),
    )
    naming = Naming(each["Config"]["Labels"] for each in (first, second, carts, proxy))
    assert naming.component(first) == Component("api-1", "api", 1, "example/api-1:1")
    assert naming.component(second) == Component("api-2", "api", 2, "example/api-2:1")
    assert naming.component(carts) == Component("carts-1", "carts-1", 1, "example/carts-1:1")
    assert naming.component(proxy) is None
    assert naming.name(proxy["Config"]["Labels"]) == "toxiproxy-1"
