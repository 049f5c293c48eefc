"""Whole game days, in memory and on a manual clock."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from chaoskit.errors import LoadFailure, RuntimeFailure
from chaoskit.faults import CacheLoss, Pause
from chaoskit.gameday.commands import Finish, Inject, Lift, Next
from chaoskit.gameday.day import Day
from chaoskit.gameday.record import SCHEMA_PATH
from chaoskit.record import journal
from chaoskit.report import page
from chaoskit.runtime import Cut, Undo
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.runtime.undolog import pending
from chaoskit.system import Link
from chaoskit.trend.entry import entry_of
from tests.gameday.days import Played
from tests.simulation import Answer, hardened
from tests.waiting import until

LOSE = "{name: lose it, hypothesis: it only slows, fault: {CacheLoss: {component: cache}}, active: 8}"


def press_stop(day: Day) -> None:
    """Press the key that lifts everything."""
    day.stop("key")


PRESS_STOP: dict[float, Callable[[Day], None]] = {9: press_stop}


def book(*steps: str, stop: str = "[]") -> str:
    """A run book."""
    return f"title: Friday\nstop: {stop}\nsteps: [{', '.join(steps)}]\n"


def nothing_left(played: Played) -> None:
    """Check that no fault is left, neither in the runtime nor in the undo log."""
    assert played.lifted
    assert not played.runtime.cuts()
    assert all(played.runtime.state(each.name).status == "running" for each in played.runtime.components)
    assert not pending(played.folder / "memory-1.undo.jsonl")


def test_a_run_book_is_played_to_its_end(tmp_path: Path) -> None:
    """Each step is injected, proven, lifted, proven gone and judged, and the record has all of it."""
    pause = "{name: freeze, hypothesis: nothing happens, fault: {Pause: api}, active: 8}"
    played = Played(book(LOSE, pause), tmp_path)
    first, second = played.record["steps"]
    assert (first["verdict"], first["outcome"], first["outcome_by"]) == ("HELD", "confirmed", "judge")
    assert first["evidence"] == "a fresh connection is refused over api→cache:6379"
    assert first["injected"] <= first["landed"] < first["lift"] <= first["gone"] < first["recovered"]
    assert first["lift"] - first["landed"] == pytest.approx(8, abs=0.3)
    assert second["faults"] == ["Pause('api')"]
    assert first["by"] == second["by"] == "runbook"
    kinds = [each["kind"] for each in played.record["events"] if each["step"] == 1]
    assert kinds == ["inject", "landed", "lift", "gone", "recovered", "hypothesis"]
    nothing_left(played)


def test_the_record_matches_its_schema(tmp_path: Path) -> None:
    """The record is valid at every moment of the day, and has figures for each second."""
    schema = json.loads(SCHEMA_PATH.read_text())
    seen = set()

    def check(day: Day) -> None:
        count = len(day.record.events)
        if count not in seen:
            seen.add(count)
            on_disk = json.loads(day.record.path.read_text())
            jsonschema.validate(on_disk, schema)
            assert len(on_disk["events"]) == count

    played = Played(book(LOSE, stop="[{lasts: 100}]"), tmp_path, when=check)
    jsonschema.validate(played.record, schema)
    assert len(seen) > 3
    assert played.record["stop_conditions"] == [
        {"name": "a fault is active longer than 100 s", "text": "a fault is active longer than 100 s"}
    ]
    series = played.record["series"]
    step = played.record["steps"][0]
    browse = series["journeys"]["browse"]
    assert set(browse["arrivals"][1:-1]) == {20}
    slow = int(step["landed"]) + 2
    assert browse["p50"][slow] == pytest.approx(0.4)
    assert browse["p50"][2] == pytest.approx(0.02)
    assert series["journeys"]["buy"]["failed"][slow] == 10
    assert len({len(column) for name, column in browse.items() if name not in ("slo", "degraded")}) == 1


def test_each_step_leaves_a_journal_like_any_experiment(tmp_path: Path) -> None:
    """`chaoskit report` and `chaoskit trend` take the steps of a game day."""
    played = Played(book(LOSE), tmp_path)
    path = tmp_path / played.record["steps"][0]["journal"]
    assert path.name == "01-lose-it.json"
    record = json.loads(path.read_text())
    jsonschema.validate(record, json.loads(journal.SCHEMA.read_text()))
    names = [mark["name"] for mark in record["history"]["marks"]]
    assert names == ["begin", "control", "inject", "landed", "holding", "lift", "gone", "end"]
    assert entry_of(record).experiment == "01-lose-it"
    assert len(page.gather([tmp_path]).journals) == 1
    assert page.write(tmp_path / "report.html", page.gather([tmp_path])).stat().st_size > 10_000


def test_a_stop_condition_lifts_everything_and_the_run_book_goes_no_further(tmp_path: Path) -> None:
    """A stop condition lifts without a key; the step is marked, and its hypothesis stays open."""
    stop = "[{name: no sales, journey: buy, availability_below: 0.5, over: 4}]"
    played = Played(book(LOSE.replace("active: 8", "active: 60"), LOSE, stop=stop), tmp_path)
    (step,) = played.record["steps"]
    assert step["stopped_by"] == "no sales"
    assert step["lift"] - step["landed"] < 4
    assert step["outcome"] == "open"
    assert step["recovered"] is not None
    assert played.texts("stop")[0].startswith("no sales: buy ")
    assert played.texts("verified") == ["nothing is injected any more"]
    nothing_left(played)


def test_a_stop_condition_does_nothing_while_nothing_is_injected(tmp_path: Path) -> None:
    """A condition that fires before the injection stops nothing, since there is nothing to lift."""
    played = Played(
        book(LOSE, stop="[{journey: look, availability_below: 0.1}, {p95_above: 0.001}]"), tmp_path
    )
    first = played.record["events"][2]
    assert first["kind"] == "inject", "it was not stopped before"
    assert played.record["steps"][0]["stopped_by"] is not None


def test_the_key_lifts_everything_in_reverse_order(tmp_path: Path) -> None:
    """Two faults of one step are lifted in reverse order."""
    both = "{name: both, faults: [{CacheLoss: {component: cache}}, {Pause: api}], active: 60}"
    played = Played(book(both), tmp_path, at=PRESS_STOP)
    (step,) = played.record["steps"]
    assert step["faults"] == ["CacheLoss('cache')", "Pause('api')"]
    assert step["stopped_by"] == "key"
    assert played.texts("lift")[:2] == ["lift Pause('api')", "lift CacheLoss('cache')"]
    acts = [line for line in played.runtime.log if line.split()[0] in ("resume", "mend")]
    assert acts[0] == "resume api"
    nothing_left(played)


class Stubborn(MemoryRuntime):
    """A runtime in which mending a link fails a few times."""

    failures = 1

    def mend(self, link: Link) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeFailure("the API hangs")
        super().mend(link)


def test_a_lift_that_fails_keeps_no_other_from_being_lifted(tmp_path: Path) -> None:
    """The other faults are lifted, and the undo log is replayed for the one that failed."""
    both = "{name: both, faults: [{Pause: api}, {CacheLoss: {component: cache}}], active: 60}"
    played = Played(book(both), tmp_path, kind=Stubborn, at=PRESS_STOP)
    assert played.texts("error")[0] == "lifting CacheLoss('cache') failed: the API hangs"
    assert played.record["steps"][0]["gone"] is not None
    nothing_left(played)


class OnlyByUndo(MemoryRuntime):
    """A runtime in which a link can only be mended by the undo log."""

    undoing = False

    def mend(self, link: Link) -> None:
        if not self.undoing:
            raise RuntimeFailure("the API hangs")
        super().mend(link)

    def undo(self, step: Undo) -> None:
        self.undoing = True
        super().undo(step)
        self.undoing = False


def test_the_undo_log_is_replayed_for_a_lift_that_fails(tmp_path: Path) -> None:
    """After a failed lift the undo log is replayed, and the fault is looked at again."""
    played = Played(book(LOSE), tmp_path, kind=OnlyByUndo)
    assert any("replaying its undo log" in text for text in played.texts("error"))
    assert played.record["steps"][0]["verdict"] == "HELD"
    nothing_left(played)


def test_a_fault_that_cannot_be_lifted_is_reported_with_the_remedy(tmp_path: Path) -> None:
    """The error says what is still there and how to remove it, and nothing more is injected."""

    class Rusty(Stubborn):
        failures = 10_000

    both = "{name: both, faults: [{Pause: api}, {CacheLoss: {component: cache}}], active: 8}"
    played = Played(book(both, LOSE), tmp_path, kind=Rusty)
    assert not played.lifted
    (last,) = {text for text in played.texts("error") if text.startswith("NOT LIFTED")}
    assert "CacheLoss('cache')" in last
    assert "Pause" not in last
    assert "chaoskit clean" in last
    assert "mend api.cache.6379" in last
    assert len(played.record["steps"]) == 1
    assert played.record["steps"][0]["gone"] is None
    assert played.record["steps"][0]["verdict"] != "HELD"
    assert played.runtime.state("api").status == "running"
    assert [each.action for each in pending(tmp_path / "memory-1.undo.jsonl").values()] == ["mend"]


def test_a_fault_that_never_lands_is_lifted_and_leaves_the_step_unknown(tmp_path: Path) -> None:
    """Without evidence the verdict is UNKNOWN, and the run book continues after that."""

    class Immortal(MemoryRuntime):
        def kill(self, component: str) -> None:
            self.log.append(f"kill {component}")

    played = Played(book("{fault: {Kill: cache}, active: 8}", LOSE), tmp_path, kind=Immortal)
    first, second = played.record["steps"]
    assert (first["verdict"], first["landed"], first["outcome"]) == ("UNKNOWN", None, "open")
    assert "never landed" in first["seen"]
    marks = journal.read(tmp_path / first["journal"])["history"]["marks"]
    assert "harness failure" in [mark["name"] for mark in marks]
    assert second["verdict"] == "HELD"
    nothing_left(played)


def test_a_fault_that_does_not_fit_is_not_injected(tmp_path: Path) -> None:
    """A fault that does not fit is an error, and its step does not start."""
    played = Played(book("{fault: {Kill: nobody}}"), tmp_path)
    assert played.record["steps"] == []
    assert "Kill('nobody') does not fit this system" in played.texts("error")[0]
    assert played.day.trouble


def test_without_a_steady_state_nothing_is_injected(tmp_path: Path) -> None:
    """Nothing is injected into a system that is broken already, and the record says why."""
    played = Played(book(LOSE), tmp_path, behaviour=lambda journey, at, runtime: (0.02, False))
    assert played.record["steps"] == []
    assert "requests failed (100%)" in played.texts("unsteady")[0]
    assert played.day.trouble


def test_a_system_that_became_unsteady_is_left_alone(tmp_path: Path) -> None:
    """Nothing is injected into a system that became unsteady between two steps."""

    def ails(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
        was_cut = any(line.startswith("mend") for line in runtime.log)
        return 0.02, hardened(journey, at, runtime)[1] and not (was_cut and at > 130)

    played = Played(
        book(LOSE, LOSE),
        tmp_path,
        behaviour=ails,
        unattended=False,
        at=by_hand(
            (5, lambda day: day.ask(Next())),
            (40, lambda day: day.ask(Next())),
            (41, lambda day: day.ask(Finish())),
        ),
    )
    assert len(played.record["steps"]) == 1
    assert played.texts("unsteady")[-1].startswith("nothing is injected: browse: not in steady state")


def test_a_stop_just_before_an_injection_prevents_it(tmp_path: Path) -> None:
    """The key that lifts everything misses no fault that is about to be injected."""
    stopped: list[float] = []

    def watch(day: Day) -> None:
        if day.phase == "inject" and not stopped:
            stopped.append(day.now())
            day.stop("key")

    played = Played(book(LOSE), tmp_path, when=watch)
    assert stopped
    assert played.texts("inject") == []
    assert not any(line.startswith("cut") for line in played.runtime.log)
    nothing_left(played)


def by_hand(*commands: tuple[float, Callable[[Day], object]]) -> dict[float, Callable[[Day], None]]:
    """What a person does, by seconds of the day."""
    return {at: lambda day, do=do: do(day) and None for at, do in commands}  # type: ignore[misc]


def test_by_hand_faults_stay_until_they_are_lifted(tmp_path: Path) -> None:
    """A second fault joins the first, each is lifted by itself, and both are one step."""
    played = Played(
        "title: by hand",
        tmp_path,
        unattended=False,
        at=by_hand(
            (5, lambda day: day.ask(Inject(CacheLoss("cache"), "it only slows"))),
            (20, lambda day: day.ask(Inject(Pause("api")))),
            (25, lambda day: day.ask(Lift(day.active[0]))),
            (30, lambda day: day.ask(Lift(day.active[0]))),
            (31, lambda day: day.ask(Finish())),
        ),
    )
    (step,) = played.record["steps"]
    assert (step["by"], step["hypothesis"], step["name"]) == (
        "hand",
        "it only slows",
        "by hand: CacheLoss('cache')",
    )
    assert step["faults"] == ["CacheLoss('cache')", "Pause('api')"]
    lifts = [each["at"] for each in played.record["events"] if each["kind"] == "lift"]
    assert lifts == [pytest.approx(25, abs=0.5), pytest.approx(30, abs=0.5)]
    assert step["gone"] == pytest.approx(30, abs=0.5)
    nothing_left(played)


def test_a_key_starts_the_next_step_and_lifts_it(tmp_path: Path) -> None:
    """With people watching, the run book waits for their key."""
    played = Played(
        book(LOSE.replace("active: 8", "active: until lifted")),
        tmp_path,
        unattended=False,
        at=by_hand(
            (20, lambda day: day.ask(Next())),
            (40, lambda day: day.ask(Next())),
            (41, lambda day: day.ask(Finish())),
        ),
    )
    (step,) = played.record["steps"]
    assert step["injected"] == pytest.approx(20, abs=0.5)
    assert step["lift"] == pytest.approx(40, abs=0.5)
    assert step["stopped_by"] is None


def test_a_key_that_is_pressed_twice_counts_once(tmp_path: Path) -> None:
    """A second press neither lifts what the first one injected nor starts another step."""

    def twice(day: Day) -> None:
        day.ask(Next())
        day.ask(Next())

    played = Played(
        book(LOSE, LOSE),
        tmp_path,
        unattended=False,
        at={10: twice, 40: lambda day: day.ask(Finish())},
    )
    (step,) = played.record["steps"]
    assert step["lift"] - step["landed"] == pytest.approx(8, abs=0.5)


def test_waiting_commands_are_dropped_when_everything_is_lifted(tmp_path: Path) -> None:
    """No fault that was queued before is injected after everything was lifted."""

    def queue_one(day: Day) -> None:
        day.ask(Inject(CacheLoss("cache")))
        day.stop("key")

    played = Played(
        "title: x", tmp_path, unattended=False, at={8: queue_one, 30: lambda day: day.ask(Finish())}
    )
    assert played.record["steps"] == []
    assert played.texts("lift all") == ["nothing is injected"]


def test_people_write_down_what_they_see_and_overrule_the_judge(tmp_path: Path) -> None:
    """Notes and questions have their moment and step, and a person's word on a hypothesis stays."""
    played = Played(
        book(LOSE),
        tmp_path,
        at=by_hand(
            (8, lambda day: day.note("pages are slow: žluť")),
            (9, lambda day: day.question("why does buy fail?")),
            (10, lambda day: day.decide(1, "refuted")),
        ),
    )
    record = played.record
    assert record["notes"] == [{"at": pytest.approx(8, abs=0.3), "text": "pages are slow: žluť"}]
    assert record["questions"][0]["text"] == "why does buy fail?"
    assert [each["step"] for each in record["events"] if each["kind"] in ("note", "question")] == [1, 1]
    (step,) = record["steps"]
    assert (step["verdict"], step["outcome"], step["outcome_by"]) == ("HELD", "refuted", "person")


@pytest.mark.parametrize("at", [1.0, 5.0, 6.2, 10.0, 15.5, 19.9], ids=lambda at: f"{at:g} s")
def test_whenever_the_day_is_left_everything_is_lifted(at: float, tmp_path: Path) -> None:
    """Ctrl-C in any phase lifts and verifies every fault, and the record is complete."""
    played = Played(book(LOSE), tmp_path, at={at: lambda day: day.leave("Ctrl-C")})
    nothing_left(played)
    assert played.record["ended_at"] is not None
    assert played.texts("ended") == ["Ctrl-C"]
    assert played.record["events"][-1]["at"] < at + 1, "it does not wait for the end of the step"
    for step in played.record["steps"]:
        assert step["lift"] is not None
        assert step["gone"] is not None
        assert (tmp_path / step["journal"]).exists()


def test_a_load_that_dies_lifts_everything_and_ends_the_day(tmp_path: Path) -> None:
    """Without load the effect of a fault cannot be seen, so everything is lifted."""

    def dies(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
        if runtime.cuts() and runtime.clock.now() > 110:
            raise LoadFailure("the load process died", evidence="killed by SIGKILL")
        return hardened(journey, at, runtime)

    played = Played(book(LOSE, LOSE), tmp_path, behaviour=dies)
    nothing_left(played)
    assert played.day.trouble
    (step,) = played.record["steps"]
    assert step["verdict"] == "UNKNOWN"
    assert any("the load failed" in text for text in played.texts("error"))


def test_a_full_disk_prevents_no_lift(tmp_path: Path) -> None:
    """If the record cannot be written, the screen says so, and faults are lifted all the same."""

    def fill(day: Day) -> None:
        day.record.path = Path("/proc/nowhere/gameday.json")

    played = Played(book(LOSE), tmp_path, at={8: fill})
    assert played.day.record.unwritten is not None
    nothing_left(played)


class Slow(MemoryRuntime):
    """A runtime in which a cut takes until the test lets go."""

    let_go = threading.Event()
    at_it = threading.Event()

    def cut(self, link: Link, how: Cut) -> None:
        self.at_it.set()
        assert self.let_go.wait(10)
        super().cut(link, how)


def test_everything_is_lifted_in_the_middle_of_a_slow_injection(tmp_path: Path) -> None:
    """The key does not wait for an injection that hangs, which is lifted when it returns."""
    Slow.let_go.clear()
    Slow.at_it.clear()
    order: list[str] = []

    def press(played_day: Day) -> None:
        assert Slow.at_it.wait(10)
        pause = next(each for each in played_day.active if each.name == "Pause('api')")
        stopper = threading.Thread(target=played_day.stop, args=("key",))
        stopper.start()
        until(lambda: pause.injector.lifting)
        order.append("lifted the other")
        Slow.let_go.set()
        stopper.join(10)

    pressing: list[threading.Thread] = []

    def watch(day: Day) -> None:
        if not pressing:
            pressing.append(threading.Thread(target=press, args=(day,)))
            pressing[0].start()

    both = "{name: both, faults: [{Pause: api}, {CacheLoss: {component: cache}}], active: 60}"
    played = Played(book(both), tmp_path, kind=Slow, when=watch)
    pressing[0].join(10)
    assert order == ["lifted the other"]
    assert played.record["steps"][0]["stopped_by"] == "key"
    nothing_left(played)
