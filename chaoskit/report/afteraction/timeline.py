"""The section of the whole day: the charts of each journey, and one list of all events."""

from __future__ import annotations

from chaoskit.report.afteraction import charts, story
from chaoskit.report.afteraction.day import RecordedDay, RecordedEvent, RecordedJourney
from chaoskit.report.page import charts as page_charts
from chaoskit.report.page import words
from chaoskit.report.page.html import Html, tag

_COLOURED_KINDS = frozenset({"stop", "not gone", "error", "gone", "recovered"})
"""The kinds of events that are good or bad news. The page shows them in colour."""


def section(day: RecordedDay, number: int) -> Html:
    """The section of the whole day.

    Args:
        day: the game day.
        number: its index in the data of the page.
    """
    return tag(
        "section",
        tag("h2", "The day", id="day", tabindex="-1"),
        _charts(day),
        tag("h3", "What happened, and when", id="events"),
        _events(day),
        tag("p", tag("a", "Back to the overview", href="#overview"), class_="onward"),
        class_="experiment",
        aria_labelledby="day",
        data_experiment=number,
    )


def _charts(day: RecordedDay) -> list[Html]:
    if not day.series.journeys:
        return [tag("p", "No journey was measured.", class_="note")]
    says = "Seconds count from the start of the day. Steps are shaded, darker while a fault was active."
    journeys = [_journey(day, number) for number in range(len(day.series.journeys))]
    return [tag("p", says, class_="note"), _zoom(day), *journeys]


def _zoom(day: RecordedDay) -> Html:
    buttons = [tag("button", "Whole day", type="button", data_zoom="all")]
    for step in day.steps:
        found = charts.span(step, day.series.end)
        if found is not None:
            until = max(found[1], step.recovered or found[1])
            buttons.append(
                tag(
                    "button",
                    f"Step {step.number}",
                    type="button",
                    title=step.name,
                    data_zoom="span",
                    data_from=round(found[0] - 10, 3),
                    data_to=round(until + 10, 3),
                )
            )
    return tag(
        "div",
        tag("span", "Zoom the charts to", class_="note"),
        buttons,
        tag("span", "or drag across a chart. Double-click to see everything again.", class_="note wide"),
        class_="zoom",
        role="group",
        aria_label="Zoom the charts of the day",
    )


def _journey(day: RecordedDay, number: int) -> Html:
    journey = day.series.journeys[number]
    requests, failed = sum(journey.arrivals), sum(journey.failed)
    rate = f"{words.share(failed, requests)} of {requests:,} failed." if requests else "No requests."
    worst = max((each for each in journey.p95 if each is not None), default=None)
    latency = f"Worst p95: {words.latency(worst)}." if worst is not None else "0 requests succeeded."
    return tag(
        "section",
        tag("h3", journey.name, id=f"day--{number}"),
        tag(
            "div",
            page_charts.rate(journey.name, number, rate),
            page_charts.latency(journey.name, number, latency),
            class_="charts",
        ),
        _table(day, journey),
        class_="journey",
        aria_labelledby=f"day--{number}",
    )


def _table(day: RecordedDay, journey: RecordedJourney) -> Html:
    found = charts.rows(day, journey)
    width, start = float(found["width"]), float(found["start"])
    worst = "Worst " if "worst" in found else ""
    heads = ("From", "Clock (UTC)", "Requests", "Failed", f"{worst}p50", f"{worst}p95", f"{worst}p99")
    lines = []
    for number, (requests, failed) in enumerate(zip(found["requests"], found["failed"], strict=True)):
        at = start + number * width
        cells = (
            story.clock(day, at),
            f"{requests:,}",
            f"{failed:,} ({words.share(failed, requests)})" if failed else "0",
            *(_latency(found[key][number]) for key in ("p50_ms", "p95_ms", "p99_ms")),
        )
        head = tag("th", f"{words.since(at)} s", scope="row")
        lines.append(tag("tr", head, [tag("td", cell) for cell in cells]))
    says = f". Each latency is that of the worst {day.series.width:g} s in the row." if worst else ""
    table = tag(
        "table",
        tag("caption", f"{journey.name}: one row for every {width:g} s{says}"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", lines),
        class_="figures",
    )
    return tag(
        "details",
        tag("summary", f"The figures of the charts as a table, one row for every {width:g} s"),
        words.scroller(f"Figures of {journey.name} over the day", table),
    )


def _latency(ms: float | None) -> str:
    return words.latency(None if ms is None else ms / 1000)


def _events(day: RecordedDay) -> Html:
    heads = ("Clock (UTC)", "Seconds", "Step", "Event", "What was seen or written")
    table = tag(
        "table",
        tag("caption", "All events, with what people wrote. Seconds count from the start of the day."),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", [_event(day, each) for each in story.timeline(day)]),
        class_="moments day",
    )
    return words.scroller("What happened on the day", table)


def _event(day: RecordedDay, event: RecordedEvent) -> Html:
    mark = f"moment {event.kind.replace(' ', '-')}" if event.kind in _COLOURED_KINDS else "moment"
    return tag(
        "tr",
        tag("td", story.clock(day, event.at), class_="figure"),
        tag("td", words.since(event.at), class_="figure"),
        tag("td", words.NONE if event.step is None else str(event.step)),
        tag("th", story.EVENTS.get(event.kind, event.kind), scope="row", class_=mark),
        tag("td", event.text, class_="says"),
    )
