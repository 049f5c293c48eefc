"""Connection exhaustion: somebody has taken every connection that the database gives."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import Any, ClassVar

from chaoskit.engines import postgres
from chaoskit.engines.postgres import Credentials, Refused
from chaoskit.errors import HarnessFailure
from chaoskit.faults.base import Evidence, Fault, Injection, targets, unknown
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact

_LOOK_AGAIN = 0.02
"""Seconds between two tries to take a slot: short against the time in which an application that
connects per request could live from slots that come free."""


@dataclass(frozen=True)
class ConnectionExhaustion(Fault):
    """Real connections are taken from PostgreSQL until it refuses a new one with SQLSTATE 53300.

    5,000 users: each process of a growing fleet opens its own connections, and one day the next one
    is refused. The server still works for whoever holds a connection, so a system that pools with a
    bound does not notice: journeys that need the database must keep their SLO.

    The connections are real and are kept: a slot that comes free is taken at once. They go through
    the harness's own link, which no other fault touches.

    Attributes:
        component: a PostgreSQL server. Credentials are taken from its environment
            (``POSTGRES_USER``, ``POSTGRES_PASSWORD``, ``POSTGRES_DB``) unless given.
        spare: connections that are left free.
        user, password, database: credentials, where the environment does not have them.
    """

    stage: ClassVar[str] = "5,000 users"

    component: str
    spare: int = 0
    user: str | None = None
    password: str | None = None
    database: str | None = None

    def describe(self) -> dict[str, Any]:
        """The fault as JSON-able data, without its password."""
        return {**super().describe(), "password": "***" if self.password else None}

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits one PostgreSQL server that lets the harness in."""
        reasons = unknown(self.component, runtime.components)
        if self.spare < 0:
            reasons.append(f"spare is {self.spare}; it must be zero or more")
        if reasons:
            return reasons
        names = targets(self.component, runtime.components)
        if len(names) > 1:
            return [f"{self.component!r} means {', '.join(names)}; name one of them"]
        ports = runtime.ports(names[0])
        if postgres.PORT not in ports:
            served = ", ".join(map(str, ports)) or "none"
            return [
                f"{names[0]} serves no port {postgres.PORT} (its ports: {served}); this fault "
                "knows PostgreSQL. For another engine write a Fault of your own; ConnectionExhaustion "
                "is the pattern"
            ]
        try:
            with postgres.session(runtime, names[0], self.credentials, "chaoskit-look") as session:
                limit = session.figure("show max_connections")
        except Refused as error:
            return [f"{names[0]} does not let the harness in: {error}; give user= and password="]
        return [f"spare is {self.spare}, of {limit} connections in all"] if self.spare >= limit else []

    @property
    def credentials(self) -> Credentials:
        """Who the harness is to the server."""
        return Credentials(self.user, self.password, self.database)

    def impact(self, runtime: Runtime) -> Impact:
        """The server is strained, not lost: whoever holds a connection is still served."""
        return Impact(strained=frozenset(targets(self.component, runtime.components)))

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """The connections end with this process; the step says by which name to look for them."""
        detail = {"application_name": _application(runtime)}
        return tuple(Undo("disconnect", name, detail) for name in targets(self.component, runtime.components))

    def inject(self, runtime: Runtime) -> Injection:
        """Begin to take connections."""
        injection = _Holder(self, runtime)
        injection.start()
        return injection


_HANDS = 4
"""Threads that take connections at once: most of the time of one is the server's, for each a new
process."""


class _Holder(Injection):
    """The connections, and the threads that take whatever comes free."""

    def __init__(self, fault: ConnectionExhaustion, runtime: Runtime) -> None:
        (self._component,) = targets(fault.component, runtime.components)
        self._fault, self._runtime = fault, runtime
        self._lock = threading.Lock()
        self._held: list[postgres.Session] = []
        self._refusals = 0
        self._last = "no connection was tried yet"
        self._lifted = threading.Event()
        self._threads = [
            threading.Thread(target=self._hold, name=f"connection-exhaustion-{number}", daemon=True)
            for number in range(1 if fault.spare else _HANDS)  # several would take more than asked
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _open(self, application: str) -> postgres.Session:
        return postgres.connect(self._runtime, self._component, self._fault.credentials, application)

    def _hold(self) -> None:
        while not self._lifted.is_set():
            if self._fault.spare and (self._free() or 0) <= self._fault.spare and self._held:
                self._lifted.wait(_LOOK_AGAIN)
                continue
            try:
                session = self._open(_application(self._runtime))
            except (Refused, HarnessFailure) as error:
                self._refusals += isinstance(error, Refused) and error.sqlstate is not None
                self._last = str(error)
                self._lifted.wait(_LOOK_AGAIN)
            else:
                with self._lock:
                    self._held.append(session)

    def _ask(self, query: str) -> int | None:
        """A figure, asked over a connection that is held: a new one might be refused."""
        with self._lock:
            for session in self._held:
                with contextlib.suppress(Refused):
                    return session.figure(query)
        return None

    def _limit(self) -> int | None:
        return self._ask("show max_connections")

    def _free(self) -> int | None:
        limit = self._limit()
        used = self._ask("select count(*) from pg_stat_activity where backend_type = 'client backend'")
        return None if limit is None or used is None else limit - used

    def landed(self) -> Evidence:
        figures = {"held": len(self._held), "refusals": self._refusals, "max_connections": self._limit()}
        held = f"{figures['held']} of {figures['max_connections']} connections are held"
        if self._fault.spare:
            free = self._free()
            enough = free is not None and free <= self._fault.spare
            return Evidence(enough, f"{held}, {free} are free", {**figures, "free": free})
        try:
            self._open("chaoskit-look").close()
        except Refused as error:
            refused = error.sqlstate == postgres.TOO_MANY_CONNECTIONS
            return Evidence(refused, f"a new connection meets {error}; {held}", figures)
        return Evidence(False, f"a new connection was let in; {held}; last try: {self._last}", figures)

    def lift(self) -> None:
        self._lifted.set()
        for thread in self._threads:
            thread.join(timeout=15.0)
        with self._lock:
            held, self._held = self._held, []
        for session in held:
            session.close()

    def gone(self) -> Evidence:
        if any(thread.is_alive() for thread in self._threads):
            return Evidence(False, "a thread that takes connections has not ended")
        query = "select count(*) from pg_stat_activity where application_name = :name"
        try:
            with postgres.session(
                self._runtime, self._component, self._fault.credentials, "chaoskit-look"
            ) as session:
                left = session.figure(query, name=_application(self._runtime))
        except Refused as error:
            return Evidence(False, f"a new connection is still not let in: {error}")
        return Evidence(left == 0, f"a new connection is let in, {left} of ours are left", {"left": left})


def _application(runtime: Runtime) -> str:
    return f"chaoskit-{runtime.run_id}"
