"""Faults that Toxiproxy makes with a toxic: links that are slow or narrow, or that reset connections.

The harness reads back that Toxiproxy has the toxic, but that does not show its effect on the traffic. So
the harness also times a fresh connection over each link, from the consumer's side, before the fault, under
it and after it. It sends a few harmless bytes (``PING``; to PostgreSQL, the question whether it speaks
TLS) and waits for the first answer; where the toxic harms the way to the provider, it waits for the end
of the connection instead.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeVar

from chaoskit.clients import postgres
from chaoskit.errors import RuntimeFailure
from chaoskit.faults.base import Evidence, Injection
from chaoskit.faults.links import LinkFault, reach
from chaoskit.runtime import Exchange, Runtime, Toxic, Undo, Until
from chaoskit.system import Impact, Link

Stream = Literal["upstream", "downstream"]
Found = TypeVar("Found")

PATIENCE_SECONDS: Final = 2.0
"""The time limit of an exchange; an exchange that reaches it is slow enough to show the fault."""

BEFORE_SECONDS: Final = 1.0
"""The time limit of an exchange before the fault; a provider that reaches it does not answer such bytes."""

SMALLEST_SECONDS: Final = 0.002
"""The smallest effect that can be told from the noise of a busy machine; a smaller one is not measured."""

TRIES: Final = 3
"""How many exchanges are made to show that a link is not slow; the fastest one counts."""

JITTER_TRIES: Final = 12
"""How many exchanges are made to show a delay that varies; one that shows it is enough."""

LINKS_AT_ONCE: Final = 8
"""How many links are measured at the same time."""

_LINES: Final = b"PING\r\n\r\n"
"""A command to Redis. An HTTP parser refuses it before any application sees it; most other servers answer
it with an error."""

_BULK_BYTES: Final = 512
"""The size of an exchange that is to fill a narrow link."""


@dataclass(frozen=True, slots=True)
class Before:
    """How an exchange over a link went before the fault.

    Attributes:
        found: the fastest exchange; ``None`` where there is none to time.
        said, until: the bytes to send and the event to wait for, so that the exchange can be repeated.
        carries: whether the link carries traffic that the toxic can change.
        why: why there is no exchange to time.
    """

    found: Exchange | None
    said: bytes = b""
    until: Until = "answer"
    carries: bool = True
    why: str = ""


@dataclass(frozen=True)
class ToxicFault(LinkFault):
    """A fault that Toxiproxy makes with one toxic on each link."""

    evidence: ClassVar[str] = (
        "a fresh connection over each of the links, made from the consumer's side, takes longer than before "
        "the fault by what the toxic adds (both times are in the evidence), and Toxiproxy has the toxic, "
        "as its API confirms"
    )

    @abstractmethod
    def toxic(self) -> Toxic:
        """The toxic that is put on each link."""

    def least(self, before: Exchange, said: bytes) -> float:
        """Seconds by which an exchange must take longer to show the fault; about half of what it adds."""
        return 0.0

    def shows(self, now: Exchange, before: Exchange, said: bytes) -> bool:
        """Whether an exchange under the fault differs as it must from the one before the fault."""
        least = min(self.least(before, said), PATIENCE_SECONDS - BEFORE_SECONDS)
        slow = now.seconds >= before.seconds + least
        return slow and now.met in ("answered", "closed", "quiet")

    def impact(self, runtime: Runtime) -> Impact:
        """The providers still serve, but the way from their consumers to them is hampered."""
        return reach(self.links(runtime), runtime, dead=False)

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Take the toxic off each link."""
        name = self.toxic().name
        return tuple(Undo("remove_toxic", link.proxy, {"name": name}) for link in self.links(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Time an exchange over each link, and put the toxic on."""
        injection = _Toxics(runtime, self.links(runtime), self)
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

    def toxic(self) -> Toxic:
        """A ``latency`` toxic."""
        values = {"latency": self.delay, "jitter": self.jitter}
        return Toxic("chaoskit-latency", "latency", self.stream, values)

    def least(self, before: Exchange, said: bytes) -> float:
        """Half of the delay; for one that varies, a value that about every second exchange exceeds."""
        return (self.delay + self.jitter) / 4 if self.jitter else self.delay / 2


@dataclass(frozen=True)
class Bandwidth(ToxicFault):
    """A narrow link.

    Attributes:
        rate_bytes_per_s: bytes that pass in a second; at least 1,000.
        stream: the direction that is narrow.
    """

    rate_bytes_per_s: float = 10_000.0
    stream: Stream = "downstream"

    def toxic(self) -> Toxic:
        """A ``bandwidth`` toxic."""
        values = {"rate_bytes_per_s": self.rate_bytes_per_s}
        return Toxic("chaoskit-bandwidth", "bandwidth", self.stream, values)

    def least(self, before: Exchange, said: bytes) -> float:
        """Half of the time that the bytes need. Toxiproxy passes them on in pieces of a tenth of a second, so
        the first piece comes after that time at the latest.
        """
        passes = len(said) if self.stream == "upstream" else before.heard_bytes
        return min(0.1, passes / self.rate_bytes_per_s) / 2


@dataclass(frozen=True)
class Reset(ToxicFault):
    """A link whose connections are reset as soon as data flows on them.

    A connection that was open before is not reset until it is used.

    Attributes:
        after: seconds from the first byte to the reset.
    """

    evidence: ClassVar[str] = (
        "a fresh connection over each of the links, made from the consumer's side, is reset where it was "
        "not before the fault, and Toxiproxy has the toxic, as its API confirms"
    )

    after: float = 0.0

    def toxic(self) -> Toxic:
        """A ``reset_peer`` toxic."""
        return Toxic("chaoskit-reset", "reset_peer", "downstream", {"timeout": self.after})

    def least(self, before: Exchange, said: bytes) -> float:
        """Infinite: a reset does not show in the time of an exchange."""
        return math.inf

    def shows(self, now: Exchange, before: Exchange, said: bytes) -> bool:
        """The connection is reset, or no answer comes within the time limit where the reset comes later."""
        return now.met == "reset" or (now.met == "quiet" and self.after > PATIENCE_SECONDS / 2)

    def impact(self, runtime: Runtime) -> Impact:
        """Nothing gets through: the providers are lost to these consumers."""
        return reach(self.links(runtime), runtime, dead=True)


class _Toxics(Injection):
    def __init__(self, runtime: Runtime, links: Sequence[Link], fault: ToxicFault) -> None:
        self._runtime, self._links, self._fault, self._toxic = runtime, links, fault, fault.toxic()
        self._before: dict[Link, Before] = {}

    def start(self) -> None:
        self._before = dict(zip(self._links, self._each(self._measure), strict=True))
        for link in self._links:
            self._runtime.add_toxic(link, self._toxic)

    def _each(self, look: Callable[[Link], Found]) -> list[Found]:
        with ThreadPoolExecutor(max_workers=LINKS_AT_ONCE, thread_name_prefix="chaoskit-exchange") as pool:
            return list(pool.map(look, self._links))

    def _measure(self, link: Link) -> Before:
        """Time an exchange before the fault, with the first opening that the provider answers."""
        met = self._runtime.connect(link, timeout=BEFORE_SECONDS)
        if met != "open":
            return Before(
                None, carries=False, why=f"a connection over {link.name} was {met} before the fault"
            )
        harms_answers = self._toxic.stream == "downstream" and not isinstance(self._fault, Reset)
        until: Until = "answer" if harms_answers else "end"
        said, found = b"", Exchange("quiet", BEFORE_SECONDS)
        for said in _openings(link.port, bulk=isinstance(self._fault, Bandwidth)):
            found = self._runtime.exchange(link, said, until=until, patience=BEFORE_SECONDS)
            if found.met == "answered" or (found.met == "closed" and until == "end"):
                break
        else:
            why = f"{link.provider} gives no answer over {link.name} that can be timed ({found.met})"
            return Before(None, carries=found.met == "closed", why=why)
        again = [
            self._runtime.exchange(link, said, until=until, patience=BEFORE_SECONDS) for _ in range(TRIES - 1)
        ]
        alike = [each for each in [found, *again] if each.met == found.met]
        fastest = min(alike, key=lambda each: each.seconds)
        if self._fault.least(fastest, said) < SMALLEST_SECONDS:
            why = f"what {self._toxic.kind} adds to an exchange over {link.name} is too little to measure"
            return Before(None, why=why)
        return Before(fastest, said, until)

    def landed(self) -> Evidence:
        looks = self._each(self._look)
        carrying = [link for link in self._links if self._before[link].carries]
        figures = {key: value for look in looks for key, value in look.figures.items()}
        missing = [look.says for link, look in zip(self._links, looks, strict=True) if not look.holds]
        if missing or not carrying:
            return Evidence(False, "; ".join(missing) or "nothing passes over the links", figures)
        return Evidence(True, "; ".join(look.says for look in looks), figures)

    def _look(self, link: Link) -> Evidence:
        kind, before = self._toxic.kind, self._before[link]
        if all(each.name != self._toxic.name for each in self._runtime.toxics(link)):
            return Evidence(False, f"{link.name} has no {kind}", {link.name: None})
        if before.found is None:
            others = any(each.carries for each in self._before.values())
            # A port that no process serves does not count against the evidence of one that is served.
            holds = before.carries or others
            says = f"Toxiproxy has {kind} on {link.name}, its effect was not measured: {before.why}"
            return Evidence(holds, says if holds else before.why, {link.name: kind})
        tries = JITTER_TRIES if self._toxic.attributes.get("jitter") else 1
        for _ in range(tries):
            now = self._runtime.exchange(link, before.said, until=before.until, patience=PATIENCE_SECONDS)
            if shown := self._fault.shows(now, before.found, before.said):
                break
        told = f"{_told(before.found)} before, {_told(now).removeprefix('took ')} now"
        return Evidence(
            shown,
            f"a connection over {link.name} {told}",
            {
                link.name: kind,
                f"{link.name} before_s": round(before.found.seconds, 6),
                f"{link.name} now_s": round(now.seconds, 6),
            },
        )

    def lift(self) -> None:
        for link in self._links:
            self._runtime.remove_toxic(link, self._toxic.name)

    def gone(self) -> Evidence:
        left = [f"{link.name} still has {t.kind}" for link in self._links for t in self._runtime.toxics(link)]
        if left:
            return Evidence(False, "; ".join(left))
        looks = self._each(self._free)
        figures = {key: value for look in looks for key, value in look.figures.items()}
        harmed = [look.says for look in looks if not look.holds]
        says = "; ".join(["no toxic is left on the links", *filter(None, (look.says for look in looks))])
        return Evidence(not harmed, "; ".join(harmed) or says, figures)

    def _free(self, link: Link) -> Evidence:
        """Whether an exchange over the link goes as before, or at least no worse than one that goes past the
        proxy: a provider that has not recovered from the fault is slow by itself.
        """
        before = self._before[link]
        if before.found is None:
            return Evidence(True, "")
        now = self._fastest(link, before, past=False)
        says = f"a connection over {link.name} {_told(now)}"
        figures = {f"{link.name} now_s": round(now.seconds, 6)}
        if not self._fault.shows(now, before.found, before.said):
            return Evidence(True, says, figures)
        try:
            past = self._fastest(link, before, past=True)
        except RuntimeFailure as failure:  # no way past the proxy: rely on the toxics that were read back
            return Evidence(
                True, f"{says}; it cannot be compared with one that goes past the proxy: {failure}", figures
            )
        says = f"{says}, and one that goes past its proxy {_told(past)}"
        return Evidence(not self._fault.shows(now, past, before.said), says, figures)

    def _fastest(self, link: Link, before: Before, *, past: bool) -> Exchange:
        found = Exchange("silent", math.inf)
        for _ in range(TRIES):
            now = self._runtime.exchange(
                link, before.said, until=before.until, patience=PATIENCE_SECONDS, past=past
            )
            found = min(found, now, key=lambda each: each.seconds)
            if before.found is not None and not self._fault.shows(now, before.found, before.said):
                return now
        return found


def _openings(port: int, *, bulk: bool) -> tuple[bytes, ...]:
    """The bytes that may open an exchange with a provider, those that fit its port best first.

    Args:
        port: the provider's port.
        bulk: whether the exchange must fill a narrow link. PostgreSQL answers with more than one letter only
            if it refuses the request: one for a protocol version that does not exist, which it also logs.
    """
    lines = _LINES * (_BULK_BYTES // len(_LINES)) if bulk else _LINES
    server = postgres.unknown_version(_BULK_BYTES) if bulk else postgres.SSL_REQUEST
    return (server, lines) if port in (postgres.PORT, postgres.POOLER_PORT) else (lines, server)


def _told(found: Exchange) -> str:
    seconds = found.seconds
    took = f"{seconds:.3g} s" if seconds >= 1.0 else f"{seconds * 1000:.3g} ms"
    return {
        "answered": f"took {took}",
        "closed": f"took {took}",
        "reset": f"was reset after {took}",
        "quiet": f"got no answer for {took}",
    }.get(found.met, f"was {found.met}")
