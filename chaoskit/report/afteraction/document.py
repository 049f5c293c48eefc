"""The after-action report as one HTML file, and the first screen of that page.

The first screen tells what broke and why, what was seen for each hypothesis, and which questions are open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from chaoskit.report.afteraction import charts, story, timeline
from chaoskit.report.afteraction.day import OUTCOMES, Outcome, RecordedDay, RecordedStep
from chaoskit.report.page import charts as experiment_charts
from chaoskit.report.page import words
from chaoskit.report.page.document import anchors, sections
from chaoskit.report.page.html import Html, framed, join, tag


def render(day: RecordedDay) -> str:
    """The page: first the whole day, then each step as the ordinary report shows an experiment."""
    found = [(step.number, step.facts) for step in day.steps if step.facts is not None]
    facts = [each for _, each in found]
    ids = anchors(facts)
    return framed(
        brand="chaoskit after-action report",
        headline=story.headline(day),
        overview=_overview(day, {number: ids[id(each)] for number, each in found}),
        sections=join([timeline.section(day, 0), sections(facts, ids, first=1)]),
        charts=[charts.data(day), *map(experiment_charts.data, facts)],
    )


def _overview(day: RecordedDay, ids: dict[int, str]) -> Html:
    interrupted = story.interrupted(day)
    parts: list[Html | None] = [tag("p", interrupted, class_="lead loud") if interrupted else None]
    if day.steps:
        parts += [
            counts(day),
            tag("h2", "What broke, and why", id="why"),
            reasons(day),
            hypotheses(day, ids),
        ]
    return join(
        [
            *parts,
            tag("h2", "Open questions", id="questions"),
            open_questions(day),
            tag("h2", "Stop conditions", id="stops"),
            stop_conditions(day),
            tag("h2", "Notes", id="notes"),
            notes(day),
            tag("h2", "About this game day", id="about"),
            about(day),
        ]
    )


_OUTCOME_ICONS: dict[Outcome, str] = {"refuted": "broken", "open": "unknown", "confirmed": "held"}

_OUTCOME_MEANINGS: dict[Outcome, str] = {
    "refuted": "the system did not do what the team expected",
    "open": "not decided yet",
    "confirmed": "the system did what the team expected",
}


def counts(day: RecordedDay) -> Html:
    """How many hypotheses came to each outcome."""
    found = Counter(each.outcome for each in day.steps)
    items = [
        tag(
            "li",
            words.icon(_OUTCOME_ICONS[each]),
            tag("strong", str(found[each])),
            tag("span", each, class_="word"),
            tag("span", _OUTCOME_MEANINGS[each], class_="says"),
            class_=f"count {_OUTCOME_ICONS[each]}{'' if found[each] else ' nil'}",
        )
        for each in OUTCOMES
    ]
    return tag("ul", items, class_="counts")


def reasons(day: RecordedDay) -> Html:
    """What broke and why, then what held."""
    items = [
        tag(
            "li",
            _mark(each.outcome, story.mark(each)),
            " ",
            tag("strong", each.title),
            tag("span", story.why(each)),
        )
        for each in story.troubled(day)
    ]
    if good := [each.title for each in story.well(day)]:
        items.append(tag("li", _mark("confirmed", "as expected"), " ", tag("strong", "; ".join(good))))
    return tag("ul", items, class_="reasons")


def hypotheses(day: RecordedDay, ids: Mapping[int, str]) -> Html:
    """The table of hypotheses, one row for each step.

    Args:
        day: the game day.
        ids: the number of a step → the anchor of its section.
    """
    heads = ("Outcome", "Step", "Hypothesis", "What was seen", "Recovery", "How it ended")
    return tag(
        "table",
        tag("caption", "Hypotheses, and what was seen"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", [_row(day, each, ids.get(each.number)) for each in day.steps]),
        class_="cards experiments hypotheses",
    )


def _row(day: RecordedDay, step: RecordedStep, anchor: str | None) -> Html:
    shown = f"{step.number}. {step.name or 'unnamed'}"
    name = tag("a", shown, href=f"#{anchor}") if anchor else tag("span", shown)
    faults = [tag("span", tag("code", words.breakable(each)), class_="note") for each in step.faults]
    cells: Sequence[tuple[str, Html | str]] = (
        ("Hypothesis", step.hypothesis or words.NONE),
        ("What was seen", story.seen(step)),
        ("Recovery", story.recovery(step)),
        ("How it ended", story.ending(day, step)),
    )
    return tag(
        "tr",
        tag(
            "td",
            _mark(step.outcome, step.outcome),
            tag("span", story.judged(step), class_="note"),
            data_label="Outcome",
        ),
        tag("th", name, faults, scope="row", data_label="Step"),
        [tag("td", content, class_="says", data_label=label) for label, content in cells],
    )


def open_questions(day: RecordedDay) -> Html:
    """The questions that a person has to answer: those asked, and those that follow from the day."""
    items = []
    for each in story.questions(day):
        since = "follows from what happened" if each.at is None else f"asked at {story.clock(day, each.at)}"
        items.append(tag("li", tag("span", each.text, class_="says"), tag("span", since, class_="note")))
    return tag("ul", items, class_="open") if items else tag("p", "No question is open.", class_="note")


def stop_conditions(day: RecordedDay) -> Html:
    """The stop conditions, and when each fired, with the figures."""
    found = story.watched(day)
    if not found:
        return tag("p", "This game day had no stop condition.", class_="note")
    rows = [
        tag(
            "tr",
            tag("th", each.name, scope="row"),
            tag("td", each.text, class_="says"),
            tag("td", [_fired(day, at, text) for at, text in each.fired] or "did not fire", class_="says"),
        )
        for each in found
    ]
    heads = ("Condition", "Stops when", "Fired")
    table = tag(
        "table",
        tag("caption", "Stop conditions, and when each fired"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", rows),
        class_="moments conditions",
    )
    return words.scroller("Stop conditions", table)


def _fired(day: RecordedDay, at: float, text: str) -> Html:
    return tag("div", tag("strong", f"{story.clock(day, at)} ({words.since(at)} s)"), f" {text}")


def notes(day: RecordedDay) -> Html:
    """The notes that people typed."""
    items = [
        tag("li", tag("strong", story.clock(day, each.at)), " ", tag("span", each.text, class_="says"))
        for each in story.timeline(day)
        if each.kind == "note"
    ]
    return tag("ul", items, class_="open") if items else tag("p", "No note was taken.", class_="note")


def about(day: RecordedDay) -> Html:
    """The system, the times, and the set-up of the day."""
    pairs = [tag("div", tag("dt", name), tag("dd", value)) for name, value in story.about(day)]
    return tag("dl", pairs, class_="facts")


def _mark(outcome: Outcome, text: str) -> Html:
    return tag("span", words.icon(_OUTCOME_ICONS[outcome]), text, class_=f"seen {_OUTCOME_ICONS[outcome]}")
