"""What a journey needs and uses, as far as one look can tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from chaoskit.system import Link


def reached(entry: str, links: Iterable[Link]) -> tuple[str, ...]:
    """The components behind an entry, itself first: those that its links lead to, and theirs.

    Args:
        entry: the component that answers at the entry.
        links: the links that were used.
    """
    ways: dict[str, list[str]] = {}
    for link in links:
        ways.setdefault(link.consumer, []).append(link.provider)
    found = [entry]
    for consumer in found:  # grows while it is walked
        found += sorted(set(ways.get(consumer, ())) - set(found))
    return tuple(found)


def divided(services: Iterable[str], spare: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A first guess at (needs, uses). What is there to make things faster (a cache, a standby) is used;
    whatever else was reached is needed.

    Args:
        services: those that were reached, the entry's first; it is needed in any case.
        spare: the services that one should be able to do without.
    """
    ordered = tuple(dict.fromkeys(services))
    uses = tuple(each for each in ordered[1:] if each in spare)
    return tuple(each for each in ordered if each not in uses), uses
