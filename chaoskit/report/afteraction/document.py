"""The after-action report as one HTML file."""

from __future__ import annotations

from chaoskit.report.afteraction import charts, story, tables, timeline
from chaoskit.report.afteraction.day import Day
from chaoskit.report.page import charts as of_experiments
from chaoskit.report.page.document import anchors, sections
from chaoskit.report.page.frame import framed
from chaoskit.report.page.markup import Html, join, tag


def render(day: Day) -> str:
    """The page: the day as a whole, and then each step as the ordinary report shows an experiment."""
    found = [(step.number, step.facts) for step in day.steps if step.facts is not None]
    facts = [each for _, each in found]
    ids = anchors(facts)
    return framed(
        brand="chaoskit after-action report",
        headline=story.headline(day),
        overview=_overview(day, {number: ids[id(each)] for number, each in found}),
        sections=join([timeline.section(day, 0), sections(facts, ids, first=1)]),
        charts=[charts.data(day), *map(of_experiments.data, facts)],
    )


def _overview(day: Day, ids: dict[int, str]) -> Html:
    interrupted = story.interrupted(day)
    parts: list[Html | None] = [tag("p", interrupted, class_="lead loud") if interrupted else None]
    if day.steps:
        parts += [
            tables.counts(day),
            tag("h2", "What broke, and why", id="why"),
            tables.reasons(day),
            tables.hypotheses(day, ids),
        ]
    return join(
        [
            *parts,
            tag("h2", "Open questions", id="questions"),
            tables.open_questions(day),
            tag("h2", "Stop conditions", id="stops"),
            tables.stop_conditions(day),
            tag("h2", "Notes", id="notes"),
            tables.notes(day),
            tag("h2", "About this game day", id="about"),
            tables.about(day),
        ]
    )
