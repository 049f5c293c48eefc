"""Which components start beside Toxiproxy rather than after it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interpose.shapes import rewritten

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
    """What others wait for, waits for nobody and names nobody; all others find Toxiproxy there."""
    after = rewritten(services)
    started = {
        name
        for name in services
        if not set(after.compose["services"][name].get("depends_on") or {}) & set(after.toxiproxies)
    }
    assert started == beside
