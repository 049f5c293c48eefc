"""One journey of an experiment: its findings, its charts, and the figures of the charts as tables."""

from __future__ import annotations

from chaoskit.judge import Finding, Summary
from chaoskit.report.page import charts, words
from chaoskit.report.page.facts import Facts, JourneyFacts
from chaoskit.report.page.html import Html, tag

MOST_ERROR_KINDS = 6
"""At most so many kinds of errors are listed."""

_PHASE_NAMES = {"control": "control", "fault": "fault", "after": "recovery"}

_DECLARATIONS = {
    "needs": "Needs what the fault hit",
    "uses": "Uses what the fault hit",
    "neither": "Neither needs nor uses what the fault hit",
}


def section(facts: Facts, number: int, anchor: str) -> Html:
    """The journey's part of an experiment.

    Args:
        facts: the experiment.
        number: the index of the journey in the experiment.
        anchor: the anchor of the experiment.
    """
    journey = facts.journeys[number]
    name, judged = journey.terms.name, journey.judged
    declared = _DECLARATIONS[journey.cell.declared] if facts.times.inject is not None else "No fault"
    stands = f"{declared}: {words.STANDINGS[judged.standing]}."
    return tag(
        "section",
        tag("h3", words.badge(judged.verdict), " ", name, id=f"{anchor}--{number}"),
        tag("p", stands, class_="note"),
        tag("ul", [finding(each) for each in judged.findings], class_="findings"),
        tag(
            "div",
            charts.rate(name, number, _label(journey, "rate")),
            charts.latency(name, number, _label(journey, "latency")),
            class_="charts",
        ),
        _phases(journey),
        _errors(facts, journey),
        _by_bins(facts, journey),
        class_="journey",
        aria_labelledby=f"{anchor}--{number}",
    )


def finding(found: Finding) -> Html:
    """A promise, and whether it was kept."""
    return tag("li", words.badge(found.verdict), " ", tag("strong", found.promise), f": {found.reason}")


def _label(journey: JourneyFacts, kind: str) -> str:
    said = []
    for phase, word in _PHASE_NAMES.items():
        summary = journey.judged.summary.get(phase)
        if summary is None or not summary.samples:
            continue
        if kind == "rate":
            said.append(f"{word}: {words.share(summary.failed, summary.samples)} of {summary.samples} failed")
        else:
            said.append(f"{word}: p95 {words.latency(summary.p95)}")
    return f"{'; '.join(said)}." if said else "No requests."


def _phases(journey: JourneyFacts) -> Html | None:
    heads = ("Phase", "Requests", "Failed", "p50", "p95", "p99", "Slowest", "Worst second", "Longest burst")
    found = [(word, journey.judged.summary.get(phase)) for phase, word in _PHASE_NAMES.items()]
    seen = [_phase(word, each) for word, each in found if each is not None and each.samples]
    if not seen:
        return None
    return words.scroller(
        f"Figures of {journey.terms.name} by phase",
        tag(
            "table",
            tag(
                "caption",
                "Figures by phase. Latencies are those of successful requests, from their intended start.",
            ),
            tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
            tag("tbody", seen),
            class_="figures",
        ),
    )


def _phase(word: str, each: Summary) -> Html:
    cells = (
        f"{each.samples:,}",
        f"{each.failed:,} ({words.share(each.failed, each.samples)})" if each.failed else "0",
        words.latency(each.p50),
        words.latency(each.p95),
        words.latency(each.p99),
        words.latency(each.slowest),
        f"{each.worst_share:.0%} bad",
        words.seconds(each.longest_burst),
    )
    return tag("tr", tag("th", word, scope="row"), [tag("td", cell) for cell in cells])


def _errors(facts: Facts, journey: JourneyFacts) -> Html | None:
    if not journey.failures:
        return None
    items = [
        tag(
            "li",
            tag("strong", words.plural(each.count, "time")),
            " ",
            tag("code", each.error or "no answer before the load ended"),
            tag("span", f"first at {words.since(each.first - facts.zero)} s", class_="note"),
        )
        for each in journey.failures[:MOST_ERROR_KINDS]
    ]
    if more := len(journey.failures[MOST_ERROR_KINDS:]):
        items.append(tag("li", f"and {words.plural(more, 'other kind')} of error", class_="note"))
    return tag("div", tag("h4", "Errors of the failed requests"), tag("ul", items, class_="errors"))


def _by_bins(facts: Facts, journey: JourneyFacts) -> Html:
    found = journey.rows
    heads = ("From", "Requests", "Per second", "Failed", "p50", "p95", "p99")
    lines = []
    for number in range(len(found)):
        requests, failed, seconds = found.requests[number], found.failed[number], found.seconds[number]
        cells = (
            f"{requests:,}",
            f"{requests / seconds:.1f}" if seconds else words.NONE,
            f"{failed:,} ({words.share(failed, requests)})" if failed else "0",
            words.latency(found.p50[number]),
            words.latency(found.p95[number]),
            words.latency(found.p99[number]),
        )
        start = f"{words.since(facts.edge - facts.zero + found.start + number * found.width)} s"
        lines.append(tag("tr", tag("th", start, scope="row"), [tag("td", cell) for cell in cells]))
    name = journey.terms.name
    table = tag(
        "table",
        tag("caption", f"{name}: one row for every {found.width:g} s"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", lines),
        class_="figures",
    )
    return tag(
        "details",
        tag("summary", f"The figures of the charts as a table, one row for every {found.width:g} s"),
        words.scroller(f"Figures of {name} over time", table),
    )
