"""The accounts of a load: which arrivals were due, and what became of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaoskit.errors import LoadFailure
from chaoskit.record.history import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One journey's arrivals.

    Attributes:
        journey: its name.
        scheduled: how many the schedule gives from its origin to the stop.
        ok, failed, never_sent, unfinished: how many samples there are of each outcome.
        most_in_flight: the most runs in flight.
    """

    journey: str
    scheduled: int
    ok: int
    failed: int
    never_sent: int
    unfinished: int
    most_in_flight: int

    @property
    def known(self) -> int:
        """Arrivals whose outcome is known."""
        return self.ok + self.failed + self.never_sent + self.unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The accounts of all journeys, and the figures of the load processes themselves.

    Attributes:
        accounts: one for each journey.
        origin, stopped: first and last moment of the schedule, on the shared clock.
        processes: how many processes shared the work.
        most_in_flight: the most runs in flight, of all journeys together. With several processes it is
            the sum of their highest numbers.
        most_connections: the most open connections, summed in the same way.
        lag_p50, lag_p99, worst_lag: seconds by which arrivals were started late, from all samples.
        worst_loop_lag: the most seconds by which an event loop was late.
        cpu_seconds: the processor time of the load processes between origin and stop.
    """

    accounts: tuple[Account, ...]
    origin: float
    stopped: float
    processes: int
    most_in_flight: int
    most_connections: int
    lag_p50: float
    lag_p99: float
    worst_lag: float
    worst_loop_lag: float
    cpu_seconds: float

    def of(self, journey: str) -> Account:
        """One journey's account."""
        return next(account for account in self.accounts if account.journey == journey)


def nearest_rank(ascending: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed; 0 without values.

    Source: the nearest-rank method.
    """
    if not ascending:
        return 0.0
    return ascending[max(0, math.ceil(round(share * len(ascending), 9)) - 1)]


def accounts(
    scheduled: Mapping[str, int], counts: Mapping[tuple[str, Outcome], int], most_in_flight: Mapping[str, int]
) -> tuple[Account, ...]:
    """Compare the outcomes of the arrivals with the schedule.

    Args:
        scheduled: journey → arrivals that were due.
        counts: journey and outcome → samples.
        most_in_flight: journey → the most runs in flight.

    Raises:
        LoadFailure: a journey has fewer or more outcomes than arrivals.
    """
    found = tuple(
        Account(
            journey=journey,
            scheduled=due,
            ok=counts.get((journey, Outcome.OK), 0),
            failed=counts.get((journey, Outcome.FAILED), 0),
            never_sent=counts.get((journey, Outcome.NEVER_SENT), 0),
            unfinished=counts.get((journey, Outcome.UNFINISHED), 0),
            most_in_flight=most_in_flight.get(journey, 0),
        )
        for journey, due in scheduled.items()
    )
    wrong = [account for account in found if account.known != account.scheduled]
    if wrong:
        raise LoadFailure(
            "the load does not add up: a journey has fewer or more outcomes than scheduled arrivals",
            evidence="\n".join(
                f"{each.journey}: {each.scheduled} scheduled; {each.ok} ok + {each.failed} failed + "
                f"{each.never_sent} never sent + {each.unfinished} unfinished = {each.known}"
                for each in wrong
            ),
            remedy="run it again; if it happens again, report it as a defect of chaoskit",
        )
    return found
