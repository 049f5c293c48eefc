"""The page of a run: its overview, then one section for each experiment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chaoskit.experiment.result import Result
from chaoskit.report.page import charts, facts, matrices, overview
from chaoskit.report.page.facts import Facts
from chaoskit.report.page.html import Html, framed, join, tag
from chaoskit.report.page.section import section
from chaoskit.report.page.sources import Sources


def render(sources: Sources) -> str:
    """The report as HTML."""
    mutants = _journals_of_mutants(sources.detection)
    found = _in_order(sources.journals)
    plain = [each for each in found if each.file not in mutants]
    broken_on_purpose = [each for each in found if each.file in mutants]
    ordered = [*plain, *broken_on_purpose]
    ids = anchors(ordered)
    return framed(
        brand="chaoskit resilience report",
        headline=overview.headline(plain),
        overview=_overview(plain, broken_on_purpose, sources.detection, ids),
        sections=sections(ordered, ids),
        charts=[charts.data(each) for each in ordered],
    )


def _overview(
    plain: Sequence[Facts],
    mutants: Sequence[Facts],
    detection: Sequence[Mapping[str, Any]],
    ids: Mapping[int, str],
) -> Html:
    parts: list[Html] = []
    if plain:
        parts += [overview.counts(plain), overview.table(plain, ids, "Experiments")]
    parts.append(overview.run_facts([*plain, *mutants]))
    if plain:
        parts += [tag("h2", "Independence", id="independence"), matrices.independence(plain, ids)]
    of_files = {each.file: ids[id(each)] for each in [*plain, *mutants]}
    for matrix in detection:
        parts += [tag("h2", "Detection", id="detection"), matrices.detection(matrix, of_files)]
    if mutants:
        parts.append(
            overview.table(mutants, ids, "Mutants: one mitigation is switched off, and the system must break")
        )
    return join(parts)


def sections(found: Sequence[Facts], ids: Mapping[int, str], first: int = 0) -> Html:
    """One section for each experiment.

    Args:
        found: the experiments, in the order of the page.
        ids: ``id()`` of an experiment → the anchor of its section.
        first: the index of the first experiment in the data of the page.
    """
    following: list[tuple[str, str] | None] = [(ids[id(each)], each.name) for each in found[1:]]
    return join(
        section(each, number, ids[id(each)], after)
        for number, (each, after) in enumerate(zip(found, [*following, None], strict=False), first)
    )


def _in_order(found: Iterable[Facts]) -> list[Facts]:
    return sorted(found, key=lambda each: overview.VERDICT_ORDER.index(each.verdict))


def _journals_of_mutants(detection: Sequence[Mapping[str, Any]]) -> set[str]:
    trials = (trial for matrix in detection for trial in matrix["trials"] if trial["mutant"])
    return {str(trial["journal"]).replace("\\", "/").rpartition("/")[2] for trial in trials}


def anchors(found: Sequence[Facts]) -> dict[int, str]:
    """``id()`` of an experiment → the anchor of its section; every anchor is unique."""
    ids: dict[int, str] = {}
    for each in found:
        plain = re.sub(r"[^a-zA-Z0-9]+", "-", each.name).strip("-")[:60] or "experiment"
        anchor, number = f"experiment-{plain}", 2
        while anchor in ids.values():
            anchor, number = f"experiment-{plain}-{number}", number + 1
        ids[id(each)] = anchor
    return ids


def of_results(results: Iterable[Result], *detection: Mapping[str, Any]) -> Sources:
    """The sources of a run that is still in memory: its results, and its detection matrix if it has one."""
    return Sources([facts.of(each.journal.name, each.record) for each in results], detection)
