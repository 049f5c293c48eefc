"""The judge against services whose truth is known: a seeded sample of ``tests.bench.coverage``."""

from __future__ import annotations

import random

import pytest

from chaoskit.judge import Verdict
from chaoskit.judge.verdict import Recovery
from chaoskit.system import Slo
from tests.bench.coverage import covered, deadline, stopped, whole
from tests.judge.synthetic import recovery_of


@pytest.mark.parametrize("rate", [2.0, 20.0, 200.0])
@pytest.mark.parametrize("share", [0.01, 0.1, 1.0])
def test_the_interval_holds_the_truth(rate: float, share: float) -> None:
    """Of 60 recoveries at least 58 lie within their interval, whatever the rate and the share."""
    assert covered(rate, share, 60).held_truth >= 58 / 60


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_too_late_is_never_held(share: float) -> None:
    """Users fail until 3.42 s after the lift where 3 s are allowed, at 50/s: BROKEN or too close to tell."""
    assert deadline(50.0, share, 0.42, 200)[Verdict.HELD] <= 1


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 1.0])
def test_in_time_is_never_broken(share: float) -> None:
    """Users fail until 2.5 s after the lift where 3 s are allowed, at 50/s: HELD or too close to tell."""
    assert deadline(50.0, share, -0.5, 200)[Verdict.BROKEN] == 0


def test_a_system_within_half_of_its_budgets_is_never_broken() -> None:
    """Of 30 experiments with seven journeys none breaks, not even with a stall of 0.25 s."""
    assert whole(0.5, 0.0, 1, 30)[Verdict.BROKEN] == 0
    assert whole(0.5, 0.25, 2, 30)[Verdict.BROKEN] == 0


def test_a_share_that_fails_for_ever_is_found() -> None:
    """2% fail where 0.5% may, at 20/s: the harness does not stop at the first calm moment."""
    assert stopped(0.02, 1, 10)["HELD"] <= 1
    assert stopped(0.0, 1, 5)["HELD"] == 5


def test_the_known_case() -> None:
    """10% of the users out until 3.42 s after the lift at 50/s: five of five intervals hold it."""
    slo = Slo(availability=0.995, recovery=3.0)
    for seed in range(5):
        found: Recovery = recovery_of(50.0, 0.1, 3.42, 15.0, slo, random.Random(seed)).recovery
        assert found.earliest <= 3.42
        assert found.latest is None or found.latest >= 3.42
