"""What the JUnit XML says of an experiment."""

from __future__ import annotations

from pathlib import Path

from chaoskit.chaos import Chaos
from chaoskit.faults import CacheLoss
from chaoskit.plugin.junit import properties_of
from tests.simulation import Simulation, hardened


def test_an_experiment_has_its_verdicts_and_recovery_times_as_properties(tmp_path: Path) -> None:
    """Fault, verdict and journal come first; each journey adds its verdict and its recovery in seconds."""
    chaos = Chaos(Simulation(hardened, tmp_path).environment, "one", tmp_path)
    conclusion = chaos.experiment(CacheLoss("cache"))
    found = dict(properties_of(conclusion))
    assert list(found)[:3] == ["chaos.fault", "chaos.verdict", "chaos.journal"]
    assert found["chaos.fault"] == "CacheLoss('cache')"
    assert found["chaos.verdict"] == "HELD"
    for journey in conclusion.result.judgement.journeys:
        assert found[f"chaos.{journey.journey}.verdict"] == journey.verdict.name
        recovery = journey.recovery
        assert recovery is not None
        assert recovery.seconds is not None
        assert found[f"chaos.{journey.journey}.recovery_seconds"] == round(recovery.seconds, 3)
