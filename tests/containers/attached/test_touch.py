"""Only what the user named may be touched."""

from __future__ import annotations

import pytest

from chaoskit.containers.attached.touch import Touch
from chaoskit.errors import UsageError
from chaoskit.runtime import Undo
from chaoskit.system import Component, Impact, Link

COMPONENTS = (Component("app-1", "app", 1), Component("app-2", "app", 2), Component("cache", "cache"))
LINK, OTHER = Link("app-1", "cache", 6379), Link("app-2", "cache", 6379)
NOTHING = Impact()


def told(*names: str) -> Touch:
    """A guest whose user gave these names."""
    return Touch("shop", names, COMPONENTS, (LINK, OTHER))


def test_nothing_named_nothing_touched() -> None:
    """By default everything is refused, and the remedy says what to add."""
    with pytest.raises(UsageError) as raised:
        told().component("cache", "kill it")
    assert "nothing" in (raised.value.evidence or "")
    assert (raised.value.remedy or "").endswith(": cache")
    with pytest.raises(UsageError, match="app-1→cache:6379"):
        told().link(LINK, "cut it")


def test_a_service_means_its_replicas_and_not_its_links() -> None:
    """A user who allows the app to be killed does not allow its links to be cut."""
    touch = told("app")
    touch.component("app-1", "kill it")
    touch.component("app-2", "kill it")
    with pytest.raises(UsageError):
        touch.component("cache", "kill it")
    with pytest.raises(UsageError):
        touch.link(LINK, "cut it")


def test_a_link_may_be_named_by_pattern_or_proxy() -> None:
    """The name means neither the link's ends nor another link."""
    for name in ("app-1->cache", "app-1→cache:6379", "app-1.cache.6379"):
        touch = told(name)
        touch.link(LINK, "cut it")
        with pytest.raises(UsageError):
            touch.link(OTHER, "cut it")
        with pytest.raises(UsageError):
            touch.component("cache", "kill it")


def test_a_name_of_nothing_is_a_mistake() -> None:
    """The error comes at once and lists all names, so that a typing error does not look like caution."""
    with pytest.raises(UsageError, match="'cahce'") as raised:
        told("cache", "cahce")
    assert "app-2→cache:6379" in (raised.value.evidence or "")


def test_a_fault_is_permitted_by_what_it_will_undo_and_takes_away() -> None:
    """All of a fault's targets are checked before the first of them is harmed."""
    told("app").permit([Undo("start", "app-1"), Undo("start", "app-2")], NOTHING)
    told("→cache").permit([Undo("mend", LINK.proxy)], Impact(lost=frozenset({"cache"})))
    told("cache").permit([], Impact(strained=frozenset({"cache"})))
    for touch, steps, impact in (
        (told("app-1"), [Undo("start", "app-1"), Undo("start", "app-2")], NOTHING),
        (told("app-1→cache"), [Undo("mend", LINK.proxy), Undo("mend", OTHER.proxy)], NOTHING),
        (told("→cache"), [], Impact(strained=frozenset({"cache"}))),
        (told("app"), [Undo("start", "app-1")], Impact(strained=frozenset({"cache"}))),
        (told("app", "cache"), [Undo("disconnect", "gateway")], NOTHING),
    ):
        with pytest.raises(UsageError):
            touch.permit(steps, impact)


def test_no_container_is_replaced() -> None:
    """A deploy would leave another container, so it is refused whatever the user named."""
    with pytest.raises(UsageError, match="cannot be replaced"):
        told("app").permit([Undo("start", "app-1", {"replaced": True})], NOTHING)
