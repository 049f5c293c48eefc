"""The accounts of a load: what was due, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chaoskit.errors import LoadFailure
from chaoskit.history import Outcome, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One journey's arrivals.

    Attributes:
        journey: its name.
        scheduled: how many the schedule gives from its origin to the stop.
        ok, failed, never_sent, unfinished: how many samples arrived of each outcome.
        most_in_flight: most runs at once.
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
        """Arrivals of which it is known what became of them."""
        return self.ok + self.failed + self.never_sent + self.unfinished


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The accounts of all journeys, and what the load process says of itself.

    Attributes:
        accounts: one for each journey.
        origin, stopped: first and last moment of the schedule, on the shared clock.
        most_in_flight: most runs of all journeys at once.
        worst_lag: seconds by which an arrival was started late at most.
        worst_loop_lag: seconds by which its event loop was late at most.
        cpu_seconds: what the load cost between origin and stop.
    """

    accounts: tuple[Account, ...]
    origin: float
    stopped: float
    most_in_flight: int
    worst_lag: float
    worst_loop_lag: float
    cpu_seconds: float

    def of(self, journey: str) -> Account:
        """One journey's account."""
        return next(account for account in self.accounts if account.journey == journey)


def accounts(
    scheduled: Mapping[str, int], samples: Iterable[Sample], most_in_flight: Mapping[str, int]
) -> tuple[Account, ...]:
    """Count samples against the schedule.

    Raises:
        LoadFailure: arrivals of a journey are missing, or there are too many.
    """
    counts = Counter((sample.journey, sample.outcome) for sample in samples)
    found = tuple(
        Account(
            journey=journey,
            scheduled=due,
            ok=counts[journey, Outcome.OK],
            failed=counts[journey, Outcome.FAILED],
            never_sent=counts[journey, Outcome.NEVER_SENT],
            unfinished=counts[journey, Outcome.UNFINISHED],
            most_in_flight=most_in_flight.get(journey, 0),
        )
        for journey, due in scheduled.items()
    )
    wrong = [account for account in found if account.known != account.scheduled]
    if wrong:
        raise LoadFailure(
            "the load does not add up: what was scheduled is not what is known to have happened",
            evidence="\n".join(
                f"{each.journey}: {each.scheduled} scheduled; {each.ok} ok + {each.failed} failed + "
                f"{each.never_sent} never sent + {each.unfinished} unfinished = {each.known}"
                for each in wrong
            ),
            remedy="run it again; if it happens again, that is a defect of chaoskit's",
        )
    return found
