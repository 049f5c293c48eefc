"""Whole experiments, in memory and on a manual clock."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import jsonschema
import pytest

from chaoskit.chaos import Chaos, Conclusion
from chaoskit.errors import (
    FaultMisfit,
    LoadFailure,
    PromiseBroken,
    UnexpectedVerdict,
    UsageError,
    VerdictUnknown,
)
from chaoskit.experiment.timing import PhaseLengths, Timing
from chaoskit.faults import CacheLoss, Fault, Kill
from chaoskit.judge import Judgement, JudgeSettings, Verdict, judge
from chaoskit.record import journal
from chaoskit.record.jsontext import pieces
from chaoskit.runtime import Cut, Runtime
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.runtime.undolog import pending
from chaoskit.system import Link
from tests.simulation import SYSTEM, Answer, Behaviour, Simulation, hardened, search


def conclude(
    tmp_path: Path, behaviour: Behaviour, fault: Fault | None = None
) -> tuple[Simulation, Conclusion]:
    """Run one experiment on a system that behaves like this."""
    simulation = Simulation(behaviour, tmp_path)
    chaos = Chaos(simulation.environment, "one", tmp_path)
    return simulation, chaos.experiment(fault or CacheLoss("cache"))


def test_a_system_that_keeps_its_promises_has_held(tmp_path: Path) -> None:
    """Journeys that use the cache stay within their degraded SLO, those that need it fail, and all
    recover.
    """
    _, conclusion = conclude(tmp_path, hardened)
    assert conclusion.assert_held().verdict is Verdict.HELD
    assert "buy" in conclusion.result.judgement.blast_radius
    assert "search" not in conclusion.result.judgement.blast_radius


def test_the_phases_come_in_their_order(tmp_path: Path) -> None:
    """The journal's marks give the phases in the order of the design."""
    _, conclusion = conclude(tmp_path, hardened)
    names = [mark["name"] for mark in conclusion.result.record["history"]["marks"]]
    assert names == ["begin", "control", "exercised", "inject", "landed", "holding", "lift", "gone", "end"]


def no_fallback(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """A mutant: browsing fails without the cache."""
    seconds, succeeds = hardened(journey, at, runtime)
    return seconds, succeeds and seconds < 0.1


def test_a_mutant_is_caught_for_the_right_reason(tmp_path: Path) -> None:
    """A journey that fails without a component that it only uses breaks its degraded SLO, by name."""
    _, conclusion = conclude(tmp_path, no_fallback)
    conclusion.assert_broken("browse", "degraded")
    with pytest.raises(PromiseBroken, match="browse: degraded"):
        conclusion.assert_held()
    with pytest.raises(PromiseBroken, match="expected 'search' to break"):
        conclusion.assert_broken("search")


def coupled(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """A mutant: searching waits for the cache, which its declaration does not name."""
    return hardened("browse" if journey == "search" else journey, at, runtime)


def test_a_hidden_coupling_breaks_independence(tmp_path: Path) -> None:
    """A journey that suffers from a fault in something that it neither needs nor uses is BROKEN."""
    conclude(tmp_path, coupled)[1].assert_broken("search", "independence")


def test_a_system_that_does_not_come_back_is_broken(tmp_path: Path) -> None:
    """After the lift the deadline decides, however long the harness watched."""

    def stuck(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
        was_cut = any(line.startswith("cut") for line in runtime.log)
        return 0.02, not (was_cut and journey == "buy")

    conclude(tmp_path, stuck)[1].assert_broken("buy", "recovery")


def test_a_lost_promise_is_broken(tmp_path: Path) -> None:
    """Something acknowledged that is no longer true breaks the ledger."""
    simulation = Simulation(hardened, tmp_path)
    simulation.lose_promises = True
    Chaos(simulation.environment, "one", tmp_path).experiment(CacheLoss("cache")).assert_broken(
        "buy", "ledger"
    )


def test_without_a_steady_state_nothing_is_injected(tmp_path: Path) -> None:
    """A system that is broken before the fault is UNKNOWN, and nothing is injected into it."""
    simulation, conclusion = conclude(tmp_path, lambda journey, at, runtime: (0.02, False))
    assert conclusion.verdict is Verdict.UNKNOWN
    assert not any(line.startswith("cut") for line in simulation.runtimes[0].log)
    reason = conclusion.result.judgement.findings[0].reason
    assert "browse: not in steady state" in reason
    assert "requests failed (100%)" in reason


def test_unknown_is_no_broken_promise(tmp_path: Path) -> None:
    """Where the evidence does not tell, each assertion raises VerdictUnknown, whichever verdict it
    expected.
    """
    _, conclusion = conclude(tmp_path, lambda journey, at, runtime: (0.02, False))
    for asserted in (conclusion.assert_held, conclusion.assert_broken):
        with pytest.raises(VerdictUnknown) as raised:
            asserted()
        assert not isinstance(raised.value, PromiseBroken)
        assert not raised.value.instrument


def test_a_system_that_holds_where_it_should_break_broke_no_promise(tmp_path: Path) -> None:
    """A mutant that was not caught is an unexpected verdict, not a broken promise."""
    with pytest.raises(UnexpectedVerdict, match="to break a promise, but it did not") as raised:
        conclude(tmp_path, hardened)[1].assert_broken()
    assert type(raised.value) is UnexpectedVerdict


def test_a_fault_that_never_lands_is_unknown_and_lifted(tmp_path: Path) -> None:
    """Without evidence of landing the verdict is UNKNOWN, and what was injected is lifted."""

    class Immortal(MemoryRuntime):
        def kill(self, component: str) -> None:
            self.log.append(f"kill {component}")

    simulation = Simulation(hardened, tmp_path, kind=Immortal)
    conclusion = Chaos(simulation.environment, "one", tmp_path).experiment(Kill("cache"))
    assert conclusion.verdict is Verdict.UNKNOWN
    assert "never landed" in "".join(pieces(conclusion.result.record))


def test_an_undo_that_fails_is_unknown_and_the_environment_is_rebuilt(tmp_path: Path) -> None:
    """A lift without proof poisons the environment: the next experiment gets a new one."""
    simulation = Simulation(hardened, tmp_path)
    chaos = Chaos(simulation.environment, "one", tmp_path)
    simulation.environment.reset()
    simulation.runtimes[0].refuses["mend"] = "the API hangs"
    first = chaos.experiment(CacheLoss("cache"))
    assert first.verdict is Verdict.UNKNOWN
    assert [step.action for step in pending(tmp_path / "memory-1.undo.jsonl").values()] == ["mend"]
    second = chaos.experiment(CacheLoss("cache"))
    assert second.verdict is Verdict.HELD
    assert second.result.reset.rebuilt
    assert len(simulation.runtimes) == 2
    assert simulation.runtimes[0].log[-1] == "close"
    assert any("rebuilding" in line for line in simulation.said)


def test_the_undo_is_on_disk_before_the_fault(tmp_path: Path) -> None:
    """At the moment of the injection the undo log already holds the undo."""
    seen: list[list[str]] = []

    class Looking(MemoryRuntime):
        def cut(self, link: Link, how: Cut) -> None:
            seen.append([step.action for step in pending(tmp_path / "memory-1.undo.jsonl").values()])
            super().cut(link, how)

    simulation = Simulation(hardened, tmp_path, kind=Looking)
    Chaos(simulation.environment, "one", tmp_path).experiment(CacheLoss("cache"))
    assert seen == [["mend"]]
    assert pending(tmp_path / "memory-1.undo.jsonl") == {}


def test_a_load_that_dies_is_unknown_and_the_fault_is_lifted(tmp_path: Path) -> None:
    """Without a measurement the verdict is UNKNOWN, and the fault is lifted before its window ends."""

    def dies(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
        if runtime.cuts():
            raise LoadFailure("the load process died")
        return 0.02, True

    simulation, conclusion = conclude(tmp_path, dies)
    assert conclusion.verdict is Verdict.UNKNOWN
    assert "the load process died" in conclusion.result.judgement.findings[0].reason
    with pytest.raises(VerdictUnknown) as raised:
        conclusion.assert_held()
    assert raised.value.instrument
    assert simulation.runtimes[0].cuts() == {}


def test_windows_are_long_enough_for_the_slowest_journey(tmp_path: Path) -> None:
    """A journey with one request in four seconds gets windows in which the judge can decide."""
    slow = replace(SYSTEM, journeys=(replace(search, terms=replace(search.terms, rate=0.25)),))
    simulation = Simulation(hardened, tmp_path, slow)
    Chaos(simulation.environment, "one", tmp_path).experiment(CacheLoss("cache")).assert_held()


def test_an_experiment_asks_once_whether_its_fault_fits(tmp_path: Path) -> None:
    """Asking opens connections to the system, so it is done once before the injection."""
    asked = []

    class Curious(Kill):
        def misfits(self, runtime: Runtime) -> list[str]:
            asked.append(self.name)
            return super().misfits(runtime)

    conclude(tmp_path, hardened, Curious("cache"))
    assert len(asked) == 1


def test_a_misfit_stops_before_any_traffic(tmp_path: Path) -> None:
    """A fault that does not fit is a mistake of the user, reported before anything is driven or injected."""
    simulation = Simulation(hardened, tmp_path)
    with pytest.raises(FaultMisfit):
        Chaos(simulation.environment, "one", tmp_path).experiment(Kill("nothing"))
    assert list(tmp_path.glob("*.json")) == []


def test_an_interrupt_in_the_fault_window_lifts_the_fault(tmp_path: Path) -> None:
    """Ctrl-C while a fault is active leaves no fault behind."""
    simulation = Simulation(hardened, tmp_path)
    chaos = Chaos(simulation.environment, "one", tmp_path)
    runtime = simulation.environment.runtime

    def interrupted() -> None:
        with chaos.traffic(), chaos.inject(CacheLoss("cache")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert runtime.cuts() == {}
    assert pending(tmp_path / "memory-1.undo.jsonl") == {}


def test_the_parts_alone_come_to_the_same_verdict(tmp_path: Path) -> None:
    """traffic, inject and judge together are an experiment."""
    simulation = Simulation(hardened, tmp_path)
    chaos = Chaos(simulation.environment, "one", tmp_path)
    with chaos.traffic(), chaos.inject(CacheLoss("cache")):
        simulation.environment.runtime.clock.sleep(8.0)
    chaos.judge().assert_held()
    with pytest.raises(UsageError, match="no traffic"):
        chaos.judge()


def test_the_journal_is_as_its_schema_says_and_gives_the_same_verdict_again(tmp_path: Path) -> None:
    """The journal has the published form, and holds everything that the verdict was decided from."""
    for number, behaviour in enumerate((hardened, no_fallback, coupled)):
        folder = tmp_path / str(number)
        _, conclusion = conclude(folder, behaviour)
        record = journal.read(conclusion.journal)
        plain = json.loads(conclusion.journal.read_text())
        jsonschema.validate(plain, json.loads(journal.SCHEMA.read_text()))
        again = judge(
            [journal.terms_from_record(terms) for terms in record["system"]["journeys"]],
            journal.components_from_record(record["system"]["components"]),
            journal.impact_from_record(record["impact"]),
            journal.history_from_record(record["history"]),
            JudgeSettings(**record["settings"]),
        )
        assert again.verdict is conclusion.verdict
        written = Judgement.from_record(record["judgement"])
        assert [each.verdict for each in again.journeys] == [each.verdict for each in written.journeys]


def test_a_phase_that_does_not_exist_is_the_users_mistake(tmp_path: Path) -> None:
    """A misspelt timing is reported with the valid ones, and a type checker finds it before the run."""
    chaos = Chaos(Simulation(hardened, tmp_path).environment, "one", tmp_path)
    # mypy reports an unused ignore, so its run fails on these two lines if a typo passes.
    with pytest.raises(UsageError, match="unknown timing: aktive"):
        chaos.experiment(CacheLoss("cache"), aktive=3.0)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="unknown timing: aktive"), chaos.traffic(aktive=3.0):  # type: ignore[call-arg]
        pass


def test_each_length_of_a_phase_can_be_given() -> None:
    """The keyword arguments of an experiment are the fields of Timing, with their types."""
    assert get_type_hints(PhaseLengths) == get_type_hints(Timing)
