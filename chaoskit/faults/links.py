"""Faults of a link: slow, narrow, resetting or dead.

A link is chosen by ``consumer→provider`` (``->`` will do), each a component or a service, with
``:port`` where only one port is meant; ``→cache`` means all links to the cache. The name of its
proxy in Toxiproxy chooses it, too.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from chaoskit.faults.base import Evidence, Fault, Injection, together
from chaoskit.runtime import Cut, Runtime, Toxic, Undo
from chaoskit.system import ANY, OUTSIDE, Impact, Link, members
from chaoskit.system.names import meant

Stream = Literal["upstream", "downstream"]


def select(pattern: str, runtime: Runtime) -> tuple[Link, ...]:
    """The links that a pattern means; empty if there are none. Never a link of the harness."""
    return meant(pattern, runtime.links, runtime.components)


def no_such_link(pattern: str, runtime: Runtime) -> list[str]:
    """The misfit of a pattern that means no link; empty if it means one."""
    if select(pattern, runtime):
        return []
    there = ", ".join(link.name for link in runtime.links[:12])
    more = f" and {len(runtime.links) - 12} more" if len(runtime.links) > 12 else ""
    return [f"{pattern!r} means no link; there are {there}{more}"]


def reach(links: Sequence[Link], runtime: Runtime, *, dead: bool) -> Impact:
    """The impact of harming ``links``: who can no longer use whom."""
    pairs = frozenset(
        (consumer, provider)
        for link in links
        for provider in _ends(link.provider, runtime)
        for consumer in _ends(link.consumer, runtime) - {provider}
    )
    return Impact(severed=pairs) if dead else Impact(hampered=pairs)


def _ends(name: str, runtime: Runtime) -> frozenset[str]:
    """The components that stand at an end of a link; where nobody knows, it may be each of them."""
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
        """The links it harms."""
        return select(self.link, runtime)

    def misfits(self, runtime: Runtime) -> list[str]:
        """The pattern means at least one link of the system."""
        return no_such_link(self.link, runtime)


@dataclass(frozen=True)
class ToxicFault(LinkFault):
    """A fault that Toxiproxy makes with one toxic on each link."""

    evidence: ClassVar[str] = "Toxiproxy has the toxic on each of the links, read back from its API"

    @abstractmethod
    def toxics(self) -> tuple[Toxic, ...]:
        """What is put on each link."""

    def impact(self, runtime: Runtime) -> Impact:
        """The providers still serve: their consumers have to be careful with them."""
        return reach(self.links(runtime), runtime, dead=False)

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Take each toxic off each link."""
        return tuple(
            Undo("remove_toxic", link.proxy, {"name": toxic.name})
            for link in self.links(runtime)
            for toxic in self.toxics()
        )

    def inject(self, runtime: Runtime) -> Injection:
        """Put the toxics on."""
        injection = _Toxics(runtime, self.links(runtime), self.toxics())
        injection.start()
        return injection


@dataclass(frozen=True)
class Latency(ToxicFault):
    """A slow link: each answer (or question) takes longer.

    Attributes:
        delay: seconds added to everything that passes.
        jitter: seconds by which the delay varies, both ways.
        stream: ``downstream`` slows the provider's answers, ``upstream`` the consumer's questions.
    """

    delay: float = 0.1
    jitter: float = 0.0
    stream: Stream = "downstream"

    def toxics(self) -> tuple[Toxic, ...]:
        """One ``latency`` toxic."""
        values = {"latency": self.delay, "jitter": self.jitter}
        return (Toxic("chaoskit-latency", "latency", self.stream, values),)


@dataclass(frozen=True)
class Bandwidth(ToxicFault):
    """A narrow link.

    Attributes:
        rate_bytes_per_s: what passes in a second, in bytes; at least 1,000.
        stream: the direction that is narrow.
    """

    rate_bytes_per_s: float = 10_000.0
    stream: Stream = "downstream"

    def toxics(self) -> tuple[Toxic, ...]:
        """One ``bandwidth`` toxic."""
        values = {"rate_bytes_per_s": self.rate_bytes_per_s}
        return (Toxic("chaoskit-bandwidth", "bandwidth", self.stream, values),)


@dataclass(frozen=True)
class Reset(ToxicFault):
    """A link whose connections are reset as soon as data flows on them.

    Connections that were open before get no reset until they are used.

    Attributes:
        after: seconds from the first byte to the reset.
    """

    after: float = 0.0

    def toxics(self) -> tuple[Toxic, ...]:
        """One ``reset_peer`` toxic."""
        return (Toxic("chaoskit-reset", "reset_peer", "downstream", {"timeout": self.after}),)

    def impact(self, runtime: Runtime) -> Impact:
        """Nothing gets through: the providers are lost to these consumers."""
        return reach(self.links(runtime), runtime, dead=True)


@dataclass(frozen=True)
class CutLink(LinkFault):
    """A dead link.

    Attributes:
        how: ``refuse``, ``silent`` (no answer, as a dead host) or ``hang`` (accepted, then
            nothing). Three different failures: systems survive one and not the other.
    """

    evidence: ClassVar[str] = (
        "a fresh connection from the consumer's side is refused, is not answered, or hangs, as ``how`` says"
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


class _Toxics(Injection):
    def __init__(self, runtime: Runtime, links: Sequence[Link], toxics: Sequence[Toxic]) -> None:
        self._runtime, self._links, self._toxics = runtime, links, toxics

    def start(self) -> None:
        for link in self._links:
            for toxic in self._toxics:
                self._runtime.add_toxic(link, toxic)

    def landed(self) -> Evidence:
        looks = [self._look(link, toxic) for link in self._links for toxic in self._toxics]
        kinds = ", ".join(toxic.kind for toxic in self._toxics)
        return together(looks, f"Toxiproxy has {kinds} on {', '.join(link.name for link in self._links)}")

    def _look(self, link: Link, toxic: Toxic) -> Evidence:
        there = any(each.name == toxic.name for each in self._runtime.toxics(link))
        return Evidence(there, f"{link.name} has no {toxic.kind}", {link.name: toxic.kind if there else None})

    def lift(self) -> None:
        for link in self._links:
            for toxic in self._toxics:
                self._runtime.remove_toxic(link, toxic.name)

    def gone(self) -> Evidence:
        left = [f"{link.name} still has {t.kind}" for link in self._links for t in self._runtime.toxics(link)]
        return Evidence(not left, "; ".join(left) or "no toxic is left on the links")


class CutInjection(Injection):
    """Links that are dead; used by every fault that makes a provider unreachable."""

    SEEN: dict[Cut, str] = {"refuse": "refused", "silent": "silent", "hang": "hang"}  # noqa: RUF012

    def __init__(self, runtime: Runtime, links: Sequence[Link], how: Cut) -> None:
        self._runtime, self._links, self._how = runtime, links, how

    def start(self) -> None:
        """Cut them all."""
        for link in self._links:
            self._runtime.cut(link, self._how)

    def landed(self) -> Evidence:
        """A fresh connection over each link meets what it should."""
        looks = []
        for link in self._links:
            met = self._runtime.connect(link, timeout=1.0)
            fits = met == self.SEEN[self._how]
            looks.append(Evidence(fits, f"a connection over {link.name} is {met}", {link.name: met}))
        names = ", ".join(link.name for link in self._links)
        return together(looks, f"a fresh connection is {self.SEEN[self._how]} over {names}")

    def lift(self) -> None:
        """Mend them all."""
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
