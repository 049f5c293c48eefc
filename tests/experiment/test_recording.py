"""The log lines that go into a journal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.chaos import Chaos
from chaoskit.errors import RuntimeFailure
from chaoskit.experiment import recording
from chaoskit.faults import CacheLoss
from chaoskit.judge import Verdict
from chaoskit.record import journal
from chaoskit.runtime import LogLine
from chaoskit.runtime.memory import MemoryRuntime
from tests.simulation import Simulation, hardened

BOOT = 1_700_000_000.0


class Talking(MemoryRuntime):
    """Each component writes a line a second, on an engine whose clock is not the run's."""

    def wall_offset(self) -> float:
        return BOOT

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        return [LogLine(float(at), f"{component} at {at - BOOT:.0f}") for at in range(int(since), int(until))]


def record(tmp_path: Path, kind: type[MemoryRuntime]) -> tuple[dict[str, object], Verdict]:
    """The journal of an experiment on such a runtime, read back, and its verdict."""
    environment = Simulation(hardened, tmp_path, kind=kind).environment
    conclusion = Chaos(environment, "one", tmp_path).experiment(CacheLoss("cache"))
    return json.loads(conclusion.journal.read_text()), conclusion.verdict


def test_the_journal_has_the_lines_near_the_moments_on_its_own_clock(tmp_path: Path) -> None:
    """A line of the engine's wall clock stands beside the marks of the same moment."""
    found, _ = record(tmp_path, Talking)
    jsonschema.validate(found, json.loads(journal.SCHEMA.read_text()))
    kept, history = found["logs"], found["history"]
    assert isinstance(kept, dict)
    assert isinstance(history, dict)
    assert kept["wall_at_origin"] == BOOT + history["origin"]
    assert set(kept["components"]) == {"api", "cache"}
    inject = next(mark["at"] for mark in history["marks"] if mark["name"] == "inject")
    lines = kept["components"]["cache"]["lines"]
    assert any(abs(at - inject) <= 1.0 for at, _ in lines)
    for at, text in lines:
        assert text == f"cache at {at + history['origin']:.0f}"
        assert at >= inject - recording.SECONDS_BEFORE - 1.0  # the quiet of the control window is not there


def test_a_log_that_cannot_be_read_costs_no_verdict(tmp_path: Path) -> None:
    """An unreadable log changes no verdict; the other components' lines and the reason are in the journal."""

    class Mute(Talking):
        def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
            if component == "api":
                raise RuntimeFailure("could not read the output of api", evidence="the driver is none")
            return super().log_lines(component, since, until)

    found, verdict = record(tmp_path, Mute)
    assert verdict is Verdict.HELD
    kept = found["logs"]
    assert isinstance(kept, dict)
    assert "driver is none" in kept["missing"]["api"]
    assert list(kept["components"]) == ["cache"]


def test_an_engine_without_a_clock_costs_no_verdict(tmp_path: Path) -> None:
    """Whatever the engine raises, the journal is written, and no line stands at a wrong moment."""

    class Timeless(Talking):
        def wall_offset(self) -> float:
            raise ZeroDivisionError

    found, verdict = record(tmp_path, Timeless)
    assert verdict is Verdict.HELD
    assert found["logs"] == {
        "wall_at_origin": None,
        "components": {},
        "missing": {"api": "ZeroDivisionError", "cache": "ZeroDivisionError"},
    }


def test_slow_logs_are_left_out_after_a_while(tmp_path: Path) -> None:
    """An engine that is slow to give its logs does not hold up the run."""

    class Slow(Talking):
        def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
            self.clock.sleep(recording.READING_LIMIT)
            return super().log_lines(component, since, until)

    found, _ = record(tmp_path, Slow)
    assert isinstance(found["logs"], dict)
    assert list(found["logs"]["missing"]) == ["cache"]


def test_secrets_of_the_components_do_not_go_along(tmp_path: Path) -> None:
    """A component's password is in no line, not even of another component or at the cut of a long line; a
    component with an unreadable environment may log unknown secrets, so its lines are left out.
    """
    password = "correct-horse-9"

    class Leaking(Talking):
        def environment(self, component: str) -> Mapping[str, str]:
            return {"REDIS_PASSWORD": password} if component == "cache" else {}

        def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
            cut = "x" * (recording.LONGEST_LINE_CHARACTERS - 8) + password
            return [LogLine(since, f"AUTH {password}"), LogLine(since, cut)]

    class Closed(Leaking):
        def environment(self, component: str) -> Mapping[str, str]:
            if component == "api":
                raise RuntimeFailure("could not inspect api")
            return super().environment(component)

    found, _ = record(tmp_path / "leaking", Leaking)
    assert isinstance(found["logs"], dict)
    assert set(found["logs"]["components"]) == {"api", "cache"}
    assert "AUTH ***" in json.dumps(found["logs"])
    assert "correct-" not in json.dumps(found)
    found, _ = record(tmp_path / "closed", Closed)
    assert isinstance(found["logs"], dict)
    assert list(found["logs"]["components"]) == ["cache"]
    assert "could not inspect api" in found["logs"]["missing"]["api"]


LINES = st.lists(st.tuples(st.floats(0, 100), st.text(max_size=30)), max_size=20)


@given(st.dictionaries(st.sampled_from(["api", "cache", "db"]), LINES), st.lists(st.floats(0, 100)))
def test_what_is_kept_is_bounded_and_is_the_nearest(
    lines: dict[str, list[tuple[float, str]]], moments: list[float]
) -> None:
    """The kept lines stay within the limits, no left-out line is nearer than a kept one, and all are
    counted.
    """

    def distance(at: float) -> float:
        return min((abs(at - moment) for moment in moments), default=0.0)

    # Small limits, so that lines are left out.
    with mock.patch.multiple(recording, MOST_LINES=5, MOST_TEXT_BYTES=200):
        kept = recording.chosen(lines, moments)
    assert sum(len(text.encode()) for each in kept.values() for _, text in each["lines"]) <= 200
    assert kept.keys() == {name for name, each in lines.items() if each}
    for name, each in kept.items():
        assert len(each["lines"]) <= 5
        assert len(each["lines"]) + each["left_out"] == len(lines[name])
        assert [at for at, _ in each["lines"]] == sorted(at for at, _ in each["lines"])
        left = sorted(distance(at) for at, _ in lines[name])[len(each["lines"]) :]
        if left and each["lines"]:
            assert max(distance(at) for at, _ in each["lines"]) <= left[0]


def test_no_component_has_more_than_its_lines() -> None:
    """One component keeps at most its number of lines, even short ones, and the others are counted."""
    kept = recording.chosen({"api": [(float(number), "ok") for number in range(500)]}, [250.0])["api"]
    assert (len(kept["lines"]), kept["left_out"]) == (recording.MOST_LINES, 500 - recording.MOST_LINES)
    assert kept["lines"][0][0] == pytest.approx(250.0 - recording.MOST_LINES / 2, abs=1.0)


def test_a_component_that_logs_much_takes_no_room_from_one_that_logs_little() -> None:
    """A single line among a flood of equally near lines is kept."""
    flood = [(1.0, "x" * 1000)] * 1000
    kept = recording.chosen({"gateway": flood, "api": flood, "worker": [(4.0, "out of memory")]}, [1.0])
    assert kept["worker"]["lines"] == [(4.0, "out of memory")]
    assert len(kept["api"]["lines"]) in range(len(kept["gateway"]["lines"]) - 1, 66)


def test_terminal_commands_and_very_long_lines_are_not_kept(tmp_path: Path) -> None:
    """Colours are removed, and a very long line is cut."""

    class Coloured(Talking):
        def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
            return [LogLine(since, "\x1b[31;1mERROR\x1b[0m\tfull\x00"), LogLine(since, "a" * 5000)]

    found, _ = record(tmp_path, Coloured)
    assert isinstance(found["logs"], dict)
    texts = [text for _, text in found["logs"]["components"]["api"]["lines"]]
    assert "ERROR\tfull" in texts
    assert max(map(len, texts)) == recording.LONGEST_LINE_CHARACTERS + 1


def test_moments_that_are_near_are_looked_at_once() -> None:
    """Stretches that touch are merged, so that no line comes twice."""
    assert recording.spans([30.0, 1.0, 2.0]) == [(-1.0, 7.0), (28.0, 35.0)]
