"""Mutants are tried and caught, in memory and on a manual clock."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from chaoskit.chaos import Chaos
from chaoskit.errors import UsageError
from chaoskit.experiment.environment import Environment
from chaoskit.faults import CacheLoss, Kill
from chaoskit.judge import Verdict
from chaoskit.mutants import Catch, Collateral, Mutant, Trial, detect, text, to_record
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.system import System
from tests.simulation import SYSTEM, Answer, Simulation, hardened


def cache_loss(chaos: Chaos) -> None:
    """Browsing degrades, and no more."""
    chaos.experiment(CacheLoss("cache")).assert_held()


def api_loss(chaos: Chaos) -> None:
    """Everything fails, and recovers."""
    chaos.experiment(Kill("api")).assert_held()


EXPERIMENTS = {"cache loss": cache_loss, "api loss": api_loss}
NO_FALLBACK = Mutant(
    name="no fallback",
    environment={"FALLBACK": "off"},
    caught=(
        Catch(
            experiment="cache loss", journey="browse", promise="degraded", because="it waits for the cache"
        ),
    ),
)


class World:
    """Makes environments of which the variable FALLBACK decides whether browsing needs the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[System] = []

    def __call__(self, system: System) -> Environment:
        self.made.append(system)

        def behaviour(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
            seconds, succeeds = hardened(journey, at, runtime)
            if runtime.state("api").status != "running":
                return 0.01, False
            if system.environment.get("EVERYTHING") == "off" and runtime.cuts():
                return 0.01, False
            return seconds, succeeds and (seconds < 0.1 or system.environment.get("FALLBACK") != "off")

        return Simulation(behaviour, self.folder, system).environment


def trials(tmp_path: Path, *mutants: Mutant) -> list[Trial]:
    """All of it."""
    return detect(SYSTEM, EXPERIMENTS, mutants, World(tmp_path), tmp_path)


def test_the_system_as_it_is_holds_and_a_mutant_is_caught(tmp_path: Path) -> None:
    """Every experiment runs on the system as it is, a mutant only on those that must catch it."""
    found = trials(tmp_path, NO_FALLBACK)
    assert [(each.mutant, each.experiment, each.verdict, each.right) for each in found] == [
        ("", "cache loss", Verdict.HELD, True),
        ("", "api loss", Verdict.HELD, True),
        ("no fallback", "cache loss", Verdict.BROKEN, True),
    ]
    assert found[-1].reason is not None
    assert "failed" in found[-1].reason.reason


def test_a_mutant_that_survives_is_not_right(tmp_path: Path) -> None:
    """An experiment that holds on a mutant cannot see it."""
    blind = Mutant(name="no logo", environment={"LOGO": "off"}, caught=NO_FALLBACK.caught)
    last = trials(tmp_path, blind)[-1]
    assert (last.verdict, last.right, last.reason) == (Verdict.HELD, False, None)
    assert "held!" in text([last])
    assert "nothing broke" in text([last])


def test_a_mutant_that_breaks_for_another_reason_is_not_right(tmp_path: Path) -> None:
    """What breaks is compared with what was written down before the run."""
    catch = Catch(experiment="cache loss", journey="search", promise="independence", because="a guess")
    last = trials(tmp_path, Mutant(name="no fallback", environment={"FALLBACK": "off"}, caught=(catch,)))[-1]
    assert (last.verdict, last.right) == (Verdict.BROKEN, False)
    assert "broken!" in text([last])
    assert "wanted search independence; browse degraded" in text([last])


def test_a_mutant_that_breaks_everything_is_caught_for_wrong_reasons(tmp_path: Path) -> None:
    """That the promise which must break is among all that broke says nothing of the mitigation: what else
    may break is written down, too, and anything beyond is named.
    """
    (catch,) = NO_FALLBACK.caught
    all_off = {"FALLBACK": "off", "EVERYTHING": "off"}
    last = trials(tmp_path, Mutant(name="no anything", environment=all_off, caught=(catch,)))[-1]
    assert last.reason is not None
    assert (last.verdict, last.right) == (Verdict.BROKEN, False)
    beyond = {(each.journey, each.promise) for each in last.unforeseen}
    assert ("search", "independence") in beyond
    assert ("browse", "degraded") not in beyond
    assert "broken!" in text([last])
    assert "; and unforeseen: " in text([last])
    broken = to_record([last])["trials"][0]["broken"]
    assert {(each["journey"], each["promise"]) for each in broken if not each["foreseen"]} == beyond


def test_what_may_break_need_not_and_is_no_wrong_reason(tmp_path: Path) -> None:
    """Just the promises that are written down, of just that journey."""
    (catch,) = NO_FALLBACK.caught
    all_off = {"FALLBACK": "off", "EVERYTHING": "off"}

    def tried(*may: Collateral, environment: dict[str, str] = all_off) -> Trial:
        caught = replace(catch, may_break=may)
        return trials(tmp_path, Mutant(name="no anything", environment=environment, caught=(caught,)))[-1]

    broken = {(each.journey, each.promise) for each in tried().broken}
    others = broken - {("browse", "degraded")}
    foreseen = [
        Collateral(journey=name, promises=(promise,), because="it shares") for name, promise in others
    ]
    assert foreseen
    assert tried(*foreseen).right
    assert not tried(*foreseen[1:]).right
    elsewhere = [replace(each, journey=f"{each.journey}s") for each in foreseen]
    assert not tried(*elsewhere).right
    otherwise = [replace(each, promises=("read your writes",)) for each in foreseen]
    assert not tried(*otherwise).right
    assert tried(*foreseen, environment={"FALLBACK": "off"}).right


def test_the_matrix_is_written_as_json_too(tmp_path: Path) -> None:
    """With the reason that was wanted, and those that were seen."""
    record = json.loads(json.dumps(to_record(trials(tmp_path, NO_FALLBACK))))
    assert record["right"] is True
    assert record["trials"][0]["mutant"] is None
    assert record["trials"][-1]["wanted"]["because"] == "it waits for the cache"
    assert record["trials"][-1]["broken"][0]["promise"] == "degraded"


def test_the_matrix_in_a_terminal(tmp_path: Path) -> None:
    """One line a mutant, one column an experiment, the reasons below."""
    lines = text(trials(tmp_path, NO_FALLBACK)).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["1", "2"],
        ["as", "it", "is", "held", "held"],
        ["no", "fallback", "caught", "·"],
    ]
    assert "no fallback, cache loss: BROKEN: browse degraded: " in lines[-1]


def test_a_mutant_that_nothing_can_catch_is_a_mistake_before_anything_starts(tmp_path: Path) -> None:
    """An experiment that is not there, or none at all."""
    world = World(tmp_path)
    catch = Catch(experiment="no such", promise="drain", because="a typing error")
    for caught in ((catch,), ()):
        with pytest.raises(UsageError, match="no pooler"):
            detect(SYSTEM, EXPERIMENTS, [Mutant(name="no pooler", caught=caught)], world, tmp_path)
    with pytest.raises(UsageError, match="no conclusion"):
        detect(SYSTEM, {"idle": lambda chaos: None}, [], world, tmp_path)
