"""Slots of a PostgreSQL server: taken until the server gives no more, and held until the lift."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.errors import HarnessFailure
from chaoskit.faults.base import Evidence, Injection, Obligation
from chaoskit.runtime import Runtime

_RETRY_SECONDS = 0.02
"""Seconds between two tries to take a slot: so short that an application that connects for each request
cannot live on the slots that come free."""

_TAKING_THREADS = 4
"""Threads that take connections at the same time: most of the time of one goes into the server's start of a
new process."""

_ROLE_IS_FULL_QUERY = """
select count(*) filter (where not rolsuper and rolconnlimit >= 0 and rolconnlimit <= (
    select count(*) from pg_stat_activity where usename = current_user))
from pg_roles where rolname = current_user"""
"""Asks whether this role has as many connections as it may have; superusers have no limit. Every role may
read these tables: of other roles' sessions PostgreSQL hides only what they do."""


class Slots(Injection):
    """The connections that the fault holds, and the threads that take each slot that comes free.

    Args:
        runtime: the runtime of the system.
        component: the server.
        credentials: the role that takes the connections.
        application: the ``application_name`` by which the server shows them.
        spare: how many connections to leave free.
        limit: connections after which the server owes the role a refusal; with ``None`` it owes nothing.
    """

    def __init__(
        self,
        runtime: Runtime,
        component: str,
        credentials: Credentials,
        application: str,
        *,
        spare: int = 0,
        limit: int | None = None,
    ) -> None:
        self._runtime, self._component = runtime, component
        self._credentials, self._application = credentials, application
        self._spare, self._owed = spare, limit
        self._lock = threading.Lock()
        self._held: list[postgres.PostgresSession] = []
        self._most = self._refusals = 0
        self._max_connections: int | None = None
        self._last = "no connection was tried yet"
        self._lifted = threading.Event()
        self._threads = [
            threading.Thread(target=self._hold, name=f"connection-exhaustion-{number}", daemon=True)
            # With spare slots one thread only: several could take more than they may.
            for number in range(1 if spare else _TAKING_THREADS)
        ]

    def start(self) -> None:
        """Start to take connections."""
        for thread in self._threads:
            thread.start()

    def _open(self, application: str) -> postgres.PostgresSession:
        return postgres.connect(self._runtime, self._component, self._credentials, application)

    def _hold(self) -> None:
        while not self._lifted.is_set():
            if self._spare and (self._free() or 0) <= self._spare and self._held:
                self._lifted.wait(_RETRY_SECONDS)
                continue
            try:
                session = self._open(self._application)
            except (PostgresRefused, HarnessFailure) as error:
                with self._lock:
                    full = (
                        isinstance(error, PostgresRefused) and error.sqlstate == postgres.TOO_MANY_CONNECTIONS
                    )
                    self._refusals += full
                self._last = str(error)
                self._lifted.wait(_RETRY_SECONDS)
            else:
                with self._lock:
                    self._held.append(session)
                    self._most = max(self._most, len(self._held))

    def _ask(self, query: str) -> int | None:
        """A figure, asked over a connection that the fault holds: the server might refuse a new one."""
        with self._lock:
            for session in self._held:
                with contextlib.suppress(PostgresRefused):
                    return session.figure(query)
        return None

    def _limit(self) -> int | None:
        self._max_connections = self._ask("show max_connections") or self._max_connections
        return self._max_connections

    def _free(self) -> int | None:
        limit = self._limit()
        used = self._ask("select count(*) from pg_stat_activity where backend_type = 'client backend'")
        return None if limit is None or used is None else limit - used

    def landed(self) -> Evidence:
        """Whether the server refuses a new connection with SQLSTATE 53300, or only spare ones are free."""
        figures = {"held": len(self._held), "refusals": self._refusals, "max_connections": self._limit()}
        held = f"{figures['held']} of {figures['max_connections']} connections are held"
        if self._spare:
            free = self._free()
            enough = free is not None and free <= self._spare
            return Evidence(enough, f"{held}, {free} are free", {**figures, "free": free})
        try:
            self._open("chaoskit-look").close()
        except PostgresRefused as error:
            if error.sqlstate == postgres.TOO_MANY_CONNECTIONS and self._ask(_ROLE_IS_FULL_QUERY):
                says = (
                    f"a new connection of this role is refused: {error}; {held}, this role may have no more"
                )
                return Evidence(True, says, {**figures, "of_this_role": True})
            refused = error.sqlstate == postgres.TOO_MANY_CONNECTIONS
            return Evidence(refused, f"a new connection is refused: {error}; {held}", figures)
        return Evidence(False, f"a new connection was let in; {held}; last try: {self._last}", figures)

    def lift(self) -> None:
        """Close every connection that the fault holds."""
        self._lifted.set()
        for thread in self._threads:
            thread.join(timeout=15.0)
        with self._lock:
            held, self._held = self._held, []
        for session in held:
            session.close()

    def gone(self) -> Evidence:
        """Whether the server lets a new connection in and shows none of the fault's."""
        if any(thread.is_alive() for thread in self._threads):
            return Evidence(False, "a thread that takes connections is still running")
        query = "select count(*) from pg_stat_activity where application_name = :name"
        try:
            with postgres.session(
                self._runtime, self._component, self._credentials, "chaoskit-look"
            ) as session:
                left = session.figure(query, name=self._application)
        except PostgresRefused as error:
            return Evidence(False, f"a new connection is still refused: {error}")
        says = f"a new connection is let in; {left} connections of this fault are left"
        return Evidence(left == 0, says, {"left": left})

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """``connection limit``, where the server owes one."""
        if self._owed is None:
            return ()
        return (connection_limit(self._owed, self._most, self._refusals, self._max_connections),)


def connection_limit(limit: int, most: int, refusals: int, max_connections: int | None) -> Obligation:
    """Whether the server kept a role within its limit.

    Args:
        limit: how many connections the role may have.
        most: the most connections that the role had at one time.
        refusals: how many connections the server refused it with SQLSTATE 53300.
        max_connections: how many connections the server gives to all roles together.
    """
    figures = {"held": most, "limit": limit, "refusals": refusals, "max_connections": max_connections}
    had = f"this role had at most {most} connections, {limit} allowed ({max_connections} for all roles)"
    if most > limit:
        return Obligation("connection limit", False, had, figures)
    if not refusals:
        return Obligation("connection limit", None, f"{had}, and the server never refused it one", figures)
    return Obligation("connection limit", True, f"{had}, and the server refused it {refusals} more", figures)
