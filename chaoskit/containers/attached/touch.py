"""What a guest may touch: what he was told, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from chaoskit.errors import UsageError
from chaoskit.runtime import Undo
from chaoskit.system import Component, Impact, Link, members
from chaoskit.system.names import meant

_LINK_ACTIONS: Final = frozenset({"mend", "remove_toxic"})
"""What is undone on links; all else is undone on components."""


def irreplaceable(component: str) -> UsageError:
    """Why a guest replaces no container."""
    return UsageError(
        f"{component} cannot be replaced where chaoskit did not start the system",
        evidence="its container would be another one for good",
        remedy="deploy it your own way meanwhile, or start the system with chaoskit",
    )


class Touch:
    """The components and links that may be touched.

    Args:
        project: whose system it is.
        names: what was named: components, services, links (``api→cache``, ``→cache``) or proxies.
        components, links: what there is.

    Raises:
        UsageError: a name means nothing of what there is.
    """

    def __init__(
        self,
        project: str,
        names: Iterable[str],
        components: Sequence[Component],
        links: Collection[Link],
    ) -> None:
        self._project = project
        self.names = tuple(names)
        self.components: frozenset[str] = frozenset()
        self.proxies: frozenset[str] = frozenset()
        self._links = tuple(links)
        strangers = []
        for name in self.names:
            some = members(name, components)
            ways = {link.proxy for link in meant(name, links, components)}
            if not some and not ways:
                strangers.append(name)
            self.components |= some
            self.proxies |= ways
        if strangers:
            there = [*(each.name for each in components), *(link.name for link in links)]
            raise UsageError(
                f"nothing is called {', '.join(map(repr, strangers))}, so it cannot be touched",
                where=f"compose project {project}",
                evidence=f"there are {', '.join(there)}",
                remedy="name components, services, links (api→cache, →cache) or proxies",
            )

    def component(self, name: str, doing: str) -> None:
        """Raise unless the component may be touched."""
        if name not in self.components:
            raise self._refusal([name], doing)

    def link(self, link: Link, doing: str) -> None:
        """Raise unless the link may be touched."""
        if link.proxy not in self.proxies:
            raise self._refusal([link.name], doing)

    def permit(self, steps: Iterable[Undo], impact: Impact) -> None:
        """Raise unless all that a fault touches may be touched.

        It touches what its undo names, and the components that it takes away or strains, unless
        that comes of the links alone that it harms.
        """
        plan = tuple(steps)
        for step in plan:
            if step.detail.get("replaced"):
                raise irreplaceable(step.target)
        touched = dict.fromkeys(step.target for step in plan)
        if not plan or any(step.action not in _LINK_ACTIONS for step in plan):
            touched |= dict.fromkeys(sorted(impact.lost | impact.strained))
        if strange := [name for name in touched if name not in self.components | self.proxies]:
            called = {link.proxy: link.name for link in self._links}
            raise self._refusal([called.get(name, name) for name in strange], "inject a fault there")

    def _refusal(self, names: Sequence[str], doing: str) -> UsageError:
        told = ", ".join(self.names) or "nothing"
        wanted = " ".join(name.partition(" ")[0] for name in names)
        return UsageError(
            f"{', '.join(names)} may not be touched, so nothing was done",
            where=f"compose project {self._project}, which was not started by this run",
            evidence=f"asked to {doing}; what may be touched: {told}",
            remedy=f"to allow it, name it among what may be touched (touch=): {wanted}",
        )
