"""A component's service in the new file, and which components start together with Toxiproxy."""

from __future__ import annotations

from typing import Any

import pytest

from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from tests.interpose.shapes import published, rewritten


def test_a_sidecar_stays_with_its_service() -> None:
    """A sidecar keeps its owner's network, has none of its own, and its owner publishes its ports."""
    after = rewritten(
        {
            "web": {"ports": published(9113)},
            "side": {"network_mode": "service:web", "expose": ["9113"]},
            "api": {},
        }
    )
    side = after.compose["services"]["side"]
    assert side["network_mode"] == "service:web"
    assert "networks" not in side
    assert side["labels"][COMPONENT_LABEL] == "side"
    assert "web:9113" in after.entries
    assert not [route for route in after.routes if "side" in (route.consumer, route.provider)]


def test_what_refers_to_a_replicated_service_gets_its_first_replica() -> None:
    """Network, process and volume sharing refer to a component, and a warning says which one."""
    after = rewritten(
        {
            "web": {"deploy": {"replicas": 2}},
            "side": {
                "network_mode": "service:web",
                "pid": "service:web",
                "volumes_from": ["web:ro", "container:x"],
            },
        }
    )
    side = after.compose["services"]["side"]
    assert side["network_mode"] == side["pid"] == "service:web-1"
    assert side["volumes_from"] == ["web-1:ro", "container:x"]
    assert "it shares that of 'web-1' only" in after.warnings[0]


def test_no_network_stays_no_network() -> None:
    """A service without a network gets none, and neither waits for a Toxiproxy nor has a link."""
    after = rewritten({"batch": {"network_mode": "none"}, "web": {}})
    assert after.compose["services"]["batch"]["network_mode"] == "none"
    assert "depends_on" not in after.compose["services"]["batch"]
    assert "batch" in [component.name for component in after.components]


def test_a_service_without_replicas_is_left_out() -> None:
    """No service waits for it, no link leads to it, and a warning says so."""
    after = rewritten(
        {
            "web": {"depends_on": {"task": {"condition": "service_started"}}},
            "task": {"scale": 0, "expose": ["1"]},
        }
    )
    assert "task" not in after.compose["services"]
    assert "depends_on" not in after.compose["services"]["web"]
    assert "'task' has no replica" in after.warnings[0]


def test_volumes_are_the_runs_own() -> None:
    """A named volume loses its name, so that two runs have two; an external one stays, with a warning."""
    after = rewritten(
        {"db": {}},
        volumes={
            "data": {"name": "shop_data", "driver": "local"},
            "named": {"name": "precious", "labels": {"a": "b"}},
            "ext": {"name": "theirs", "external": True},
        },
    )
    assert after.compose["volumes"] == {
        "data": {"driver": "local", "labels": {RUN_LABEL: "test"}},
        "named": {"labels": {"a": "b", RUN_LABEL: "test"}},
        "ext": {"name": "theirs", "external": True},
    }
    assert "'theirs' is external" in after.warnings[0]


def test_images_keep_the_name_that_compose_gave_them() -> None:
    """An image that was built for the application is found again under the run's project name."""
    after = rewritten({"web": {"image": None, "build": {"context": "/shop"}}})
    assert after.components[0].image == "shop-web"
    assert after.compose["services"]["web"]["image"] == "shop-web"
    assert after.compose["services"]["web"]["build"] == {"context": "/shop"}


def test_the_rest_of_the_file_comes_along() -> None:
    """The user's secrets, configs and extensions are copied."""
    after = rewritten(
        {"web": {}}, secrets={"s": {"file": "/s"}}, configs={"c": {"content": "$$x"}}, **{"x-a": {"b": 1}}
    )
    assert after.compose["secrets"] == {"s": {"file": "/s"}}
    assert after.compose["configs"]["c"] == {"content": "$$x"}
    assert after.compose["x-a"] == {"b": 1}


WAITS = {"depends_on": {"db": {"condition": "service_healthy"}}}


@pytest.mark.parametrize(
    ("services", "beside"),
    [
        ({"api": WAITS, "db": {}}, {"db"}),
        ({"api": WAITS, "db": {"environment": {"PEER": "tcp://api:80"}}}, set()),
        ({"api": WAITS, "db": {"command": ["serve", "--peer", "api"]}}, set()),
        ({"api": WAITS, "db": {"environment": {"NAME": "apical"}}}, {"db"}),
        ({"api": {}, "db": {}}, set()),
        (
            {
                "api": WAITS,
                "db": {"depends_on": {"seed": {"condition": "service_started"}}},
                "seed": {},
            },
            {"seed"},
        ),
    ],
)
def test_the_bottom_of_the_order_does_not_wait(services: dict[str, Any], beside: set[str]) -> None:
    """Only a component that others wait for, and that depends on no other, starts beside Toxiproxy."""
    after = rewritten(services)
    started = {
        name
        for name in services
        if not set(after.compose["services"][name].get("depends_on") or {}) & set(after.toxiproxies)
    }
    assert started == beside
