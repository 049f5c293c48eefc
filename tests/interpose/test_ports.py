from __future__ import annotations

from typing import Any

from chaoskit.interpose.members import read_application
from chaoskit.interpose.names import look_up
from chaoskit.interpose.ports import MOST_KNOWN_PORTS, known_ports
from tests.interpose.shapes import published, resolved


def ports(services: dict[str, dict[str, Any]], **how: Any) -> dict[str, tuple[int, ...]]:
    """Component → its known ports."""
    application = resolved(services, **how)
    whole = read_application(application.config)
    return known_ports(whole, look_up(whole), application.exposed, {})[0]


def test_every_declaration_counts() -> None:
    """A service's ports, its expose, its image's EXPOSE and its health check count; TCP only."""
    found = ports(
        {
            "web": {
                "ports": [*published(80), {"target": 53, "protocol": "udp"}],
                "expose": ["1000", "2000-2002", "99/udp"],
                "healthcheck": {"test": ["CMD", "curl", "localhost:8080"]},
            }
        },
        exposed={"web": (443,)},
    )
    assert found == {"web": (80, 443, 1000, 2000, 2001, 2002, 8080)}


def test_a_port_is_known_from_whoever_names_it() -> None:
    """A consumer's environment tells the provider's port, by any name that the consumer uses."""
    found = ports(
        {
            "web": {"environment": {"URL": "http://store:9000", "NOT": "elsewhere:1"}, "links": ["db:store"]},
            "db": {},
            "alone": {"networks": {"other": None}, "environment": {"URL": "db:7"}},
        }
    )
    assert found == {"web": (), "db": (9000,), "alone": ()}


def test_a_well_known_image_that_is_not_here_yet_has_its_port() -> None:
    """Before an image is pulled its EXPOSE is unknown; once it is here, its EXPOSE counts."""
    services: dict[str, dict[str, Any]] = {"db": {"image": "docker.io/bitnami/postgresql:16@sha256:0"}}
    assert ports(services, exposed={"else": ()}) == {"db": (5432,)}
    assert ports(services, exposed={"db": (15432,)}) == {"db": (15432,)}


def test_a_sidecar_serves_at_its_owners_address() -> None:
    """Members of one network namespace share its ports, and a sidecar's mentions count as its owner's."""
    found = ports(
        {
            "web": {"expose": ["80"]},
            "side": {"network_mode": "service:web", "expose": ["9113"], "environment": {"DB": "db:5432"}},
            "db": {},
        }
    )
    assert found == {"web": (80, 9113), "db": (5432,)}


def test_a_range_of_thousands_is_cut_short() -> None:
    """Published ports come first, and a warning says that the others get links when something listens."""
    application = resolved({"ftp": {"ports": published(60000), "expose": ["30000-40000"]}})
    whole = read_application(application.config)
    found, warnings = known_ports(whole, look_up(whole), {}, {})
    assert len(found["ftp"]) == MOST_KNOWN_PORTS
    assert 60000 in found["ftp"]
    assert "'ftp' has 10002 ports" in warnings[0]
