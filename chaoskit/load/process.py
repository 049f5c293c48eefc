"""The harness's side of the load: what an experiment can ask of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from chaoskit.errors import LoadFailure, UsageError
from chaoskit.history import Acknowledgement, Check, History, Mark, Sample
from chaoskit.load.guard import Guard
from chaoskit.load.protocol import Entry, Setup, encode_message, encode_setup
from chaoskit.load.schedule import Pattern, Schedule
from chaoskit.load.source import LoadSource
from chaoskit.load.totals import Totals, accounts
from chaoskit.load.worker import INSIDE, Worker
from chaoskit.system import Journey

READY_WITHIN = 30.0
ANSWERS_WITHIN = 10.0


class LoadProcess:
    """Drives journeys into a history from a process of its own.

    ``start``, ``begin``, ``stop``, ``verify`` in this order; ``close`` at any time. Also a context
    manager that closes. Every call raises :class:`chaoskit.errors.LoadFailure` once the process
    has died, with its last words.

    Args:
        journeys: what to drive; a :class:`LoadSource` can say that their system is known by name.
        history: samples, acknowledgements, accesses, checks and marks go there as they happen. Marks are
            ``journey-error`` (a mistake in a journey's own code, told once, with its traceback)
            and ``load-lag`` (the load process itself was late, by ``seconds``).
        entries: journey → base URL, as ``http://127.0.0.1:1234``.
        seed: decides arrivals and the users' dice.
        max_in_flight: most runs of all journeys at once; arrivals beyond are NEVER_SENT. A
            journey by itself is bounded by its rate and time-out already.
        max_duration: seconds after which the process ends by itself, whatever happens.
        pattern: how users arrive.
        allowed_hosts: hosts beside this machine that requests may go to.

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
        pattern: Pattern = "constant",
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        self._source = journeys if isinstance(journeys, LoadSource) else LoadSource.of(journeys)
        self._history = history
        names = [plan.name for plan in self._source.plans]
        missing = [name for name in names if name not in entries]
        if missing:
            raise UsageError(
                f"no entry point is known for {', '.join(map(repr, missing))}",
                remedy="give the journey's base URL in entries",
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
        self._worker: Worker | None = None
        self._samples: list[Sample] = []
        self._errors: list[Mark] = []
        self._checks: list[Check] = []
        self._origin = 0.0

    @property
    def pid(self) -> int | None:
        """Its process id, once it was started."""
        return self._worker.pid if self._worker else None

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._worker is not None and self._worker.alive

    @property
    def error(self) -> LoadFailure | None:
        """What the next call raises because the process died, or nothing."""
        return None if self._worker is None or self._worker.alive else self._worker.death()

    @property
    def errors(self) -> tuple[Mark, ...]:
        """Mistakes in the journeys' own code so far: the marks ``journey-error``."""
        return tuple(self._errors)

    @property
    def output(self) -> tuple[str, ...]:
        """The last lines that the process printed; what journeys print is there too."""
        return tuple(self._worker.output) if self._worker else ()

    def start(self) -> None:
        """Start the process and wait until it has imported the journeys.

        Raises:
            LoadFailure: an import fails there, or it does not get ready in time.
        """
        if os.environ.get(INSIDE):
            raise LoadFailure(
                "a load process tried to start another one",
                remedy='put what the script does under `if __name__ == "__main__":`',
            )
        ours = str(Path(__file__).resolve().parents[2])
        paths = self._source.paths
        self._worker = Worker(paths if ours in paths else (*paths, ours), self._take)
        self._worker.send(encode_setup(self._setup))
        self._worker.wait_for("ready", READY_WITHIN)

    def begin(self) -> float:
        """Let the schedules begin; returns their origin on the shared clock."""
        worker = self._started()
        worker.send(encode_message("begin"))
        self._origin = float(worker.wait_for("begun", ANSWERS_WITHIN)["origin"])
        return self._origin

    def stop(self, grace: float | None = None) -> Totals:
        """End the arrivals, wait for the runs in flight, and settle the accounts.

        Args:
            grace: seconds to wait for runs in flight; by default up to their own time-outs.

        Raises:
            LoadFailure: the process died or hangs, or the accounts do not add up.
        """
        worker = self._started()
        worker.send(encode_message("stop", grace=grace))
        plans = self._source.plans
        longest = max((plan.timeout for plan in plans), default=0.0) if grace is None else grace
        said = worker.wait_for("stopped", longest + ANSWERS_WITHIN)
        scheduled = {
            plan.name: Schedule(
                journey=plan.name, rate=plan.rate, seed=self._setup.seed, pattern=self._setup.pattern
            ).count(self._origin, said["at"])
            for plan in plans
        }
        return Totals(
            accounts=accounts(scheduled, self._samples, said["most_in_flight"]),
            origin=self._origin,
            stopped=said["at"],
            most_in_flight=said["most_in_flight_at_once"],
            worst_lag=max((sample.lag for sample in self._samples if sample.lag is not None), default=0.0),
            worst_loop_lag=said["worst_loop_lag"],
            cpu_seconds=said["cpu_seconds"],
        )

    def verify(self, acknowledgements: Iterable[Acknowledgement], deadline: float) -> tuple[Check, ...]:
        """Check promises, with the journeys' ``verify`` functions and the users they were made to.

        An ``AssertionError`` and the answers 404 and 410 say that a promise is broken. Anything
        else leaves it open, and is tried again until the deadline. Promises of journeys without a
        ``verify`` are left out.

        Args:
            acknowledgements: the promises.
            deadline: seconds from now after which looking ends.

        Returns:
            The checks, which are in the history as well.
        """
        worker = self._started()
        before = len(self._checks)
        promises = [[each.journey, each.kind, each.id, each.at] for each in acknowledgements]
        worker.send(encode_message("verify", promises=promises, within=deadline))
        worker.wait_for("verified", deadline + ANSWERS_WITHIN)
        return tuple(self._checks[before:])

    def close(self) -> None:
        """End the process for sure. May be called again."""
        if self._worker is not None:
            self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> Worker:
        if self._worker is None:
            raise LoadFailure("the load process was not started", remedy="call start() first")
        return self._worker

    def _take(self, entries: list[Entry]) -> None:
        self._history.add(*entries)
        for entry in entries:
            if isinstance(entry, Sample):
                self._samples.append(entry)
            elif isinstance(entry, Check):
                self._checks.append(entry)
            elif isinstance(entry, Mark) and entry.name == "journey-error":
                self._errors.append(entry)
