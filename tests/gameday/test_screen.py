"""The screen, drawn from made-up snapshots."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from chaoskit.faults import CacheLoss
from chaoskit.gameday.conditions import Condition, Reading
from chaoskit.gameday.record import DayEvent
from chaoskit.gameday.runbook import Step
from chaoskit.gameday.screen import render
from chaoskit.gameday.snapshot import ActiveNow, ComponentLook, JourneyNow, Snapshot, SystemLook, take
from tests.gameday.days import Played

STOP = Condition(name="no sales", measure="availability_below", bound=0.9, journey="buy")
SHOT = Snapshot(
    title="Friday's game day",
    wall=datetime(2026, 5, 1, 14, 30, 5, tzinfo=UTC),
    elapsed=754.0,
    phase="active",
    phase_left=7.0,
    journeys=(
        JourneyNow("browse", 20.0, 0.998, 0.02, 0.6, "degraded", (*[0.3] * 28, 1.4, 0.9)),
        JourneyNow("buy", 10.0, 0.42, 0.03, 0.05, "OUTSIDE", (*[None] * 3, *[0.1] * 25, -1.0, -1.0)),
        JourneyNow("search", 0.0, None, None, None, "no data", (None,) * 30),
        *(JourneyNow(f"j{n}", 5.0, 1.0, 0.02, 1.2, "SLO", (0.1,) * 30) for n in range(4)),
    ),
    system=SystemLook(
        (
            ComponentLook("cache", False, "exited (137)"),
            ComponentLook("api-1", True, "healthy"),
            ComponentLook("db", True, "running"),
        ),
        ("api-1→cache:6379 cut: refuse",),
    ),
    active=(ActiveNow("CacheLoss('cache')", 12.6, "active", "a fresh connection is refused"),),
    step="lose the cache",
    next_step=Step(name="hang", faults=(CacheLoss("cache", how="hang"),), hypothesis="no worse than dead"),
    readings=(Reading(STOP, 0.42, True, 1.0, "buy 42% of 50"),),
    events=tuple(DayEvent(float(n), "note", f"event {n}") for n in range(12)),
)


def drawn(shot: Snapshot, width: int, height: int) -> list[str]:
    """The lines of a terminal of that size."""
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(render(shot, width, height), end="")
    return capture.get().rstrip("\n").split("\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (50, 30), (40, 16), (200, 60)])
def test_it_fits_every_terminal(width: int, height: int) -> None:
    """No line is longer than the terminal, and there are no more than it has."""
    lines = drawn(SHOT, width, height)
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    typing = drawn(take_typed("x" * 300), width, height)
    assert len(typing) <= height
    assert max(map(cell_len, typing)) <= width


def take_typed(text: str) -> Snapshot:
    """The same snapshot while a person types."""
    values = {name: getattr(SHOT, name) for name in Snapshot.__dataclass_fields__}
    return Snapshot(**{**values, "prompt": "note", "typed": text, "hints": ("Kill api", "Kill cache")})


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_everything_important_is_in_words(width: int, height: int) -> None:
    """Clock, journeys against their SLO, injected faults with their evidence, the next step and the stop
    conditions are shown in words, never by colour alone.
    """
    text = "\n".join(drawn(SHOT, width, height))
    for wanted in (
        "Friday's game day",
        "14:30:05  +12:34",
        "1 FAULT INJECTED",
        "active 7 s left",
        "degraded",
        "✘ OUTSIDE",
        "· no data",
        "✔ in SLO",
        "42.0%",
        "CacheLoss('cache') active 13 s",
        "connection is refused",
        "✘ cache exited (137)",
        "api-1→cache:6379 cut",
        "hang: CacheLoss('cache', how='hang')",
        "no worse than dead",
        "FIRES no sales",
        "event 11",
        "x LIFT EVERYTHING",
        "? question",
    ):
        assert wanted in text, f"{wanted}\n{text}"


def test_the_last_minute_shows_failures_and_slowness_by_symbols() -> None:
    """A stretch above the bound is `!`, and one with more failures than the SLO allows is `✗`."""
    browse, buy = drawn(SHOT, 120, 40)[3:5]
    assert browse.rstrip().endswith("▃▃!▇")
    assert buy.rstrip().endswith("▁▁✗✗")


def test_the_end_of_a_typed_line_stays_visible() -> None:
    """A long line shows its end, where the next letter comes."""
    text = "\n".join(drawn(take_typed("a" * 200 + "konec"), 80, 24))
    assert "note> " in text
    assert "konec▏" in text
    assert "Kill api  Kill cache" in text


def test_a_snapshot_shows_the_present_step(tmp_path: Path) -> None:
    """In the fault window a snapshot has the figures of the last seconds, the step and the fault."""
    shots = {}

    def look(day: object) -> None:
        played = day
        shots[round(played.now(), 1)] = take(played, SystemLook())  # type: ignore[attr-defined, arg-type]

    book = "steps: [{name: lose it, fault: {CacheLoss: {component: cache}}, active: 8}, {fault: {Kill: api}}]"
    Played(book, tmp_path, when=look)
    before, during = shots[6.0], shots[13.0]
    assert [each.state for each in before.journeys] == ["SLO", "SLO", "SLO"]
    assert [each.state for each in during.journeys] == ["degraded", "SLO", "OUTSIDE"]
    assert during.journeys[0].p95 == pytest.approx(0.4)
    assert during.journeys[0].rate == pytest.approx(20, abs=0.5)
    assert (during.phase, during.step) == ("active", "lose it")
    assert during.next_step is not None
    assert during.next_step.name == "Kill('api')"
    assert during.active[0].seconds == pytest.approx(7, abs=0.5)
