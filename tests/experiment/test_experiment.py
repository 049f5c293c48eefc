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
    """One experiment on a system that behaves so."""
    simulation = Simulation(behaviour, tmp_path)
    chaos = Chaos(simulation.environment, "one", tmp_path)
    return simulation, chaos.experiment(fault or CacheLoss("cache"))


def test_a_system_that_keeps_its_promises_has_held(tmp_path: Path) -> None:
    """What uses the cache is slower within its degraded SLO, what needs it fails, and all recover."""
    _, conclusion = conclude(tmp_path, hardened)
    assert conclusion.assert_held().verdict is Verdict.HELD
    assert "buy" in conclusion.result.judgement.blast_radius
    assert "search" not in conclusion.result.judgement.blast_radius


def test_the_phases_come_in_their_order(tmp_path: Path) -> None:
    """The journal's marks tell the phases in the order in which DESIGN names them."""
    _, conclusion = conclude(tmp_path, hardened)
    names = [mark["name"] for mark in conclusion.result.record["history"]["marks"]]
    assert names == ["begin", "control", "inject", "landed", "holding", "lift", "gone", "end"]


def no_fallback(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """A mutant: browsing fails without the cache."""
    seconds, succeeds = hardened(journey, at, runtime)
    return seconds, succeeds and seconds < 0.1


def test_a_mutant_is_caught_for_the_right_reason(tmp_path: Path) -> None:
    """A journey that fails without what it only uses breaks its degraded SLO, and that is said."""
    _, conclusion = conclude(tmp_path, no_fallback)
    conclusion.assert_broken("browse", "degraded")
    with pytest.raises(PromiseBroken, match="browse: degraded"):
        conclusion.assert_held()
    with pytest.raises(PromiseBroken, match="'search' did not break"):
        conclusion.assert_broken("search")


def coupled(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """A mutant: searching waits for the cache, which nobody declared."""
    return hardened("browse" if journey == "search" else journey, at, runtime)


def test_a_hidden_coupling_breaks_independence(tmp_path: Path) -> None:
    """A journey that suffers from a fault in what it neither needs nor uses is BROKEN."""
    conclude(tmp_path, coupled)[1].assert_broken("search", "independence")


def test_a_system_that_does_not_come_back_is_broken(tmp_path: Path) -> None:
    """After the lift the deadline counts, however long the harness watched."""

    def stuck(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
        was_cut = any(line.startswith("cut") for line in runtime.log)
        return 0.02, not (was_cut and journey == "buy")

    conclude(tmp_path, stuck)[1].assert_broken("buy", "recovery")


def test_a_lost_promise_is_broken(tmp_path: Path) -> None:
    """What was acknowledged and is not true any more breaks the ledger."""
    simulation = Simulation(hardened, tmp_path)
    simulation.lose_promises = True
    Chaos(simulation.environment, "one", tmp_path).experiment(CacheLoss("cache")).assert_broken(
        "buy", "ledger"
    )


def test_without_a_steady_state_nothing_is_injected(tmp_path: Path) -> None:
    """A system that is broken before anything was done to it is UNKNOWN, and is not harmed."""
    simulation, conclusion = conclude(tmp_path, lambda journey, at, runtime: (0.02, False))
    assert conclusion.verdict is Verdict.UNKNOWN
    assert not any(line.startswith("cut") for line in simulation.runtimes[0].log)
    reason = conclusion.result.judgement.findings[0].reason
    assert "browse: not in steady state" in reason
    assert "requests failed (100%)" in reason


def test_unknown_is_no_broken_promise(tmp_path: Path) -> None:
    """Where it cannot be told, an assertion says so by its type, whichever verdict was hoped for."""
    _, conclusion = conclude(tmp_path, lambda journey, at, runtime: (0.02, False))
    for asserted in (conclusion.assert_held, conclusion.assert_broken):
        with pytest.raises(VerdictUnknown) as raised:
            asserted()
        assert not isinstance(raised.value, PromiseBroken)
        assert not raised.value.instrument


def test_a_system_that_holds_where_it_should_break_broke_no_promise(tmp_path: Path) -> None:
    """A mutant that was not caught is an unexpected verdict, and no breach."""
    with pytest.raises(UnexpectedVerdict, match="did not break 'any promise'") as raised:
        conclude(tmp_path, hardened)[1].assert_broken()
    assert type(raised.value) is UnexpectedVerdict


def test_a_fault_that_never_lands_is_unknown_and_lifted(tmp_path: Path) -> None:
    """Without evidence of landing there is no verdict, and what was injected is taken back."""

    class Immortal(MemoryRuntime):
        def kill(self, component: str) -> None:
            self.log.append(f"kill {component}")

    simulation = Simulation(hardened, tmp_path, kind=Immortal)
    conclusion = Chaos(simulation.environment, "one", tmp_path).experiment(Kill("cache"))
    assert conclusion.verdict is Verdict.UNKNOWN
    assert "never landed" in "".join(pieces(conclusion.result.record))


def test_an_undo_that_fails_is_unknown_and_the_environment_is_rebuilt(tmp_path: Path) -> None:
    """A lift that is not seen to work poisons the environment: the next experiment gets a new one."""
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
    """At the moment of the injection the log already says how to take it back."""
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
    """Without a measurement there is no verdict; the fault does not stay until the end of its window."""

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
    """A journey of one request in four seconds gets windows in which the judge can see something."""
    slow = replace(SYSTEM, journeys=(replace(search, terms=replace(search.terms, rate=0.25)),))
    simulation = Simulation(hardened, tmp_path, slow)
    Chaos(simulation.environment, "one", tmp_path).experiment(CacheLoss("cache")).assert_held()


def test_an_experiment_asks_once_whether_its_fault_fits(tmp_path: Path) -> None:
    """Asking opens connections to the system, so nothing asks again before the injection."""
    asked = []

    class Curious(Kill):
        def misfits(self, runtime: Runtime) -> list[str]:
            asked.append(self.name)
            return super().misfits(runtime)

    conclude(tmp_path, hardened, Curious("cache"))
    assert len(asked) == 1


def test_a_misfit_stops_before_any_traffic(tmp_path: Path) -> None:
    """A fault that does not fit is the user's mistake, told before anything is driven or injected."""
    simulation = Simulation(hardened, tmp_path)
    with pytest.raises(FaultMisfit):
        Chaos(simulation.environment, "one", tmp_path).experiment(Kill("nothing"))
    assert list(tmp_path.glob("*.json")) == []


def test_an_interrupt_in_the_fault_window_lifts_the_fault(tmp_path: Path) -> None:
    """Ctrl-C while a fault is active leaves the system whole."""
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
    """All that the verdict was decided from is in the journal, in the published form."""
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
    """A misspelt timing is told with those that there are, and a type checker finds it before."""
    chaos = Chaos(Simulation(hardened, tmp_path).environment, "one", tmp_path)
    # mypy warns of an ignore that it does not need: these two lines fail its run if a typo passes.
    with pytest.raises(UsageError, match="no such phase: aktive"):
        chaos.experiment(CacheLoss("cache"), aktive=3.0)  # type: ignore[call-arg]
    with pytest.raises(UsageError, match="no such phase: aktive"), chaos.traffic(aktive=3.0):  # type: ignore[call-arg]
        pass


def test_each_length_of_a_phase_can_be_given() -> None:
    """The keyword arguments that an experiment takes are the fields of Timing, with their types."""
    assert get_type_hints(PhaseLengths) == get_type_hints(Timing)
