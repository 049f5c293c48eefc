from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.interpose.placing import colour, conflicts

PROVIDERS = ("a", "b", "c", "d", "e", "f")


@given(
    st.fixed_dictionaries({name: st.frozensets(st.integers(1, 4), max_size=3) for name in PROVIDERS}),
    st.fixed_dictionaries({name: st.frozensets(st.sampled_from("wxyz"), max_size=3) for name in PROVIDERS}),
)
def test_no_two_that_clash_share_a_colour(
    ports: dict[str, frozenset[int]], consumers: dict[str, frozenset[str]]
) -> None:
    """Providers on one Toxiproxy have either known, different ports or no common consumer."""
    chosen = colour(conflicts(ports, consumers), PROVIDERS)
    for one in PROVIDERS:
        for other in PROVIDERS:
            if one < other and chosen[one] == chosen[other] and consumers[one] & consumers[other]:
                assert ports[one]
                assert ports[other]
                assert not ports[one] & ports[other]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=12))
def test_one_port_each_needs_no_more_than_the_most_popular(ports: list[int]) -> None:
    """If every service talks to every other, the most popular port decides the number."""
    names = [f"p{number}" for number in range(len(ports))]
    chosen = colour(
        conflicts(
            {name: {port} for name, port in zip(names, ports, strict=True)},
            dict.fromkeys(names, frozenset({"everyone"})),
        ),
        names,
    )
    assert len(set(chosen.values())) == max(ports.count(port) for port in ports)


def test_numbers_follow_the_order() -> None:
    """The first provider is on the first Toxiproxy, whatever the order of the colouring."""
    clashing = conflicts({"z": {1}, "a": {1}, "m": {1}}, dict.fromkeys("zam", frozenset("w")))
    assert colour(clashing, ["z", "a", "m"]) == {"z": 0, "a": 1, "m": 2}


def test_a_provider_that_listens_on_nothing_may_be_anywhere() -> None:
    """A provider that was seen listening on no port needs no Toxiproxy of its own; an unknown one does."""
    ports = {"api": frozenset({80}), "db": frozenset({5432}), "worker": frozenset[int]()}
    consumers = dict.fromkeys(ports, frozenset({"gateway"}))
    alone = colour(conflicts(ports, consumers), list(ports))
    assert len(set(alone.values())) == 2
    together = colour(conflicts(ports, consumers, frozenset({"worker"})), list(ports))
    assert len(set(together.values())) == 1
