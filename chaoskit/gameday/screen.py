"""The screen of a game day: turns a snapshot into a renderable of rich. Pure.

Words and symbols say everything; colours only repeat it.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.table import Table
from rich.text import Text

from chaoskit.gameday.conditions import Reading
from chaoskit.gameday.snapshot import BAR_COUNT, JourneyNow, Snapshot

NARROW_COLUMNS = 76
"""Terminals with fewer columns show everything in one column."""

_BAR_BLOCKS = "▁▂▃▄▅▆▇█"
_STATE_SYMBOLS = {
    "SLO": ("✔ in SLO", "green"),
    "degraded": ("~ degraded", "yellow"),
    "OUTSIDE": ("✘ OUTSIDE", "bold red"),
    "no data": ("· no data", "dim"),
}
_KEYS = (
    ("space", "next step/lift"),
    ("i", "inject"),
    ("l", "lift one"),
    ("x", "LIFT EVERYTHING"),
    ("n", "note"),
    ("?", "question"),
    ("h", "hypothesis"),
    ("p", "pause"),
    ("q", "end"),
)


def render(shot: Snapshot, width: int, height: int) -> RenderableType:
    """The whole screen, for a terminal of this size."""
    keys = _keys(width) if shot.prompt is None else [_while_typing()]
    below = _prompt(shot, width) or _message(shot)
    journeys = min(len(shot.journeys) + 1, max(3, height // 2 - 1))
    fixed = 2 + journeys + len(below) + len(keys)
    events = max(1, min(len(shot.events), 12, (height - fixed) // (3 if height < 30 else 2)))
    root = Layout()
    root.split_column(
        Layout(Group(*_head(shot, width)), size=2),
        Layout(_journeys(shot, width), size=journeys),
        middle := Layout(name="middle"),
        Layout(Group(*_events(shot, events, width)), size=events),
        Layout(Group(*below), size=len(below), visible=bool(below)),
        Layout(Group(*keys), size=len(keys)),
    )
    if width < NARROW_COLUMNS:
        middle.update(Group(*_injected(shot), *_next(shot), *_stops(shot, width), *_system(shot)))
    else:
        middle.split_row(
            Layout(Group(*_injected(shot), *_next(shot), *_stops(shot, width * 3 // 5)), ratio=3),
            Layout(Group(*_system(shot)), ratio=2),
        )
    return root


def _head(shot: Snapshot, width: int) -> list[Text]:
    clock = f"{shot.wall:%H:%M:%S}  +{_minutes(shot.elapsed)}"
    title = Text(shot.title, style="bold", no_wrap=True, overflow="ellipsis")
    title.truncate(max(8, width - len(clock) - 2), overflow="ellipsis", pad=True)
    phase = shot.phase + (f" {shot.phase_left:.0f} s left" if shot.phase_left is not None else "")
    state = Text(f"{phase}{f': {shot.step}' if shot.step else ''}", no_wrap=True, overflow="ellipsis")
    if shot.active:
        faults = "FAULT" if len(shot.active) == 1 else "FAULTS"
        state = Text.assemble((f" {len(shot.active)} {faults} INJECTED ", "bold white on red"), " ", state)
    if shot.paused:
        state.append("  [run book paused]", style="yellow")
    return [Text.assemble(title, "  ", clock, no_wrap=True), state]


def _journeys(shot: Snapshot, width: int) -> Table:
    wide = width >= NARROW_COLUMNS
    table = Table.grid(padding=(0, 1))
    table.add_column("journey", no_wrap=True, max_width=18 if wide else 12)
    for name in ("rate/s", "ok", "p50", "p95"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    head = ["journey, 5 s", "/s", "ok", "p50", "p95", "SLO"]
    if wide:
        table.add_column("spark", no_wrap=True, overflow="crop")
        head.append("last minute: p95, ✗ fails")
    table.add_row(*(Text(each, style="dim") for each in head))
    bars = max(8, min(BAR_COUNT, width - 58))
    for each in shot.journeys:
        symbol, style = _STATE_SYMBOLS[each.state]
        cells = [
            Text(each.name, overflow="ellipsis"),
            Text(f"{each.rate:.1f}"),
            Text("-" if each.ok is None else f"{each.ok * 100:.1f}%"),
            Text(_seconds(each.p50)),
            Text(_seconds(each.p95)),
            Text(symbol, style=style),
        ]
        table.add_row(*cells, *([_spark(each, bars)] if wide else []))
    return table


def _spark(each: JourneyNow, bars: int) -> Text:
    text = Text(no_wrap=True)
    for value in each.bars[-bars:]:
        if value is None:
            text.append(" ")
        elif value < 0:
            text.append("✗", style="bold red")
        else:
            over = value > 1
            level = min(len(_BAR_BLOCKS) - 1, int(value * (len(_BAR_BLOCKS) - 1)))
            text.append("!" if over else _BAR_BLOCKS[level], style="red" if over else "green")
    return text


def _injected(shot: Snapshot) -> list[Text]:
    if not shot.active:
        return [Text("injected: nothing", style="dim")]
    found = []
    for each in shot.active:
        line = Text.assemble(
            (f"▲ {each.name}", "bold red"), f" {each.phase} {each.seconds:.0f} s", overflow="fold"
        )
        if each.evidence:
            line.append(f" · {each.evidence}", style="dim")
        found.append(line)
    return found


def _next(shot: Snapshot) -> list[Text]:
    step = shot.next_step
    if step is None:
        return [Text("next: no more steps in the run book", style="dim")]
    faults = " + ".join(each.name for each in step.faults)
    name = step.name if step.name == faults else f"{step.name}: {faults}"
    found = [Text.assemble(("next ", "dim"), name, overflow="ellipsis")]
    if step.hypothesis:
        found.append(Text.assemble(("  expected: ", "dim"), step.hypothesis))
    return found


def _stops(shot: Snapshot, width: int) -> list[Text]:
    return [_stop(each, width) for each in shot.readings]


def _stop(reading: Reading, width: int) -> Text:
    filled = round(reading.near * 10)
    bar = "█" * filled + "░" * (10 - filled)
    style = "bold red" if reading.fires else "yellow" if reading.near >= 0.7 else "dim"
    word = "FIRES " if reading.fires else ""
    text = Text(f"stop {bar} {word}{reading.condition.title} (now {reading.says})", style=style, no_wrap=True)
    text.truncate(max(20, width - 1), overflow="ellipsis")
    return text


def _system(shot: Snapshot) -> list[Text]:
    found = [
        Text(f"✘ {each.name} {each.says}", style="bold red")
        for each in shot.system.components
        if not each.well
    ]
    found += [
        Text(f"⚡ {each}", style="red", overflow="ellipsis", no_wrap=True) for each in shot.system.links
    ]
    well = [each.name for each in shot.system.components if each.well]
    if well:
        found.append(Text.assemble(("✔ ", "green"), "  ".join(well)))
    return found


def _events(shot: Snapshot, most: int, width: int) -> list[Text]:
    found = []
    for each in shot.events[-most:]:
        style = (
            "bold"
            if each.kind in ("stop", "lift all", "verified")
            else "bold red"
            if each.kind in ("error", "not gone")
            else "dim"
        )
        text = Text(f"{_minutes(each.at)} {each.kind}: {each.text}", style=style, no_wrap=True)
        text.truncate(width, overflow="ellipsis")
        found.append(text)
    return found


def _prompt(shot: Snapshot, width: int) -> list[Text]:
    if shot.prompt is None:
        return []
    asks = f"{shot.prompt}> "
    room = max(8, width - len(asks) - 2)
    lines = [Text.assemble((asks, "bold"), shot.typed[-room:], ("▏", "bold"), no_wrap=True)]
    if shot.hints:
        hints = Text("  ".join(shot.hints), style="dim", no_wrap=True)
        hints.truncate(width, overflow="ellipsis")
        lines.append(hints)
    return lines


def _message(shot: Snapshot) -> list[Text]:
    return (
        [Text(shot.message, style="bold yellow", no_wrap=True, overflow="ellipsis")] if shot.message else []
    )


def _while_typing() -> Text:
    keys = (("Enter", "done"), ("Esc", "cancel"), ("Ctrl-X", "LIFT EVERYTHING"))
    parts = [part for key, word in keys for part in ((key, "reverse"), f" {word}  ")]
    return Text.assemble(*parts, no_wrap=True)


def _keys(width: int) -> list[Text]:
    lines: list[Text] = [Text(no_wrap=True)]
    for key, word in _KEYS:
        part = f"{key} {word}"
        if len(lines[-1]) and len(lines[-1]) + 2 + len(part) > width:
            lines.append(Text(no_wrap=True))
        if len(lines[-1]):
            lines[-1].append("  ")
        lines[-1].append(key, style="reverse" if key != "x" else "bold white on red")
        lines[-1].append(f" {word}")
    return lines


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"
