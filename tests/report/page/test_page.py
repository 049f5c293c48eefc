"""The page as text: what it says, and that it needs no other file."""

from __future__ import annotations

import json
import pickle
import re
from html import unescape
from pathlib import Path

import pytest

from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.report import page
from chaoskit.report.page import charts
from chaoskit.report.page.facts import Facts
from chaoskit.report.page.html import embedded
from tests.report.page import journals


def rendered(*paths: Path) -> str:
    """The report of some journals."""
    return page.render(page.gather(paths))


def facts_of(path: Path) -> Facts:
    """The facts that a page shows of a journal."""
    (found,) = page.gather([path]).journals
    return found


def words_of(html: str) -> str:
    """The text that people read on the page."""
    body = re.sub(r"<(script|style).*?</\1>|<wbr>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def data_of(html: str) -> list[dict[str, object]]:
    """The data of the charts."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    experiments: list[dict[str, object]] = json.loads(found[1])["experiments"]
    return experiments


def test_the_first_screen_answers_the_first_questions(three: list[Path]) -> None:
    """What was tried, what held, what broke and why, and how long recovery took come before any detail."""
    html = rendered(*three)
    said = words_of(html[: html.index('id="independence"')])
    assert "3 experiments: 1 broken, 1 unknown, 1 held" in said
    assert "CacheLoss('cache')" in said
    assert re.search(
        r"browse: degraded : from the landing to the lift \d+ of \d+ requests failed \(100%\), 1% allowed",
        said,
    )
    assert "the system never reached steady state" in said
    assert re.search(r"2\.\d\d s between 2\.\d\d s and 2\.\d\d s buy, 10 s allowed", said)
    order = [said.index(f"{verdict} test_cache") for verdict in ("BROKEN", "UNKNOWN", "HELD")]
    assert order == sorted(order)


def test_the_page_fetches_nothing(three: list[Path]) -> None:
    """The page has no address that a browser would fetch, and its policy allows none."""
    html = rendered(*three)
    markup = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert "default-src &#x27;none&#x27;" in html or "default-src 'none'" in html
    fetched = re.findall(r'(?:src|href|action|data|poster)="([^"#][^"]*)"', markup)
    assert fetched == ["data:,"]
    assert "@import" not in markup
    assert "url(" not in markup


def test_an_old_journal_without_logs_has_a_report(three: list[Path], tmp_path: Path) -> None:
    """A journal from before logs were kept has a report, without the clock times that it does not know."""
    record = json.loads(three[1].read_text())
    del record["logs"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(record))
    assert "Clock (UTC)" in words_of(rendered(three[1]))
    said = words_of(rendered(path))
    assert "This journal has no log lines." in said
    assert "Clock (UTC)" not in said


def test_texts_of_a_user_never_become_markup(three: list[Path], tmp_path: Path) -> None:
    """Markup in names, errors and log lines makes no element and ends no script."""
    plain, hostile = rendered(three[1]), rendered(journals.hostile(three[1], tmp_path / "hostile.json"))
    assert hostile.count("<script") == plain.count("<script")
    assert hostile.count("<img") == plain.count("<img") == 0
    assert "alert('pwned')" in words_of(hostile)
    assert data_of(hostile)


def test_the_pages_data_cannot_end_its_element() -> None:
    """No tag begins in the data, whatever it contains, and a browser reads the same data back."""
    value = {"name": f"<!--{journals.HOSTILE}\u2028"}
    text = embedded(value)
    assert "<" not in text
    assert json.loads(text) == value


def test_the_page_shows_both_matrices(three: list[Path], tmp_path: Path) -> None:
    """The page always shows independence. It shows detection if the matrix is beside the journals, and
    then does not count mutants among the experiments.
    """
    folder = tmp_path / "run"
    folder.mkdir()
    for path in three:
        (folder / path.name).write_bytes(path.read_bytes())
    without = words_of(rendered(folder))
    assert "uses it" in without
    assert "Detection" not in without
    journals.detection(folder, three[1])
    for named in ([folder], [folder / three[0].name, folder / three[1].name, folder / three[2].name]):
        said = words_of(rendered(*named))
        assert "2 experiments: 1 unknown, 1 held" in said
        assert "3 trials. 1 did not give the required result." in said
        assert "no fallback caught" in said
        assert "no deadline missed verdict HELD" in said
        assert "Mutants: one mitigation is switched off, and the system must break" in said


def test_the_charts_show_the_fault_and_the_bounds(three: list[Path]) -> None:
    """Zero is the landing, the deep shade ends at the lift, and the bounds change with the fault."""
    found = charts.data(facts_of(three[0]))
    full = next(each for each in found["shades"] if each.get("full"))
    assert (full["from"], full["to"]) == (0.0, 8.0)
    browse, search, buy = found["journeys"]
    assert [(each["ms"], each["from"]) for each in browse["bounds"]][1:] == [(800.0, 0.0), (300.0, 8.0)]
    assert [each["ms"] for each in search["bounds"]] == [300.0]
    assert [(each["from"], each["to"]) for each in buy["bounds"]] == [
        (found["begin"], 0.0),
        (8.0, found["end"]),
    ]
    assert [each["name"] for each in buy["marks"]] == ["recovered"]
    assert 10.2 <= buy["marks"][0]["at"] <= 10.5


def test_an_experiment_without_a_fault_counts_from_its_beginning(three: list[Path]) -> None:
    """Without an injection, the charts have no shade."""
    found = facts_of(three[2])
    assert (found.verdict, found.fault, found.zero_is) == (Verdict.UNKNOWN, "no fault", "")
    assert charts.data(found)["shades"] == []


def test_experiments_of_the_same_name_have_sections_of_their_own(three: list[Path], tmp_path: Path) -> None:
    """Every anchor is unique, and every link leads to an anchor."""
    copy = tmp_path / "again.json"
    copy.write_bytes(three[0].read_bytes())
    html = rendered(three[0], copy)
    anchors = re.findall(r' id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    for target in re.findall(r'href="#([^"]+)"', html):
        assert target in anchors


@pytest.mark.parametrize("value", ["{}", "[]", "null", '"text"', '{"verdict": "perfect"}'])
def test_a_malformed_journal_is_one_clear_error(value: str, three: list[Path], tmp_path: Path) -> None:
    """The error names the file, whatever stands in the place of the judgement."""
    record = json.loads(three[0].read_text())
    record["judgement"] = json.loads(value)
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(record))
    with pytest.raises(UsageError, match="does not match") as raised:
        rendered(path)
    assert raised.value.where == "wrong.json"


def test_figures_that_json_does_not_know_do_not_break_the_page(three: list[Path], tmp_path: Path) -> None:
    """A request that never ended has no latency, and the data stays JSON that a browser reads."""
    record = json.loads(three[0].read_text())
    column = record["history"]["samples"]["browse"]
    column["ended"] = [None] * len(column["ended"])
    path = tmp_path / "endless.json"
    path.write_text(json.dumps(record))
    (experiment,) = data_of(rendered(path))
    journeys = experiment["journeys"]
    assert isinstance(journeys, list)
    assert set(journeys[0]["levels"][0]["p95_ms"]) == {None}


@pytest.mark.slow
def test_a_hundred_thousand_requests_stay_below_three_megabytes(three: list[Path], tmp_path: Path) -> None:
    """The file is small, and its counts miss no request."""
    sources = page.gather([journals.many_samples(three[0], tmp_path / "many.json")])
    # This is what stays in memory of a journal while others are read.
    assert len(pickle.dumps(sources)) < 1_000_000
    html = page.render(sources)
    assert len(html.encode()) < 3_000_000
    (experiment,) = data_of(html)
    journeys = experiment["journeys"]
    assert isinstance(journeys, list)
    for level in range(len(journeys[0]["levels"])):
        assert sum(sum(each["levels"][level]["requests"]) for each in journeys) >= 100_000


def test_no_failure_is_shown_before_its_cause(three: list[Path], tmp_path: Path) -> None:
    """If landing took a while, no bin from before the injection counts a failure from after it."""
    record = json.loads(three[1].read_text())
    inject = next(mark for mark in record["history"]["marks"] if mark["name"] == "inject")
    landed = next(mark for mark in record["history"]["marks"] if mark["name"] == "landed")
    landed["at"] = inject["at"] + 0.37
    path = tmp_path / "slow.json"
    path.write_text(json.dumps(record))
    browse = charts.data(facts_of(path))["journeys"][0]
    assert browse["levels"]
    for level in browse["levels"]:
        first = next(number for number, failed in enumerate(level["failed"]) if failed)
        assert level["start"] + first * level["width"] >= -0.371
