"""A whole experiment without a container: a runtime in memory, and traffic that is computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from chaoskit.clock import ManualClock
from chaoskit.errors import LoadFailure
from chaoskit.experiment.environment import Draft, Environment
from chaoskit.load.totals import Totals, accounts
from chaoskit.load.user import User
from chaoskit.record.history import Acknowledgement, Check, History, Outcome, Sample
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import Component, Slo, System, journey

Answer = tuple[float, bool]
Behaviour = Callable[[str, float, MemoryRuntime], Answer]
"""(journey, intended time, runtime) → seconds it takes, and whether it succeeds."""

SLO = Slo(availability=0.99, p95=0.3, recovery=10.0)


async def _nothing(user: User) -> None:
    """Journeys are computed here, never run."""


async def _kept(user: User, kind: str, id: str) -> None:
    """Acknowledgements are computed too."""


browse = journey(
    rate=20, needs=["api"], uses=["cache"], slo=SLO, degraded=Slo(availability=0.99, p95=0.8), name="browse"
)(_nothing)
search = journey(rate=20, needs=["api"], slo=SLO, name="search")(_nothing)
buy = journey(rate=10, needs=["api", "cache"], slo=SLO, verify=_kept, name="buy")(_nothing)

SYSTEM = System(compose=(Path("compose.yaml"),), journeys=(browse, search, buy))


class ScriptedTraffic:
    """A load whose answers a function gives; users arrive evenly as the manual clock advances."""

    def __init__(
        self, system: System, history: History, behaviour: Behaviour, runtime: MemoryRuntime
    ) -> None:
        self._system, self._history, self._behaviour, self._runtime = system, history, behaviour, runtime
        self._sending, self._began = False, 0.0
        self.lose_promises = False
        self.error: LoadFailure | None = None
        runtime.clock.listen(self._send)

    def start(self) -> None:
        """Nothing to prepare."""

    def begin(self) -> float:
        """Users arrive from now on."""
        self._sending, self._began = True, self._runtime.clock.now()
        return self._began

    def _send(self, before: float, after: float) -> None:
        if not self._sending:
            return
        for each in self._system.journeys:
            number = int(before * each.terms.rate) + 1
            while (at := number / each.terms.rate) <= after:
                try:
                    seconds, succeeds = self._behaviour(each.name, at, self._runtime)
                except LoadFailure as failure:
                    self.error, self._sending = failure, False
                    return
                outcome, error = (Outcome.OK, "") if succeeds else (Outcome.FAILED, "ConnectError: refused")
                self._history.add(Sample(each.name, at, at, at + seconds, outcome, error))
                if succeeds and each.terms.ledger:
                    self._history.add(Acknowledgement(each.name, "order", str(number), at))
                number += 1

    def stop(self) -> Totals:
        """No more users arrive; all that were due were sent and answered in time."""
        self._sending = False
        counts = Counter((each.journey, each.outcome) for each in self._history.samples)
        scheduled = Counter(each.journey for each in self._history.samples)
        return Totals(
            accounts=accounts(scheduled, counts, {}),
            origin=self._began,
            stopped=self._runtime.clock.now(),
            processes=1,
            most_in_flight=1,
            most_connections=1,
            lag_p50=0.0,
            lag_p99=0.0,
            worst_lag=0.0,
            worst_loop_lag=0.0,
            cpu_seconds=0.0,
        )

    def verify(self, acknowledgements: tuple[Acknowledgement, ...], deadline: float) -> tuple[Check, ...]:
        """Every acknowledgement is kept, unless the test loses them."""
        checks = tuple(Check(each.kind, each.id, not self.lose_promises) for each in acknowledgements)
        self._history.add(*checks)
        return checks

    def close(self) -> None:
        """No more users arrive."""
        self._sending = False


class Simulation:
    """An environment in memory, and what it was made of.

    Args:
        behaviour: how journeys answer.
        folder: where the undo log goes.
        system: the declaration.
        kind: the kind of runtime.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        folder: Path,
        system: System = SYSTEM,
        kind: type[MemoryRuntime] = MemoryRuntime,
    ) -> None:
        self._kind = kind
        self.runtimes: list[MemoryRuntime] = []
        self.seeds: list[int] = []
        self.lose_promises = False
        self.said: list[str] = []
        self._behaviour, self._clock = behaviour, ManualClock(start=100.0)
        self.environment = Environment(
            system,
            lambda declared: Draft(
                tuple(map(Component, ["api", "cache"], ["api", "cache"])), ["api:80"], self._make_runtime
            ),
            self._make_traffic,
            state=lambda run_id: folder / f"{run_id}.undo.jsonl",
            tell=self.said.append,
        )

    def _make_runtime(self) -> MemoryRuntime:
        runtime = self._kind(
            ["api", "cache"],
            [("outside", "api", 80), ("api", "cache", 6379)],
            entry="api:80",
            clock=self._clock,
            run_id=f"memory-{len(self.runtimes) + 1}",
        )
        self.runtimes.append(runtime)
        return runtime

    def _make_traffic(
        self, system: System, history: History, entries: Mapping[str, str], seed: int
    ) -> ScriptedTraffic:
        self.seeds.append(seed)
        traffic = ScriptedTraffic(system, history, self._behaviour, self.runtimes[-1])
        traffic.lose_promises = self.lose_promises
        return traffic


def hardened(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """Losing the cache slows browsing, and only the journey that needs the cache fails."""
    cached = runtime.state("cache").status == "running" and not runtime.cuts()
    if journey == "browse":
        return (0.02 if cached else 0.4), True
    return 0.02, cached or journey == "search"
