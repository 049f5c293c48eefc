from __future__ import annotations

from typing import Any

from chaoskit.interpose.members import read_application
from chaoskit.interpose.names import Names, extra_hosts, look_up
from tests.interpose.shapes import aliases, resolved, rewritten


def names(services: dict[str, dict[str, Any]], **how: Any) -> Names:
    """Each consumer's names, with the components that they mean."""
    return look_up(read_application(resolved(services, **how).config))


def test_all_the_names_of_a_container() -> None:
    """Service name, container name, host name and aliases all resolve, also with the network's name after
    them, as in Docker 26.1.
    """
    book = names(
        {
            "web": {"networks": {"back": None}},
            "db": {"hostname": "pg", "networks": {"back": {"aliases": ["store"]}}},
            "named": {"container_name": "the-one", "networks": {"back": None}},
        }
    ).books["web"]
    assert {name for name, who in book.items() if who == ("db",)} == {
        each + end for each in ("db", "shop-db-1", "pg", "store") for end in ("", ".shop_back")
    }
    assert {name for name, who in book.items() if who == ("named",)} == {
        each + end for each in ("named", "the-one") for end in ("", ".shop_back")
    }


def test_one_name_may_mean_different_providers() -> None:
    """``db`` means one container to web and another to api, depending on their networks."""
    found = names(
        {
            "web": {"networks": {"left": None}},
            "api": {"networks": {"right": None}},
            "one": {"networks": {"left": {"aliases": ["store"]}}},
            "two": {"networks": {"right": {"aliases": ["store"]}}},
        }
    )
    assert found.books["web"]["store"] == ("one",)
    assert found.books["api"]["store"] == ("two",)


def test_the_first_network_that_knows_a_name_answers() -> None:
    """As in Docker, networks are asked by priority, then internal ones last, then by name."""
    services: dict[str, dict[str, Any]] = {
        "web": {"networks": {"a": None, "b": None}},
        "one": {"networks": {"a": {"aliases": ["store"]}}},
        "two": {"networks": {"b": {"aliases": ["store"]}}},
    }
    assert names(services).books["web"]["store"] == ("one",)
    assert names(services, networks={"a": {"internal": True}}).books["web"]["store"] == ("two",)
    services["web"]["networks"]["b"] = {"priority": 10}
    assert names(services).books["web"]["store"] == ("two",)


def test_links_come_before_networks() -> None:
    """A link's alias means the linked service even if another has that name; without a common network it
    means nothing.
    """
    found = names(
        {
            "web": {"links": ["db:cache", "far:away"]},
            "db": {},
            "cache": {},
            "far": {"networks": {"other": None}},
        }
    ).books["web"]
    assert found["cache"] == ("db",)
    assert found["db-1"] == ("db",)
    assert "away" not in found


def test_containers_on_the_default_bridge_have_links_only() -> None:
    """The engine's default bridge has no name server for its containers."""
    found = names(
        {"web": {"network_mode": "bridge", "links": ["db"]}, "db": {"network_mode": "bridge"}, "api": {}}
    )
    assert found.books["web"] == {"db": ("db",), "db-1": ("db",), "shop-db-1": ("db",)}
    assert found.books["db"] == {}
    assert found.peers["web"] == {"db"}


def test_an_address_in_extra_hosts_becomes_a_name() -> None:
    """A name for a peer's fixed address leads to Toxiproxy; the other names stay where they were."""
    after = rewritten(
        {
            "web": {
                "networks": {"back": None},
                "extra_hosts": ["db.local=172.30.0.5", "elsewhere=192.0.2.1"],
            },
            "db": {"networks": {"back": {"ipv4_address": "172.30.0.5"}}, "expose": ["5432"]},
        }
    )
    assert after.compose["services"]["web"]["extra_hosts"] == {"elsewhere": ["192.0.2.1"]}
    assert any("db.local" in carried for carried in aliases(after, "web").values())
    assert [warning for warning in after.warnings if "'elsewhere'" in warning]
    assert not [warning for warning in after.warnings if "db.local" in warning]


def test_extra_hosts_in_every_shape() -> None:
    """All three shapes are read: ``name=address``, ``name:address`` and a mapping."""
    expected = {"a": ("1.2.3.4",), "b": ("::1",)}
    assert extra_hosts({"extra_hosts": ["a=1.2.3.4", "b=[::1]"]}) == expected
    assert extra_hosts({"extra_hosts": ["a:1.2.3.4", "b:::1"]}) == expected
    assert extra_hosts({"extra_hosts": {"a": "1.2.3.4", "b": ["::1"]}}) == expected
