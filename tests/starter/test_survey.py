"""What a journey needs and uses."""

from __future__ import annotations

from chaoskit.starter.survey import divided, reached
from chaoskit.system import OUTSIDE, Link


def test_all_components_behind_an_entry_are_found() -> None:
    """Links are followed from consumer to provider, also in circles; links that lead to the entry are not."""
    links = [
        Link(OUTSIDE, "web", 80),
        Link("web", "api", 8000),
        Link("api", "db", 5432),
        Link("api", "web", 80),
        Link("worker", "queue", 6379),
        Link("worker", "db", 5432),
    ]
    assert reached("web", links) == ("web", "api", "db")


def test_caches_and_standbys_are_used_and_the_entry_is_needed() -> None:
    """Caches and standbys are used, all else is needed, and the entry is needed even if it is a cache."""
    assert divided(["web", "api", "cache", "api"], {"cache"}) == (("web", "api"), ("cache",))
    assert divided(["cache", "db"], {"cache"}) == (("cache", "db"), ())
