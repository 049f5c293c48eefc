"""Statements that do not end: a few more each second, each on a connection of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pg8000.native import literal

from chaoskit.clients import postgres
from chaoskit.clients.postgres import Credentials, PostgresRefused
from chaoskit.errors import HarnessFailure
from chaoskit.faults.base import Evidence, Injection, Obligation
from chaoskit.runtime import Runtime

MOST_STATEMENTS = 300
"""The most statements that run at one time: each is a thread here and a process on the server."""

RUNNING_AFTER_SECONDS = 0.5
"""Seconds after which a statement without an answer counts as running."""

_END_WAIT_SECONDS = 3.0
"""Seconds to wait, after each way of ending them, until the statements have ended."""

TOLERANCE_SECONDS = 1.0
"""Seconds by which a statement may outlast its limit."""

StatementEnd = Literal["", "ended", "cancelled", "failed", "lifted"]
"""How a statement ended: ``ended`` by itself, ``cancelled`` by the server (SQLSTATE 57014), ``failed`` with
any other error, ``lifted`` by the lift; empty while it runs."""


@dataclass(slots=True)
class SentStatement:
    """A statement that was sent.

    Attributes:
        at: when it was sent, in seconds of the run's clock.
        until: when it ended; ``None`` while it runs.
        end: how it ended; empty while it runs.
    """

    at: float
    until: float | None = None
    end: StatementEnd = ""

    def age(self, now: float) -> float:
        """Seconds that it ran, or has run by ``now``."""
        return (now if self.until is None else self.until) - self.at


def statement_limit(sent: Sequence[SentStatement], within: float, now: float) -> Obligation:
    """Whether the server let no statement run longer than it may.

    One statement that ran longer breaks the limit. The limit is kept once the server has stopped a statement
    and every statement that began earlier has ended too: otherwise the first one may still be running when a
    later one fails for another reason. Statements that ended by themselves or by the lift prove no limit.

    Args:
        sent: the statements.
        within: seconds after which the server must have ended a statement.
        now: the time, in seconds of the run's clock.
    """
    longest = max((each.age(now) for each in sent), default=0.0)
    stopped = [
        each
        for each in sent
        if each.end in ("cancelled", "failed") and each.age(now) >= RUNNING_AFTER_SECONDS
    ]
    figures = {
        "statements": len(sent),
        "stopped": len(stopped),
        "longest": round(longest, 3),
        "ends_within": within,
    }
    ran = f"of {len(sent)} statements the longest ran {longest:.1f} s, {within:g} s allowed"
    if longest > within + TOLERANCE_SECONDS:
        return Obligation("statement limit", False, ran, figures)
    first = min((each.at for each in stopped), default=None)
    if first is None:
        return Obligation("statement limit", None, f"{ran}; the server stopped none of them", figures)
    if any(each.end in ("", "lifted") and each.at < first for each in sent):
        return Obligation("statement limit", None, f"{ran}; an earlier one was not stopped", figures)
    return Obligation("statement limit", True, f"{ran}; the server stopped {len(stopped)}", figures)


class Statements(Injection):
    """The statements, each in a thread with a connection of its own, and the thread that begins them.

    Args:
        runtime: the runtime of the system.
        component: the server, or a pooler in front of it.
        credentials: the role that sends the statements.
        application: the ``application_name`` by which the server shows them.
        statement: the SQL to send.
        per_s: how many statements to begin each second.
        ends_within: seconds within which the server must end a statement; with ``None`` it owes nothing.
    """

    def __init__(
        self,
        runtime: Runtime,
        component: str,
        credentials: Credentials,
        application: str,
        *,
        statement: str,
        per_s: float,
        ends_within: float | None = None,
    ) -> None:
        self._runtime, self._component = runtime, component
        self._credentials, self._application = credentials, application
        self._statement, self._per_s, self._ends_within = statement, per_s, ends_within
        self._lock = threading.Condition()
        self._lifted = threading.Event()
        self._sent: list[SentStatement] = []
        self._open: dict[threading.Thread, postgres.PostgresSession | None] = {}
        self._most = self._turned_away = 0
        self._last = "no statement was sent yet"
        self._pacer = threading.Thread(target=self._begin, name="statements", daemon=True)

    def start(self) -> None:
        """Start to send statements."""
        self._pacer.start()

    def _begin(self) -> None:
        while not self._lifted.is_set():
            with self._lock:
                if len(self._open) < MOST_STATEMENTS:
                    thread = threading.Thread(target=self._one, name="statement", daemon=True)
                    self._open[thread] = None
                    thread.start()
            self._lifted.wait(1.0 / self._per_s)

    def _one(self) -> None:
        me = threading.current_thread()
        try:
            with postgres.session(
                self._runtime, self._component, self._credentials, self._application
            ) as session:
                self._run(me, session)
        except (PostgresRefused, HarnessFailure) as error:
            with self._lock:
                self._turned_away += 1
                self._last = f"a connection was refused: {error}"
        finally:
            with self._lock:
                self._open.pop(me, None)
                self._lock.notify_all()

    def _run(self, me: threading.Thread, session: postgres.PostgresSession) -> None:
        with self._lock:
            if self._lifted.is_set():
                return
            sent = SentStatement(self._now())
            self._sent.append(sent)
            self._open[me] = session
            self._most = max(self._most, sum(not each.end for each in self._sent))
        end: StatementEnd = "ended"
        says = "a statement ended by itself"
        try:
            session.run_without_limit(self._statement)
        except PostgresRefused as error:
            end = "cancelled" if error.sqlstate == postgres.QUERY_CANCELED else "failed"
            says = f"a statement failed: {error}"
        with self._lock:
            # A statement that ends after the lift was cancelled by the lift.
            sent.until, sent.end = self._now(), "lifted" if self._lifted.is_set() else end
            self._last = says

    def landed(self) -> Evidence:
        """Whether a statement has been running for half a second, or the server has cancelled one."""
        with self._lock:
            now, sent, last = self._now(), list(self._sent), self._last
            figures: dict[str, Any] = {
                "running": sum(not each.end for each in sent),
                "cancelled": sum(each.end == "cancelled" for each in sent),
                "failed": sum(each.end == "failed" for each in sent) + self._turned_away,
                "sent": len(sent),
                "most_at_once": self._most,
            }
        oldest = max((each.age(now) for each in sent if not each.end), default=0.0)
        longest = max((each.age(now) for each in sent), default=0.0)
        figures |= {"oldest": round(oldest, 3), "longest": round(longest, 3)}
        says = (
            f"{figures['running']} statements are running, the oldest for {oldest:.1f} s (at most "
            f"{figures['most_at_once']} at once); {figures['cancelled']} were cancelled, "
            f"{figures['failed']} failed"
        )
        if oldest < RUNNING_AFTER_SECONDS and not figures["cancelled"]:
            return Evidence(False, f"{says}; last: {last}", figures)
        active = self._active(timeout=1.0)
        figures["active"] = active
        asked = f"shows {active} at work" if isinstance(active, int) else f"lets no new session in: {active}"
        seen = f"the server {asked}"
        # If the server runs none and has cancelled none, a statement without an answer waits in some queue.
        return Evidence(bool(active or figures["cancelled"]), f"{says}; {seen}", figures)

    def under_way(self) -> bool:
        """Whether it is still undecided that the server ends statements in time, where it owes that."""
        return any(each.kept is None for each in self.obligations(0.0))

    def lift(self) -> None:
        """Begin no more statements, have the server cancel those that run, then close what is left.

        Closing alone is not enough: PostgreSQL notices that a client is gone only when it next writes to it.
        """
        self._lifted.set()
        if self._pacer.is_alive():
            self._pacer.join(timeout=5.0)
        for act in (
            postgres.PostgresSession.cancel,
            postgres.PostgresSession.cancel,
            postgres.PostgresSession.hang_up,
        ):
            with self._lock:
                left = dict(self._open)
            for session in left.values():
                if session is not None:
                    act(session)
            with self._lock:
                self._lock.wait_for(lambda: not self._open, timeout=_END_WAIT_SECONDS)
        with contextlib.suppress(PostgresRefused, HarnessFailure):
            self._figure("count(pg_terminate_backend(pid))", timeout=5.0)

    def gone(self) -> Evidence:
        """Whether no statement is open here, and the server shows none of this fault's at work."""
        with self._lock:
            left = len(self._open)
        if left or self._pacer.is_alive():
            return Evidence(False, f"{left} connections with a statement are still open")
        active = self._active(timeout=5.0)
        if isinstance(active, str):
            return Evidence(False, f"a new session is still refused: {active}")
        says = f"a new session is let in; the server runs {active} statements of this fault"
        return Evidence(active == 0, says, {"left": active})

    def _active(self, timeout: float) -> int | str:
        """How many of the statements the server is at work on, or why it does not let the harness ask."""
        try:
            return self._figure("count(*)", timeout)
        except (PostgresRefused, HarnessFailure) as error:
            return str(error)

    def _figure(self, what: str, timeout: float) -> int:
        # No parameters: the driver would send the query in two steps, and a pooler that gives out its
        # connections per transaction may pass them on to two servers.
        query = (
            f"select {what} from pg_stat_activity where application_name = {literal(self._application)} "
            "and state <> 'idle' and pid <> pg_backend_pid()"
        )
        with postgres.session(
            self._runtime, self._component, self._credentials, "chaoskit-look", timeout
        ) as session:
            return session.figure(query)

    def _now(self) -> float:
        return self._runtime.clock.now()

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """``statement limit``, where the server owes one."""
        if self._ends_within is None:
            return ()
        with self._lock:
            return (statement_limit(self._sent, self._ends_within, self._now()),)
