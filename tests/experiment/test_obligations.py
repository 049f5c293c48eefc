"""Obligations: what a system owes under a fault besides its journeys' promises; in memory, on a manual
clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from chaoskit import Chaos, Conclusion
from chaoskit.faults import Evidence, Fault, Injection, Obligation
from chaoskit.judge import Verdict
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact
from tests.simulation import Simulation, hardened


@dataclass(frozen=True)
class Rollout(Fault):
    """A fault that runs its course for some seconds, and obliges the system to drain some time after the
    lift.
    """

    seconds: float = 0.0
    drains_after: float = 0.0
    drain_within: float = 10.0
    began: ClassVar[dict[str, float]] = {}

    def misfits(self, runtime: Runtime) -> list[str]:
        return []

    def impact(self, runtime: Runtime) -> Impact:
        return Impact()

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        return ()

    def inject(self, runtime: Runtime) -> Injection:
        return _Rollout(self, runtime)


class _Rollout(Injection):
    def __init__(self, fault: Rollout, runtime: Runtime) -> None:
        self._fault, self._runtime, self._began = fault, runtime, runtime.clock.now()

    def under_way(self) -> bool:
        return self._runtime.clock.now() < self._began + self._fault.seconds

    def landed(self) -> Evidence:
        return Evidence(True, "there")

    def lift(self) -> None:
        """Nothing to undo."""

    def gone(self) -> Evidence:
        return Evidence(True, "gone")

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        if since_lift >= self._fault.drains_after:
            return (Obligation("drain", True, "drained", {"depth": 0}),)
        kept = False if since_lift > self._fault.drain_within else None
        return (Obligation("drain", kept, f"3 jobs are left after {since_lift:.0f} s", {"depth": 3}),)


def conclude(tmp_path: Path, fault: Fault) -> Conclusion:
    """One experiment on the hardened system."""
    return Chaos(Simulation(hardened, tmp_path).environment, "one", tmp_path).experiment(fault)


def marks(conclusion: Conclusion) -> dict[str, float]:
    """When each mark was made."""
    return {mark["name"]: mark["at"] for mark in conclusion.result.record["history"]["marks"]}


def test_the_fault_window_lasts_until_the_fault_has_run_its_course(tmp_path: Path) -> None:
    """A rollout of 20 s is not lifted after the 8 s of a fault without a course."""
    at = marks(conclude(tmp_path, Rollout(seconds=20.0)))
    assert 20.0 <= at["lift"] - at["landed"] < 21.0


def test_a_fault_that_never_ends_is_lifted_all_the_same(tmp_path: Path) -> None:
    """A fault that never ends its course is lifted after the fault window and the limit of lifting."""
    at = marks(conclude(tmp_path, Rollout(seconds=1e9)))
    assert 68.0 <= at["lift"] - at["landed"] < 69.0


@pytest.mark.parametrize(
    ("drains_after", "drain_within", "verdict"),
    [
        (7.0, 10.0, Verdict.HELD),
        (20.0, 10.0, Verdict.BROKEN),
        (1e9, 1e9, Verdict.UNKNOWN),
    ],
)
def test_what_is_owed_under_a_fault_is_part_of_the_verdict(
    tmp_path: Path, drains_after: float, drain_within: float, verdict: Verdict
) -> None:
    """An obligation met in time is HELD, one met late is BROKEN and an undecided one is UNKNOWN, with
    figures.
    """
    fault = Rollout(drains_after=drains_after, drain_within=drain_within)
    conclusion = conclude(tmp_path, fault)
    (finding,) = conclusion.result.judgement.findings
    assert (finding.promise, finding.verdict, conclusion.verdict) == ("drain", verdict, verdict)
    assert finding.figures["depth"] == (0 if verdict is Verdict.HELD else 3)
    if verdict is Verdict.BROKEN:
        conclusion.assert_broken(promise="drain")
