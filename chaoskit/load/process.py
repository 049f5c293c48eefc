"""The load generator as an experiment uses it: start, begin, stop, verify, close."""

from __future__ import annotations

import os
import threading
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from chaoskit.errors import LoadFailure, UsageError
from chaoskit.load.guard import Guard
from chaoskit.load.protocol import Entry, Setup
from chaoskit.load.schedule import schedule_of
from chaoskit.load.source import LoadSource
from chaoskit.load.totals import Totals, accounts, nearest_rank
from chaoskit.load.workers import LOAD_PROCESS_VARIABLE, Crew, parts, processes_for
from chaoskit.record.history import Acknowledgement, Check, History, Mark, Outcome, Sample
from chaoskit.system import Journey
from chaoskit.system.arrivals import Pattern

READY_WITHIN = 30.0
"""Seconds in which the load processes must have imported the journeys."""

ANSWERS_WITHIN = 10.0
"""Seconds in which the load processes must answer a command."""

ORIGIN_AFTER = 0.03
"""Seconds from the command to begin until the schedule's origin."""


class LoadProcess:
    """Drives journeys into a history from a process of its own.

    Call ``start``, ``begin``, ``stop`` and ``verify`` in this order, and ``close`` at any time. It is
    also a context manager that closes. Once the process has died, every call raises
    :class:`chaoskit.errors.LoadFailure` with the last lines of its output.

    Args:
        journeys: what to drive; a :class:`LoadSource` can say that their system is known by name.
        history: takes samples, acknowledgements, accesses, checks and marks as they happen. The marks are
            ``journey-error`` (a mistake in a journey's own code, reported once, with its traceback)
            and ``load-lag`` (the load process itself was late, by ``seconds``).
        entries: journey → base URL, as ``http://127.0.0.1:1234``.
        seed: decides the arrivals and the users' random numbers.
        max_in_flight: the most runs in flight, of all journeys together; arrivals beyond are NEVER_SENT.
            Rate and time-out already bound each journey by itself.
        max_duration: seconds after which the process ends by itself, whatever happens.
        pattern: how users arrive, whatever their journeys declare.
        allowed_hosts: hosts, apart from this machine, that requests may go to.
        processes: how many processes share the work. By default as many as the rates need, which
            is one for up to some thousand arrivals per second.

    Raises:
        UsageError: a journey has no entry, its code cannot be found by another process, or an
            entry is not on this machine.
    """

    def __init__(
        self,
        journeys: LoadSource | Iterable[Journey],
        history: History,
        *,
        entries: Mapping[str, str],
        seed: int,
        max_in_flight: int = 4000,
        max_duration: float = 900.0,
        pattern: Pattern | None = None,
        allowed_hosts: Iterable[str] = (),
        processes: int | None = None,
    ) -> None:
        self._source = journeys if isinstance(journeys, LoadSource) else LoadSource.of(journeys)
        self._history = history
        names = [plan.name for plan in self._source.plans]
        missing = [name for name in names if name not in entries]
        if missing:
            raise UsageError(
                f"no entry is known for {', '.join(map(repr, missing))}",
                remedy="add the journey's base URL to entries",
            )
        self._setup = Setup(
            plans=self._source.plans,
            entries={name: entries[name] for name in names},
            seed=seed,
            pattern=pattern,
            max_in_flight=max_in_flight,
            max_duration=max_duration,
            allowed_hosts=tuple(allowed_hosts),
        )
        Guard.around(self._setup.entries.values(), self._setup.allowed_hosts)
        most = sum(schedule_of(plan, self._setup).most for plan in self._source.plans)
        self._processes = processes_for(most) if processes is None else processes
        self._crew: Crew | None = None
        self._counts: Counter[tuple[str, Outcome]] = Counter()
        self._lags = array("d")
        self._errors: list[Mark] = []
        self._lock = threading.Lock()
        self._checks: list[Check] = []
        self._origin = 0.0

    @property
    def pid(self) -> int | None:
        """The process id of the first process, once it was started."""
        return self._crew.workers[0].pid if self._crew else None

    @property
    def alive(self) -> bool:
        """Whether all load processes run."""
        return self._crew is not None and self._crew.dead is None

    @property
    def error(self) -> LoadFailure | None:
        """The error that the next call raises because a process died; ``None`` while all run."""
        dead = self._crew.dead if self._crew else None
        return dead.death() if dead else None

    @property
    def errors(self) -> tuple[Mark, ...]:
        """The mistakes in the journeys' own code so far: the marks ``journey-error``."""
        return tuple(self._errors)

    @property
    def output(self) -> tuple[str, ...]:
        """The last lines that the load processes printed, and journeys in them."""
        return tuple(line for worker in self._crew.workers for line in worker.output) if self._crew else ()

    def start(self) -> None:
        """Start the process and wait until it has imported the journeys.

        Raises:
            LoadFailure: an import fails there, or the process does not get ready in time.
        """
        if os.environ.get(LOAD_PROCESS_VARIABLE):
            raise LoadFailure(
                "a load process tried to start another one",
                remedy='move what the script does under `if __name__ == "__main__":`',
            )
        ours = str(Path(__file__).resolve().parents[2])
        paths = self._source.paths
        setups = parts(self._setup, self._processes)
        self._crew = Crew(setups, paths if ours in paths else (*paths, ours), self._take)
        self._crew.wait_for("ready", READY_WITHIN)

    def begin(self) -> float:
        """Start the schedules; returns their origin on the shared clock."""
        crew = self._started()
        self._origin = monotonic() + ORIGIN_AFTER
        crew.tell("begin", origin=self._origin)
        crew.wait_for("begun", ANSWERS_WITHIN)
        return self._origin

    def stop(self, grace: float | None = None) -> Totals:
        """End the arrivals, wait for the runs in flight, and add up the accounts.

        Args:
            grace: seconds to wait for the runs in flight; by default up to their own time-outs.

        Raises:
            LoadFailure: the process died or hangs, or the accounts do not add up.
        """
        crew = self._started()
        crew.tell("stop", grace=grace)
        plans = self._source.plans
        longest = max((plan.timeout for plan in plans), default=0.0) if grace is None else grace
        said = crew.wait_for("stopped", longest + ANSWERS_WITHIN)
        scheduled = {
            plan.name: sum(
                schedule_of(plan, setup).count(self._origin, each["at"])
                for setup, each in zip(parts(self._setup, self._processes), said, strict=True)
            )
            for plan in plans
        }
        flying = Counter[str]()
        for each in said:
            flying.update(each["most_in_flight"])
        lags = sorted(self._lags)
        return Totals(
            accounts=accounts(scheduled, self._counts, flying),
            origin=self._origin,
            stopped=max(each["at"] for each in said),
            processes=self._processes,
            most_in_flight=sum(each["most_in_flight_at_once"] for each in said),
            most_connections=sum(each["most_connections"] for each in said),
            lag_p50=nearest_rank(lags, 0.50),
            lag_p99=nearest_rank(lags, 0.99),
            worst_lag=lags[-1] if lags else 0.0,
            worst_loop_lag=max(each["worst_loop_lag"] for each in said),
            cpu_seconds=sum(each["cpu_seconds"] for each in said),
        )

    def verify(self, acknowledgements: Iterable[Acknowledgement], deadline: float) -> tuple[Check, ...]:
        """Check acknowledgements with the journeys' ``verify`` functions and the users who got them.

        An ``AssertionError`` and the answers 404 and 410 say that the system did not keep what it
        acknowledged. Any other error leaves it open, and it is checked again until the deadline.
        Acknowledgements of journeys without a ``verify`` are left out.

        Args:
            acknowledgements: what to check.
            deadline: seconds from now after which checking ends.

        Returns:
            The checks, which are in the history as well.
        """
        crew = self._started()
        before = len(self._checks)
        crew.verify(tuple(acknowledgements), deadline, deadline + ANSWERS_WITHIN)
        return tuple(self._checks[before:])

    def close(self) -> None:
        """End the load processes, by force if need be. May be called again."""
        if self._crew is not None:
            self._crew.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> Crew:
        if self._crew is None:
            raise LoadFailure("the load process was not started", remedy="call start() first")
        return self._crew

    def _take(self, entries: list[Entry]) -> None:
        with self._lock:  # each process has a thread that reads from it
            entries = [entry for entry in entries if not self._is_reported(entry)]
            for entry in entries:
                if isinstance(entry, Sample):
                    self._counts[entry.journey, entry.outcome] += 1
                    if entry.started is not None:
                        self._lags.append(entry.started - entry.intended)
                elif isinstance(entry, Check):
                    self._checks.append(entry)
                elif isinstance(entry, Mark) and entry.name == "journey-error":
                    self._errors.append(entry)
            self._history.add(*entries)

    def _is_reported(self, entry: Entry) -> bool:
        """Whether it is a mistake that another process has reported already."""
        if not isinstance(entry, Mark) or entry.name != "journey-error":
            return False
        same = (entry.detail["journey"], entry.detail["error"])
        return any(same == (each.detail["journey"], each.detail["error"]) for each in self._errors)
