"""How a fault chooses its links, and faults that cut them; ``toxics.py`` has those that slow them down.

A pattern ``consumer→provider`` (or ``->``) chooses a link; each side is a component or a service.
``:port`` at the end restricts it to one port, and ``→cache`` chooses all links to the cache. The name of
the link's proxy in Toxiproxy is a pattern, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from chaoskit.faults.base import Evidence, Fault, Injection, together
from chaoskit.runtime import Cut, Runtime, Undo
from chaoskit.system import ANY, OUTSIDE, Impact, Link, members
from chaoskit.system.names import matching_links


def select(pattern: str, runtime: Runtime) -> tuple[Link, ...]:
    """The links that a pattern matches; empty if there are none. Never a link of the harness."""
    return matching_links(pattern, runtime.links, runtime.components)


def no_such_link(pattern: str, runtime: Runtime) -> list[str]:
    """The misfit of a pattern that does not match a link; empty if it matches one."""
    if select(pattern, runtime):
        return []
    there = ", ".join(link.name for link in runtime.links[:12])
    more = f" and {len(runtime.links) - 12} more" if len(runtime.links) > 12 else ""
    return [f"{pattern!r} does not match a link; the links are {there}{more}"]


def reach(links: Sequence[Link], runtime: Runtime, *, dead: bool) -> Impact:
    """The impact of harming ``links``: which components can no longer use which providers."""
    pairs = frozenset(
        (consumer, provider)
        for link in links
        for provider in _ends(link.provider, runtime)
        for consumer in _ends(link.consumer, runtime) - {provider}
    )
    return Impact(severed=pairs) if dead else Impact(hampered=pairs)


def _ends(name: str, runtime: Runtime) -> frozenset[str]:
    """The components at an end of a link; where that end is not known, it may be any of them."""
    if name == ANY:
        return frozenset({OUTSIDE, *(each.name for each in runtime.components)})
    return members(name, runtime.components) or frozenset({name})


@dataclass(frozen=True)
class LinkFault(Fault):
    """A fault of one or more links.

    Attributes:
        link: which links: ``consumer→provider``, ``consumer→provider:port`` or ``→provider``.
    """

    link: str

    def links(self, runtime: Runtime) -> tuple[Link, ...]:
        """The links that the fault harms."""
        return select(self.link, runtime)

    def misfits(self, runtime: Runtime) -> list[str]:
        """The pattern matches at least one link of the system."""
        return no_such_link(self.link, runtime)


@dataclass(frozen=True)
class CutLink(LinkFault):
    """A dead link.

    Attributes:
        how: ``refuse``, ``silent`` (no answer, as from a dead host) or ``hang`` (accepted, then no
            answer). Three different failures: a system may survive one and not another.
    """

    evidence: ClassVar[str] = (
        "a fresh connection from the consumer's side is refused, gets no answer, or hangs, as ``how`` says"
    )

    how: Cut = "refuse"

    def impact(self, runtime: Runtime) -> Impact:
        """The providers are lost to these consumers."""
        return reach(self.links(runtime), runtime, dead=True)

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Mend each link."""
        return tuple(Undo("mend", link.proxy, {"how": self.how}) for link in self.links(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Cut each link."""
        injection = CutInjection(runtime, self.links(runtime), self.how)
        injection.start()
        return injection


class CutInjection(Injection):
    """The injection of dead links, used by every fault that makes a provider unreachable."""

    SEEN: dict[Cut, str] = {"refuse": "refused", "silent": "silent", "hang": "hang"}  # noqa: RUF012

    def __init__(self, runtime: Runtime, links: Sequence[Link], how: Cut) -> None:
        self._runtime, self._links, self._how = runtime, links, how

    def start(self) -> None:
        """Cut all the links."""
        for link in self._links:
            self._runtime.cut(link, self._how)

    def landed(self) -> Evidence:
        """A fresh connection over each link fails in the way that ``how`` says."""
        looks = []
        for link in self._links:
            met = self._runtime.connect(link, timeout=1.0)
            fits = met == self.SEEN[self._how]
            looks.append(Evidence(fits, f"a connection over {link.name} is {met}", {link.name: met}))
        names = ", ".join(link.name for link in self._links)
        return together(looks, f"a fresh connection is {self.SEEN[self._how]} over {names}")

    def lift(self) -> None:
        """Mend all the links."""
        for link in self._links:
            self._runtime.mend(link)

    def gone(self) -> Evidence:
        """No link is cut any more, and a fresh connection opens over each."""
        looks = []
        for link in self._links:
            met = self._runtime.connect(link, timeout=1.0)
            looks.append(
                Evidence(met == "open", f"a connection over {link.name} is still {met}", {link.name: met})
            )
        return together(looks, "a fresh connection opens over every link")
