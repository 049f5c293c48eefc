"""The section of one experiment: its summary, its time line, its journeys and its log lines."""

from __future__ import annotations

from chaoskit.judge import DECISIVE, Moment, Verdict
from chaoskit.record.journal_types import LogsRecord
from chaoskit.report.page import journey, words
from chaoskit.report.page.facts import ZERO_MOMENTS, Facts
from chaoskit.report.page.html import Html, tag
from chaoskit.report.page.overview import failover, recovery, why

MOST_REASON_CHARACTERS = 4000
"""The section shows at most so many characters of a reason."""


def section(facts: Facts, number: int, anchor: str, following: tuple[str, str] | None) -> Html:
    """The section of an experiment.

    Args:
        facts: the experiment.
        number: its index in the data of the page.
        anchor: its own anchor.
        following: the anchor and the name of the next experiment.
    """
    return tag(
        "section",
        tag("h2", words.badge(facts.verdict), " ", words.breakable(facts.name), id=anchor, tabindex="-1"),
        [tag("p", part, class_="lead") for part in facts.about.split("\n\n") if part],
        _summary(facts),
        tag("h3", "What happened, and when", id=f"{anchor}--when"),
        _moments(facts),
        _findings(facts),
        _zoom(facts),
        [journey.section(facts, each, anchor) for each in range(len(facts.journeys))],
        log_section(facts, anchor),
        tag(
            "p",
            tag("a", "Back to the overview", href="#overview"),
            tag("a", f"Next: {following[1]}", href=f"#{following[0]}") if following else None,
            class_="onward",
        ),
        class_="experiment",
        aria_labelledby=anchor,
        data_experiment=number,
    )


def _summary(facts: Facts) -> Html:
    impact = facts.record["impact"]
    hit = [
        *(f"{name} lost" for name in impact["lost"]),
        *(f"{name} strained" for name in impact["strained"]),
        *(f"{a}→{b} severed" for a, b in impact["severed"]),
        *(f"{a}→{b} hampered" for a, b in impact["hampered"]),
    ]
    reset = facts.record.get("reset")
    pairs: list[tuple[str, Html | str]] = [
        ("Fault", tag("code", words.breakable(facts.fault))),
        ("What it hit", ", ".join(hit) or "nothing"),
        ("Stage", facts.stage or words.NONE),
        ("Blast radius", ", ".join(facts.judgement.blast_radius) or "none"),
        *([("Fail-over", failover(facts))] if failover(facts) else []),
        ("Recovery", recovery(facts)),
        ("Test", tag("code", words.breakable(facts.test)) if facts.test else words.NONE),
        ("Journal", tag("code", words.breakable(facts.file))),
    ]
    if reset and reset.get("rebuilt"):
        pairs.append(("Environment", f"rebuilt before this experiment: {reset['why']}"))
    reason = tag(
        "div", tag("dt", "What broke, and why"), tag("dd", why(facts, MOST_REASON_CHARACTERS)), class_="whole"
    )
    rest = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs]
    return tag("dl", reason, rest, class_="facts")


def _moments(facts: Facts) -> Html:
    clock = facts.wall is not None
    heads = ["Seconds", *(["Clock (UTC)"] if clock else []), "Moment", "What was seen"]
    table = tag(
        "table",
        tag("caption", f"Seconds count from the moment when {ZERO_MOMENTS[facts.zero_is]}"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", [_moment(each, facts.wall) for each in facts.moments]),
        class_="moments",
    )
    return words.scroller(f"What happened in {facts.name}", table)


def _moment(moment: Moment, wall: float | None) -> Html:
    name = words.MOMENTS.get(moment.name, moment.name)
    whose = f"{moment.journey} {name}" if moment.journey else name
    return tag(
        "tr",
        tag("td", words.since(moment.at), class_="figure"),
        tag("td", words.clock(wall + moment.at), class_="figure") if wall is not None else None,
        tag("th", whose, scope="row", class_=f"moment {moment.name}".rstrip()),
        tag("td", moment.says, class_="says"),
    )


def _findings(facts: Facts) -> Html | None:
    if not facts.judgement.findings:
        return None
    found = [journey.finding(each) for each in facts.judgement.findings]
    return tag("div", tag("h3", "The experiment as a whole"), tag("ul", found, class_="findings"))


def _zoom(facts: Facts) -> Html:
    """Buttons that zoom the charts without a mouse. The page hides them where its script does not run."""
    buttons = [("all", "Whole experiment")]
    if facts.times.inject is not None:
        buttons.append(("fault", "Fault"))
    if facts.times.calm is not None:
        buttons.append(("recovery", "Recovery"))
    return tag(
        "div",
        tag("span", "Zoom the charts to", class_="note"),
        [tag("button", text, type="button", data_zoom=name) for name, text in buttons],
        tag("span", "or drag across a chart. Double-click to see everything again.", class_="note wide"),
        class_="zoom",
        role="group",
        aria_label=f"Zoom the charts of {facts.name}",
    )


Entry = tuple[float, int, str, str]
"""(seconds from the zero, order at the same moment, component, text). A moment has an empty component."""


def log_section(facts: Facts, anchor: str) -> Html:
    """What the components logged around the moments that matter, in the order of time."""
    logs = facts.record.get("logs")
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
        parts.append(tag("p", "No component logged anything near a key moment.", class_="note"))
        return tag("div", parts)
    says = f"{words.plural(len(lines), 'line')} from {words.plural(len(logs['components']), 'component')}"
    if left_out:
        says += f" (not kept: {words.plural(left_out, 'line')} further from a key moment)"
    return tag(
        "div",
        parts,
        tag("details", tag("summary", says), _table(facts, lines), open=facts.verdict is not Verdict.HELD),
    )


def _lines(facts: Facts, logs: LogsRecord) -> list[Entry]:
    origin = facts.zero
    return [
        (at - origin, 1, name, text)
        for name, each in logs["components"].items()
        for at, text in each["lines"]
    ]


def _table(facts: Facts, lines: list[Entry]) -> Html:
    moments = [_log_moment(each) for each in facts.moments if each.name in DECISIVE]
    rows = [_row(*entry) for entry in sorted([*lines, *moments], key=lambda entry: entry[:2])]
    heads = ("Seconds", "Component", "Line")
    table = tag(
        "table",
        tag("caption", "Log lines near the key moments, by the time stamps of the Docker engine"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", rows),
        class_="log",
    )
    return words.scroller(f"Log lines of {facts.name}", table)


def _log_moment(moment: Moment) -> Entry:
    name = words.MOMENTS.get(moment.name, moment.name)
    return moment.at, 0, "", f"{moment.journey} {name}" if moment.journey else name


def _row(at: float, order: int, component: str, text: str) -> Html:
    when = tag("td", words.since(at), class_="figure")
    if not component:
        return tag("tr", when, tag("th", text, scope="row", colspan="2"), class_="mark")
    return tag("tr", when, tag("td", component), tag("td", text, class_="text"))
