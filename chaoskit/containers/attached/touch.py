"""What a guest may touch: the components and links that the user named, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from chaoskit.errors import UsageError
from chaoskit.runtime import Undo
from chaoskit.system import Component, Impact, Link, members
from chaoskit.system.names import matching_links

_LINK_ACTIONS: Final = frozenset({"mend", "remove_toxic"})
"""The undo actions on links; all other actions are on components."""


def irreplaceable(component: str) -> UsageError:
    """The error that says why a guest replaces no container."""
    return UsageError(
        f"{component} cannot be replaced in a system that chaoskit did not start",
        evidence="chaoskit could not restore the container that it replaced",
        remedy="deploy the release with your own tools, or start the system with chaoskit",
    )


class Touch:
    """The components and links that may be touched.

    Args:
        project: the compose project.
        names: the names that the user gave: of components, services, links (``api→cache``, ``→cache``)
            or proxies.
        components, links: those of the project.

    Raises:
        UsageError: a name means no component and no link.
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
        unknown = []
        for name in self.names:
            some = members(name, components)
            proxies = {link.proxy for link in matching_links(name, links, components)}
            if not some and not proxies:
                unknown.append(name)
            self.components |= some
            self.proxies |= proxies
        if unknown:
            known = [*(each.name for each in components), *(link.name for link in links)]
            raise UsageError(
                f"no component or link is called {' or '.join(map(repr, unknown))}, so it cannot be touched",
                where=f"compose project {project}",
                evidence=f"known names: {', '.join(known)}",
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
        """Raise unless a fault may touch all its targets.

        A fault touches the targets of its undo steps. It also touches the components that it takes away
        or strains, unless it does that only by harming links.
        """
        plan = tuple(steps)
        for step in plan:
            if step.detail.get("replaced"):
                raise irreplaceable(step.target)
        touched = dict.fromkeys(step.target for step in plan)
        if not plan or any(step.action not in _LINK_ACTIONS for step in plan):
            touched |= dict.fromkeys(sorted(impact.lost | impact.strained))
        if forbidden := [name for name in touched if name not in self.components | self.proxies]:
            link_names = {link.proxy: link.name for link in self._links}
            raise self._refusal([link_names.get(name, name) for name in forbidden], "inject a fault there")

    def _refusal(self, names: Sequence[str], doing: str) -> UsageError:
        allowed = ", ".join(self.names) or "nothing"
        wanted = " ".join(name.partition(" ")[0] for name in names)
        return UsageError(
            f"{', '.join(names)} may not be touched, so nothing was done",
            where=f"compose project {self._project}, which this run did not start",
            evidence=f"tried to {doing}; may be touched: {allowed}",
            remedy=f"to allow it, add it to touch= (--chaos-touch, or --touch of a game day): {wanted}",
        )
