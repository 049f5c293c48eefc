"""Cache loss: every answer that the cache held has to be computed again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import redis

from chaoskit.clients import redis as cache_client
from chaoskit.faults.base import Evidence, Fault, Injection, targets, unknown
from chaoskit.faults.components import Killed
from chaoskit.faults.links import CutInjection, select
from chaoskit.runtime import Cut, Runtime, Undo
from chaoskit.system import Impact, Link

Loss = Literal["flush", "down", "silent", "hang", "kill"]

_CUT_BY_LOSS: dict[Loss, Cut] = {"down": "refuse", "silent": "silent", "hang": "hang"}


@dataclass(frozen=True)
class CacheLoss(Fault):
    """The cache is unreachable, dead or empty.

    50,000 users: the cache has become part of the capacity. When it is lost, every request falls through
    to the database at the same time, and a request without a time-out waits for as long as the cache does
    not answer.

    Each way to lose a cache is a failure of its own, and a system may survive one and not the other. For
    example, ``CacheLoss("cache")`` refuses every connection; ``CacheLoss("cache", how="hang")`` accepts
    connections and never answers, which finds a missing time-out; ``CacheLoss("cache", how="flush")``
    deletes every key once, which finds a stampede on the database.

    Attributes:
        component: the cache: a component, or a service with all its replicas.
        how: what happens to the cache. Until the lift, ``down`` refuses every connection to it, ``silent``
            drops every packet to it, ``hang`` accepts connections and never answers, and ``kill`` ends its
            process. ``flush`` deletes all its keys, once (Redis and compatible servers).
        password: the password for ``flush``, where the component's environment does not have it.
    """

    stage: ClassVar[str] = "50,000 users"
    evidence: ClassVar[str] = (
        "``down``, ``silent``, ``hang``: a fresh connection over each link is refused, gets no answer, or "
        "hangs; ``kill``: the engine says that the process exited; ``flush``: no key is left, seen inside "
        "the transaction that deletes the keys"
    )

    component: str
    how: Loss = "down"
    password: str | None = field(default=None, repr=False)

    def misfits(self, runtime: Runtime) -> list[str]:
        """For ``down``, ``silent`` and ``hang`` a link to the cache; for ``flush`` a Redis, or a compatible
        server, that lets the harness in; for ``kill`` any component.
        """
        reasons = unknown(self.component, runtime.components)
        if self.how not in get_args(Loss):
            reasons.append(f"how={self.how!r} is not one of {', '.join(get_args(Loss))}")
        if reasons:
            return reasons
        if self.how in _CUT_BY_LOSS and not self._links(runtime):
            return [f"nothing is linked to {self.component}, so there is no link to cut"]
        if self.how != "flush":
            return []
        for name in targets(self.component, runtime.components):
            if cache_client.PORT not in runtime.ports(name):
                served = ", ".join(map(str, runtime.ports(name))) or "none"
                reasons.append(
                    f"{name} serves no port {cache_client.PORT} (its ports: {served}); how='flush' works on "
                    "Redis and Valkey only, how='down' and how='kill' work on any cache"
                )
                continue
            try:
                with cache_client.client(runtime, name, self.password) as client:
                    client.ping()
            except redis.RedisError as error:
                reasons.append(f"{name} does not let the harness in: {error}; give password=")
        return reasons

    def impact(self, runtime: Runtime) -> Impact:
        """The cache is lost. After ``flush`` it still serves, so it is only strained."""
        names = frozenset(targets(self.component, runtime.components))
        return Impact(strained=names) if self.how == "flush" else Impact(lost=names)

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start the cache, or mend its links. A flushed cache needs no undo: the system fills it again."""
        if self.how == "kill":
            return tuple(Undo("start", name) for name in targets(self.component, runtime.components))
        if self.how in _CUT_BY_LOSS:
            how = _CUT_BY_LOSS[self.how]
            return tuple(Undo("mend", link.proxy, {"how": how}) for link in self._links(runtime))
        return ()

    def _links(self, runtime: Runtime) -> tuple[Link, ...]:
        return select(f"→{self.component}", runtime)

    def inject(self, runtime: Runtime) -> Injection:
        """Flush the cache, cut its links or kill it."""
        names = targets(self.component, runtime.components)
        injection: Killed | CutInjection | _Flushed
        if self.how == "kill":
            injection = Killed(runtime, names)
        elif self.how in _CUT_BY_LOSS:
            injection = CutInjection(runtime, self._links(runtime), _CUT_BY_LOSS[self.how])
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
            with cache_client.client(self._runtime, name, self._password) as client:
                # The system refills the cache within milliseconds, so "no key is left" can be seen only
                # inside one transaction with the flush.
                flushing = client.pipeline(transaction=True)
                flushing.flushall()
                flushing.dbsize()
                self._left[name] = int(flushing.execute()[-1])

    def landed(self) -> Evidence:
        empty = bool(self._left) and not any(self._left.values())
        says = ", ".join(f"{name} had {keys} keys left" for name, keys in self._left.items())
        return Evidence(empty, says or "nothing was flushed", {"keys_left": dict(self._left)})

    def lift(self) -> None:
        """The flush struck once: nothing is left to lift."""

    def gone(self) -> Evidence:
        figures = {}
        for name in self._names:
            try:
                with cache_client.client(self._runtime, name, self._password) as client:
                    client.ping()
                    figures[name] = int(client.dbsize())
            except redis.RedisError as error:
                return Evidence(False, f"{name} does not answer: {error}")
        keys = ", ".join(f"{name} has {count} keys again" for name, count in figures.items())
        return Evidence(True, keys, {"keys": figures})
