"""The log lines that a journal has kept, with the moments between them."""

from __future__ import annotations

from typing import Any

from chaoskit.judge import DECISIVE, Moment, Verdict
from chaoskit.report.page import words
from chaoskit.report.page.facts import Facts
from chaoskit.report.page.markup import Html, tag

Entry = tuple[float, int, str, str]
"""(seconds from the zero, order at the same moment, component, text); a moment has no component."""


def section(facts: Facts, anchor: str) -> Html:
    """What the components logged around the moments that matter, in the order of time."""
    logs: dict[str, Any] | None = facts.record.get("logs")
    heading = tag("h3", "What the components logged", id=f"{anchor}--logs")
    if logs is None:
        return tag("div", heading, tag("p", "This journal has no log lines.", class_="note"))
    lines = _lines(facts, logs)
    left_out = sum(each["left_out"] for each in logs["components"].values())
    missing = [tag("li", f"{name}: {reason}") for name, reason in logs["missing"].items()]
    parts: list[Html] = [heading]
    if missing:
        parts.append(tag("p", "These logs could not be read:"))
        parts.append(tag("ul", missing, class_="errors"))
    if not lines:
        parts.append(tag("p", "Nothing was logged around the moments that matter.", class_="note"))
        return tag("div", parts)
    says = f"{words.plural(len(lines), 'line')} of {words.plural(len(logs['components']), 'component')}"
    if left_out:
        says += f"; {left_out:,} that were further from any moment are left out"
    return tag(
        "div",
        parts,
        tag("details", tag("summary", says), _table(facts, lines), open=facts.verdict is not Verdict.HELD),
    )


def _lines(facts: Facts, logs: dict[str, Any]) -> list[Entry]:
    origin = facts.zero
    return [
        (at - origin, 1, name, text)
        for name, each in logs["components"].items()
        for at, text in each["lines"]
    ]


def _table(facts: Facts, lines: list[Entry]) -> Html:
    moments = [_moment(each) for each in facts.moments if each.name in DECISIVE]
    rows = [_row(*entry) for entry in sorted([*lines, *moments], key=lambda entry: entry[:2])]
    heads = ("Seconds", "Component", "Line")
    table = tag(
        "table",
        tag("caption", "Near the moments that matter, on the engine's time stamps"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", rows),
        class_="log",
    )
    return words.scroller(f"Log lines of {facts.name}", table)


def _moment(moment: Moment) -> Entry:
    name = words.MOMENTS.get(moment.name, moment.name)
    return moment.at, 0, "", f"{moment.journey} {name}" if moment.journey else name


def _row(at: float, order: int, component: str, text: str) -> Html:
    when = tag("td", words.since(at), class_="figure")
    if not component:
        return tag("tr", when, tag("th", text, scope="row", colspan="2"), class_="mark")
    return tag("tr", when, tag("td", component), tag("td", text, class_="text"))
