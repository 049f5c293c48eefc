"""The two matrices: which journeys are independent of which faults, and which mutants were caught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chaoskit.judge import Verdict
from chaoskit.report.page import words
from chaoskit.report.page.facts import Facts
from chaoskit.report.page.html import Html, join, tag

_LEGEND = {
    "held": ("held", "kept its full SLO"),
    "degraded": ("degraded", "left its full SLO but kept what it owed"),
    "failed": ("failed", "failed, as allowed"),
    "broken": ("broken", "did not keep what it owed"),
    "unknown": ("unknown", "the evidence does not decide"),
}

_NOTES = {
    "coupled": "although it neither needs nor uses what the fault hit",
    "survived": "without something that it declares as needed",
}


def independence(experiments: Sequence[Facts], ids: Mapping[int, str]) -> Html:
    """Experiments by journeys: what the journey declared about what the fault hit, and what was seen."""
    journeys = list(dict.fromkeys(name for each in experiments for name in each.row.cells))
    head = tag(
        "tr", tag("th", "Experiment", scope="col"), [tag("th", name, scope="col") for name in journeys]
    )
    rows = [
        tag(
            "tr",
            tag("th", tag("a", words.breakable(each.name), href=f"#{ids[id(each)]}"), scope="row"),
            [_cell(each, name) for name in journeys],
        )
        for each in experiments
    ]
    legend = [
        tag("div", tag("dt", words.icon(icon), tag("span", seen), class_=icon), tag("dd", says))
        for seen, (icon, says) in _LEGEND.items()
    ]
    caption = "What each journey declared about what the fault hit, and how it fared"
    table = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", rows), class_="matrix")
    return join([words.scroller("Independence matrix", table), tag("dl", legend, class_="legend")])


def _cell(facts: Facts, journey: str) -> Html:
    cell = facts.row.cells.get(journey)
    if cell is None:
        return tag("td", tag("span", "no such journey", class_="note"))
    icon, _ = _LEGEND[cell.seen]
    note = tag("span", _NOTES[cell.note], class_="note loud") if cell.note else None
    declared = {"needs": "needs it", "uses": "uses it", "neither": "neither needs nor uses it"}[cell.declared]
    return tag(
        "td",
        tag("span", words.icon(icon), cell.seen, class_=f"seen {icon}"),
        note or (tag("span", declared, class_="note") if facts.times.inject is not None else None),
    )


def detection(matrix: Mapping[str, Any], anchors: Mapping[str, str]) -> Html:
    """Mutants by experiments: whether each mutant was caught for the right reason.

    Args:
        matrix: as :func:`chaoskit.mutants.to_record` writes it.
        anchors: file name of a journal → the anchor of its section.
    """
    trials: Sequence[Mapping[str, Any]] = matrix["trials"]
    experiments = list(dict.fromkeys(str(each["experiment"]) for each in trials))
    forms = list(dict.fromkeys(each["mutant"] for each in trials))
    cells = {(each["mutant"], str(each["experiment"])): each for each in trials}
    head = tag("tr", tag("th", "System", scope="col"), [tag("th", each, scope="col") for each in experiments])
    rows = [
        tag(
            "tr",
            tag("th", form or "as it is", scope="row"),
            [_trial(cells.get((form, name)), anchors) for name in experiments],
        )
        for form in forms
    ]
    wrong = sum(not each["right"] for each in trials)
    said = f"{wrong} did not give the required result" if wrong else "All gave the required result"
    caption = f"{words.plural(len(trials), 'trial')}. {said}."
    table = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", rows), class_="matrix")
    reasons = [_reason(each) for each in trials if each["wanted"] or not each["right"]]
    return join(
        [
            words.scroller("Detection matrix", table),
            tag("ul", reasons, class_="reasons") if reasons else None,
        ]
    )


def _trial(trial: Mapping[str, Any] | None, anchors: Mapping[str, str]) -> Html:
    if trial is None:
        return tag("td", tag("span", "not tried", class_="note"))
    right, wanted = bool(trial["right"]), trial["wanted"]
    word = (
        "caught" if wanted and right else "held" if right else "missed" if wanted else str(trial["verdict"])
    )
    said: Html | str = word
    if anchor := anchors.get(str(trial["journal"]).replace("\\", "/").rpartition("/")[2]):
        said = tag("a", word, href=f"#{anchor}")
    verdict = str(trial["verdict"])
    icon = "held" if right else "unknown" if verdict == "unknown" else "broken"
    note = tag("span", f"verdict {verdict.upper()}", class_="note") if word == "missed" else None
    return tag("td", tag("span", words.icon(icon), said, class_=f"seen {icon}"), note)


def _reason(trial: Mapping[str, Any]) -> Html:
    wanted, broken = trial["wanted"], trial["broken"]
    head = tag("strong", f"{trial['mutant'] or 'as it is'}, {trial['experiment']}")
    if wanted:
        must = f"{wanted['journey'] or 'the system'} must break {wanted['promise']}: {wanted['because']}"
    else:
        must = "must hold"
    seen = "; ".join(
        f"{each['journey']} {each['promise']}: {each['reason']}".strip()
        + ("" if each.get("foreseen", True) or not wanted else " (unforeseen: a wrong reason)")
        for each in broken
    )
    mark = words.badge(Verdict(trial["verdict"]))
    nothing = (
        "the verdict is UNKNOWN; its section says why" if trial["verdict"] == "unknown" else "nothing broke"
    )
    return tag("li", mark, " ", head, tag("span", must, class_="note"), tag("span", seen or nothing))
