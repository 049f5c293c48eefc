"""The page as a whole: one file, with everything in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from chaoskit.report.page import charts, facts, matrices, overview
from chaoskit.report.page.facts import Facts
from chaoskit.report.page.markup import Html, join, tag
from chaoskit.report.page.section import section
from chaoskit.report.page.sources import Sources
from chaoskit.result import Result

_ASSETS = Path(__file__).with_name("assets")
_STYLES = ("uplot.min.css", "style.css")
_SCRIPTS = ("uplot.min.js", "charts.js", "page.js")


def render(sources: Sources) -> str:
    """The report as HTML.

    It asks nothing of any network: style and scripts are in it, and its content security policy
    allows these alone, by their digests. So text that slipped past the escaping could not run either.
    """
    mutants = _journals_of_mutants(sources.detection)
    found = _in_order(sources.journals)
    plain = [each for each in found if each.file not in mutants]
    broken_on_purpose = [each for each in found if each.file in mutants]
    ordered = [*plain, *broken_on_purpose]
    ids = _anchors(ordered)
    style = "\n".join(_asset(name) for name in _STYLES)
    scripts = [_asset(name) for name in _SCRIPTS]
    headline = overview.headline(plain)
    return Template(_asset("page.html")).substitute(
        policy=_policy(style, scripts),
        title=join([f"{headline}: chaoskit"]),
        style=style,
        headline=join([headline]),
        overview=_overview(plain, broken_on_purpose, sources.detection, ids),
        experiments=_sections(ordered, ids),
        data=embedded({"experiments": [charts.data(each) for each in ordered]}),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
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
    anchors = {each.file: ids[id(each)] for each in [*plain, *mutants]}
    for matrix in detection:
        parts += [tag("h2", "Detection", id="detection"), matrices.detection(matrix, anchors)]
    if mutants:
        parts.append(
            overview.table(mutants, ids, "Mutants: the system with one mitigation off, meant to break")
        )
    return join(parts)


def _sections(found: Sequence[Facts], ids: Mapping[int, str]) -> Html:
    following: list[tuple[str, str] | None] = [(ids[id(each)], each.name) for each in found[1:]]
    return join(
        section(each, number, ids[id(each)], after)
        for number, (each, after) in enumerate(zip(found, [*following, None], strict=True))
    )


def _in_order(found: Iterable[Facts]) -> list[Facts]:
    return sorted(found, key=lambda each: overview.ORDER.index(each.verdict))


def _journals_of_mutants(detection: Sequence[Mapping[str, Any]]) -> set[str]:
    trials = (trial for matrix in detection for trial in matrix["trials"] if trial["mutant"])
    return {str(trial["journal"]).replace("\\", "/").rpartition("/")[2] for trial in trials}


def _anchors(found: Sequence[Facts]) -> dict[int, str]:
    ids: dict[int, str] = {}
    for each in found:
        plain = re.sub(r"[^a-zA-Z0-9]+", "-", each.name).strip("-")[:60] or "experiment"
        anchor, number = f"experiment-{plain}", 2
        while anchor in ids.values():
            anchor, number = f"experiment-{plain}-{number}", number + 1
        ids[id(each)] = anchor
    return ids


def embedded(value: Any) -> str:
    """JSON that ends no script element and opens no comment, whatever is in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _policy(style: str, scripts: Iterable[str]) -> str:
    allowed = " ".join(_digest(each) for each in scripts)
    return f"default-src 'none'; style-src {_digest(style)}; script-src {allowed}; img-src data:"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").strip()


def of_results(results: Iterable[Result], *detection: Mapping[str, Any]) -> Sources:
    """Sources from what a run has in memory: its results, and the detection matrix if it made one."""
    return Sources([facts.of(each.journal.name, each.record) for each in results], detection)
