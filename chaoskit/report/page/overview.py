"""The first screen of the report: what was tried, what held, what broke and why, how long recovery took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chaoskit.judge import Finding, Verdict
from chaoskit.judge.verdict import duration
from chaoskit.report.page import words
from chaoskit.report.page.facts import Facts, worst_recovery
from chaoskit.report.page.html import Html, join, tag

VERDICT_ORDER = (Verdict.BROKEN, Verdict.UNKNOWN, Verdict.HELD)
"""What needs attention comes first."""

MOST_TABLE_CHARACTERS = 180
"""A table shows at most so many characters of a reason; the section of the experiment has the rest."""

_MEANINGS = {
    Verdict.BROKEN: "a promise was broken, and not by chance",
    Verdict.UNKNOWN: "the evidence does not decide; this is not a pass",
    Verdict.HELD: "every promise was kept",
}


def headline(experiments: Sequence[Facts]) -> str:
    """``3 experiments: 1 broken, 1 unknown, 1 held``: the result in one line."""
    counts = Counter(each.verdict for each in experiments)
    total = len(experiments)
    if not total:
        return "No experiment ran on the system as it is"
    if counts[Verdict.HELD] == total:
        return "The experiment held" if total == 1 else f"All {total} experiments held"
    said = [f"{counts[each]} {each.value}" for each in (Verdict.BROKEN, Verdict.UNKNOWN) if counts[each]]
    said.append(f"{counts[Verdict.HELD] or 'none'} held")
    return f"{words.plural(total, 'experiment')}: {', '.join(said)}"


def counts(experiments: Sequence[Facts]) -> Html:
    """How many experiments came to each verdict."""
    found = Counter(each.verdict for each in experiments)
    return tag(
        "ul",
        [
            tag(
                "li",
                words.icon(verdict.value),
                tag("strong", str(found[verdict])),
                tag("span", verdict.name, class_="word"),
                tag("span", _MEANINGS[verdict], class_="says"),
                class_=f"count {verdict.value}{'' if found[verdict] else ' nil'}",
            )
            for verdict in VERDICT_ORDER
        ],
        class_="counts",
    )


def run_facts(experiments: Sequence[Facts]) -> Html:
    """The system, the runs, and when their journals were written."""
    records = [each.record for each in experiments]
    written = sorted({words.written(str(record["run"]["written_at"])) for record in records})
    span = written[0] if written[:1] == written[-1:] else f"{written[0]} to {written[-1]}"
    samples = sum(each.requests for facts in experiments for each in facts.journeys)
    pairs = (
        ("System", ", ".join(_distinct(path for record in records for path in record["system"]["compose"]))),
        ("Journals written", span),
        ("Run", ", ".join(_distinct(record["run"]["id"] for record in records))),
        ("Seed", ", ".join(_distinct(str(record["run"]["seed"]) for record in records))),
        ("Requests judged", f"{samples:,}"),
    )
    return tag("dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs], class_="facts")


def _distinct(values: Any) -> list[str]:
    return list(dict.fromkeys(str(value) for value in values))


def table(experiments: Sequence[Facts], ids: Mapping[int, str], caption: str) -> Html:
    """One row for each experiment.

    Args:
        experiments: in the order of the page.
        ids: ``id()`` of an experiment → the anchor of its section.
        caption: the heading of the table.
    """
    heads = ("Verdict", "Experiment", "Fault", "What broke, and why", "Blast radius", "Recovery")
    return tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
        tag("tbody", [_row(each, ids[id(each)]) for each in experiments]),
        class_="cards experiments",
    )


def _row(facts: Facts, anchor: str) -> Html:
    fault: list[Html | str] = [tag("code", words.breakable(facts.fault))]
    if facts.stage:
        fault.append(tag("span", facts.stage, class_="note"))
    name: list[Html | str] = [tag("a", words.breakable(facts.name), href=f"#{anchor}")]
    if facts.about:
        name.append(tag("span", facts.about.split("\n\n")[0], class_="note"))
    cells = (
        ("Fault", fault),
        ("What broke, and why", [why(facts, MOST_TABLE_CHARACTERS)]),
        ("Blast radius", [", ".join(facts.judgement.blast_radius) or "none"]),
        ("Recovery", [recovery(facts)]),
    )
    return tag(
        "tr",
        tag("td", words.badge(facts.verdict), data_label="Verdict"),
        tag("th", name, scope="row", data_label="Experiment"),
        [tag("td", content, data_label=label) for label, content in cells],
    )


def why(facts: Facts, characters: int) -> Html:
    """The first reason for the verdict, cut to ``characters``, and how many more there are."""
    if facts.verdict is Verdict.HELD:
        return tag("span", _held_reason(facts))
    first, *others = facts.decisive or (
        Finding("", "experiment", facts.verdict, "the journal gives no reason"),
    )
    more = f"and {words.plural(len(others), 'more finding')}" if others else None
    return join([reason(first, characters), tag("span", more, class_="note") if more else None])


def reason(finding: Finding, characters: int) -> Html:
    """A finding in words: the journey and its promise, then the reason."""
    whose = f"{finding.journey}: {finding.promise}" if finding.journey else finding.promise
    lead = None if whose == "experiment" else join([tag("strong", whose), ": "])
    return tag("span", lead, words.shortened(finding.reason, characters))


def _held_reason(facts: Facts) -> str:
    seen: dict[str, list[str]] = {}
    for name, cell in facts.row.cells.items():
        seen.setdefault(cell.seen, []).append(name)
    phrases = {
        "held": "kept the full SLO",
        "degraded": "left the full SLO but kept what it owed",
        "failed": "failed, as allowed, and recovered",
    }
    if len(seen) == 1 and len(facts.row.cells) > 1:
        ((key, _),) = seen.items()
        return f"Nothing: all {len(facts.row.cells)} journeys {phrases.get(key, key)}"
    said = [f"{', '.join(seen[key])} {phrase}" for key, phrase in phrases.items() if key in seen]
    return "Nothing: " + "; ".join(said) if said else "Nothing"


def failover(facts: Facts) -> str:
    """How long the journeys took to reach their degraded SLO; empty where none left it."""
    return "; ".join(
        f"{each.journey} {each.failover.short()}"
        for each in facts.judgement.journeys
        if each.failover is not None and each.failover.disturbed
    )


def recovery(facts: Facts) -> Html:
    """How long the slowest journey took, with its interval, against its deadline."""
    slowest = worst_recovery(facts)
    if slowest is None or slowest.recovery is None:
        return tag("span", words.NONE, tag("span", "not judged", class_="note"))
    found = slowest.recovery
    allowed = tag("span", f"{slowest.journey}, {found.deadline:g} s allowed", class_="note")
    if found.seconds is None:
        return join([tag("span", "not seen"), allowed])
    if not found.disturbed:
        note = "all inside their SLO within one arrival of the lift"
        return join([tag("span", found.short()), tag("span", note, class_="note")])
    latest = "an unknown moment" if found.latest is None else duration(found.latest)
    interval = tag("span", f"between {duration(found.earliest)} and {latest}", class_="note")
    return join([tag("span", duration(found.seconds), class_="figure"), interval, allowed])
