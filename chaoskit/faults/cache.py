"""Cache loss: what was cheap because it was remembered has to be worked out again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import redis

from chaoskit.clients import redis as engine
from chaoskit.faults.base import Evidence, Fault, Injection, targets, unknown
from chaoskit.faults.components import Killed
from chaoskit.faults.links import CutInjection, select
from chaoskit.runtime import Cut, Runtime, Undo
from chaoskit.system import Impact, Link

Loss = Literal["flush", "down", "silent", "hang", "kill"]

_CUTS: dict[Loss, Cut] = {"down": "refuse", "silent": "silent", "hang": "hang"}


@dataclass(frozen=True)
class CacheLoss(Fault):
    """The cache is empty, or cannot be reached, or is dead.

    50,000 users: the cache has become part of the capacity. When it goes, each request falls
    through to the database at once, and whoever waits for the cache without a time-out waits long.

    Attributes:
        component: the cache.
        how: ``flush`` empties it, once (Redis and what speaks like it); ``down`` refuses every
            connection to it; ``silent`` drops every packet to it; ``hang`` accepts and never
            answers; ``kill`` ends its process until the lift.
        password: for ``flush``, where the component's environment does not have it.
    """

    stage: ClassVar[str] = "50,000 users"
    evidence: ClassVar[str] = (
        "no key is left, seen in the transaction that flushed (``flush``); a fresh connection over each "
        "link is refused, silent or hangs (``down``, ``silent``, ``hang``); the engine says that it exited "
        "(``kill``)"
    )

    component: str
    how: Loss = "down"
    password: str | None = field(default=None, repr=False)

    def misfits(self, runtime: Runtime) -> list[str]:
        """``flush`` fits Redis; the others fit whatever somebody is linked to."""
        reasons = unknown(self.component, runtime.components)
        if self.how not in get_args(Loss):
            reasons.append(f"how={self.how!r} is none of {', '.join(get_args(Loss))}")
        if reasons:
            return reasons
        if self.how in _CUTS and not self._links(runtime):
            return [f"nobody is linked to {self.component}, so no link to it can be cut"]
        if self.how != "flush":
            return []
        for name in targets(self.component, runtime.components):
            if engine.PORT not in runtime.ports(name):
                served = ", ".join(map(str, runtime.ports(name))) or "none"
                reasons.append(
                    f"{name} serves no port {engine.PORT} (its ports: {served}); flushing knows Redis and "
                    "Valkey. how='down' and how='kill' fit any cache"
                )
                continue
            try:
                with engine.client(runtime, name, self.password) as client:
                    client.ping()
            except redis.RedisError as error:
                reasons.append(f"{name} does not let the harness in: {error}; give password=")
        return reasons

    def impact(self, runtime: Runtime) -> Impact:
        """The cache is lost; an emptied one still serves, so it is strained."""
        names = frozenset(targets(self.component, runtime.components))
        return Impact(strained=names) if self.how == "flush" else Impact(lost=names)

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start it or mend its links; an emptied cache fills by itself."""
        if self.how == "kill":
            return tuple(Undo("start", name) for name in targets(self.component, runtime.components))
        if self.how in _CUTS:
            how = _CUTS[self.how]
            return tuple(Undo("mend", link.proxy, {"how": how}) for link in self._links(runtime))
        return ()

    def _links(self, runtime: Runtime) -> tuple[Link, ...]:
        return select(f"→{self.component}", runtime)

    def inject(self, runtime: Runtime) -> Injection:
        """Empty, cut or kill it."""
        names = targets(self.component, runtime.components)
        injection: Killed | CutInjection | _Flushed
        if self.how == "kill":
            injection = Killed(runtime, names)
        elif self.how in _CUTS:
            injection = CutInjection(runtime, self._links(runtime), _CUTS[self.how])
        else:
            injection = _Flushed(runtime, names, self.password)
        injection.start()
        return injection


class _Flushed(Injection):
    def __init__(self, runtime: Runtime, names: tuple[str, ...], password: str | None) -> None:
        self._runtime, self._names, self._password = runtime, names, password
        self._left: dict[str, int] = {}

    def start(self) -> None:
        for name in self._names:
            with engine.client(self._runtime, name, self._password) as client:
                # One transaction: the system refills the cache within milliseconds, and only inside
                # of it "no key is left" can be seen.
                flushing = client.pipeline(transaction=True)
                flushing.flushall()
                flushing.dbsize()
                self._left[name] = int(flushing.execute()[-1])

    def landed(self) -> Evidence:
        empty = bool(self._left) and not any(self._left.values())
        says = ", ".join(f"{name} had {keys} keys left" for name, keys in self._left.items())
        return Evidence(empty, says or "nothing was flushed", {"keys_left": dict(self._left)})

    def lift(self) -> None:
        """A single blow: there is nothing to take back."""

    def gone(self) -> Evidence:
        figures = {}
        for name in self._names:
            try:
                with engine.client(self._runtime, name, self._password) as client:
                    client.ping()
                    figures[name] = int(client.dbsize())
            except redis.RedisError as error:
                return Evidence(False, f"{name} does not answer: {error}")
        keys = ", ".join(f"{name} has {count} keys again" for name, count in figures.items())
        return Evidence(True, keys, {"keys": figures})
