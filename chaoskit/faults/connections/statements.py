"""Statements that do not end, a few more each second, each on a connection of its own."""

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

MOST = 300
"""Statements that run at one time at most: each is a thread here and a process there."""

RUNS = 0.5
"""Seconds after which a statement without an answer counts as running."""

_ENDS = 3.0
"""Seconds for those that run to end after each means of ending them."""

TOLERANCE = 1.0
"""Seconds by which a statement may outlast the time that was promised for it."""

End = Literal["", "ended", "cancelled", "failed", "lifted"]


@dataclass(slots=True)
class Sent:
    """A statement that was sent.

    Attributes:
        at: when, seconds of the run's clock.
        until: when it ended; ``None`` while it runs.
        end: how: ``ended`` by itself, ``cancelled`` by the server (SQLSTATE 57014), ``failed`` (any
            other error), ``lifted`` by us; empty while it runs.
    """

    at: float
    until: float | None = None
    end: End = ""

    def age(self, now: float) -> float:
        """Seconds that it ran, or has run by now."""
        return (now if self.until is None else self.until) - self.at


def statement_limit(sent: Sequence[Sent], within: float, now: float) -> Obligation:
    """Whether no statement ran longer than the server is owed to let it.

    Broken by one that did. Kept once the server has stopped one, and every one that was begun before it
    has ended, too: else the first may still be running when a later one fails for another reason.
    Those that ended by themselves, or by the lift, prove no limit.

    Args:
        sent: the statements.
        within: seconds after which one is owed to be over.
        now: the time.
    """
    longest = max((each.age(now) for each in sent), default=0.0)
    stopped = [each for each in sent if each.end in ("cancelled", "failed") and each.age(now) >= RUNS]
    figures = {
        "statements": len(sent),
        "stopped": len(stopped),
        "longest": round(longest, 3),
        "ends_within": within,
    }
    ran = f"of {len(sent)} statements the longest ran {longest:.1f} s, {within:g} s allowed"
    if longest > within + TOLERANCE:
        return Obligation("statement limit", False, ran, figures)
    first = min((each.at for each in stopped), default=None)
    if first is None:
        return Obligation("statement limit", None, f"{ran}; the server stopped none of them", figures)
    if any(each.end in ("", "lifted") and each.at < first for each in sent):
        return Obligation("statement limit", None, f"{ran}; an earlier one was not stopped", figures)
    return Obligation("statement limit", True, f"{ran}; the server stopped {len(stopped)}", figures)


class Statements(Injection):
    """The statements, and the thread that begins them.

    Args:
        runtime: where the server runs.
        component: the server, or a pooler before it.
        credentials: who sends them.
        application: the ``application_name`` by which the server shows them.
        statement: what is sent.
        per_s: how many are begun each second.
        ends_within: seconds within which the server is owed to end one; ``None`` owes nothing.
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
        self._sent: list[Sent] = []
        self._open: dict[threading.Thread, postgres.PostgresSession | None] = {}
        self._most = self._turned_away = 0
        self._last = "none was sent yet"
        self._pacer = threading.Thread(target=self._begin, name="statements", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._pacer.start()

    def _begin(self) -> None:
        while not self._lifted.is_set():
            with self._lock:
                if len(self._open) < MOST:
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
                self._last = f"a connection met {error}"
        finally:
            with self._lock:
                self._open.pop(me, None)
                self._lock.notify_all()

    def _run(self, me: threading.Thread, session: postgres.PostgresSession) -> None:
        with self._lock:
            if self._lifted.is_set():
                return
            sent = Sent(self._now())
            self._sent.append(sent)
            self._open[me] = session
            self._most = max(self._most, sum(not each.end for each in self._sent))
        end: End = "ended"
        says = "a statement ended by itself"
        try:
            session.run_without_limit(self._statement)
        except PostgresRefused as error:
            end = "cancelled" if error.sqlstate == postgres.QUERY_CANCELED else "failed"
            says = f"a statement met {error}"
        with self._lock:
            # What ends after the lift ends by our own cancelling.
            sent.until, sent.end = self._now(), "lifted" if self._lifted.is_set() else end
            self._last = says

    def landed(self) -> Evidence:
        """One has been running for half a second, or was cancelled by the server."""
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
            f"{figures['running']} statements run, the oldest for {oldest:.1f} s ({figures['most_at_once']} "
            f"at most at once); {figures['cancelled']} were cancelled, {figures['failed']} failed"
        )
        if oldest < RUNS and not figures["cancelled"]:
            return Evidence(False, f"{says}; the last: {last}", figures)
        active = self._active(timeout=1.0)
        figures["active"] = active
        asked = f"runs {active}" if isinstance(active, int) else f"lets no new session in: {active}"
        seen = f"the server {asked}"
        # Nothing at work there and nothing cancelled: what has no answer here waits in some queue.
        return Evidence(bool(active or figures["cancelled"]), f"{says}; {seen}", figures)

    def under_way(self) -> bool:
        """Until it can be told whether the server ends them in time, where that is owed."""
        return any(each.kept is None for each in self.obligations(0.0))

    def lift(self) -> None:
        """Begin no more, cancel on the server those that run, then close what is left.

        Only closing would not do: PostgreSQL notices that a client has gone when it next writes to it.
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
                self._lock.wait_for(lambda: not self._open, timeout=_ENDS)
        with contextlib.suppress(PostgresRefused, HarnessFailure):
            self._figure("count(pg_terminate_backend(pid))", timeout=5.0)

    def gone(self) -> Evidence:
        """None is open here, and the server shows none of ours at work."""
        with self._lock:
            left = len(self._open)
        if left or self._pacer.is_alive():
            return Evidence(False, f"{left} connections with a statement have not ended")
        active = self._active(timeout=5.0)
        if isinstance(active, str):
            return Evidence(False, f"a new session is still not let in: {active}")
        says = f"a new session is let in, the server runs {active} of ours"
        return Evidence(active == 0, says, {"left": active})

    def _active(self, timeout: float) -> int | str:
        """How many of ours the server is at work on; or why it does not let us ask."""
        try:
            return self._figure("count(*)", timeout)
        except (PostgresRefused, HarnessFailure) as error:
            return str(error)

    def _figure(self, what: str, timeout: float) -> int:
        # Without parameters: they would be sent in two steps, and a pooler that gives out its
        # connections per transaction may answer them from two servers.
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
        """The limit of a statement, where one is owed."""
        if self._ends_within is None:
            return ()
        with self._lock:
            return (statement_limit(self._sent, self._ends_within, self._now()),)
