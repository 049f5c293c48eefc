"""The texts of the after-action report, on its page and in Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaoskit.cli import OK, USAGE, main
from chaoskit.report import afteraction
from chaoskit.report.afteraction import charts
from tests.report.afteraction import days
from tests.report.page.test_page import data_of, words_of


def page(folder: Path) -> str:
    """The HTML page of a day."""
    return afteraction.write(folder)[0].read_text()


def text(folder: Path) -> str:
    """The Markdown of a day."""
    return afteraction.write(folder)[1].read_text()


def block(markdown: str, heading: str) -> list[str]:
    """The lines below a heading of the Markdown."""
    found = re.search(rf"^## {re.escape(heading)}\n\n(.*?)(?=\n\n## |\Z)", markdown, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1].strip().splitlines()


def test_both_answer_first_what_held_what_broke_and_why(folder: Path) -> None:
    """The headline counts the outcomes, the reason with its figures comes before any detail, and what held is
    named.
    """
    html, markdown = page(folder), text(folder)
    headline = "Cache day: 1 of 3 hypotheses was refuted, 1 is still open, 1 was confirmed"
    assert markdown.startswith(f"# {headline}\n")
    first = words_of(html[: html.index("<table")])
    assert headline in first
    for said in (first, " ".join(block(markdown, "What broke, and why")).replace("**", "")):
        # What needs attention comes first.
        broke, unknown, held = (said.index(f"step {number}, ") for number in (2, 3, 1))
        assert broke < unknown < held
        assert "browse: 812 of 820 requests failed (99%), 1% allowed" in said
        assert "requests failed (100%), 1% allowed" in said


def test_a_reason_is_said_once(folder: Path) -> None:
    """If the text of what was seen already has the broken promise, the report does not repeat it."""
    record = days.saved(folder)
    step = afteraction.read(folder).steps[1]
    assert step.facts is not None
    record["steps"][1]["seen"] = f"stopped early; browse degraded: {step.facts.decisive[0].reason}"
    days.save(folder, record)
    assert block(text(folder), "What broke, and why")[0].count("requests failed") == 1


def test_each_hypothesis_is_beside_what_was_seen(folder: Path) -> None:
    """The table has who decided the outcome, the verdict, figures, recovery and how the step ended."""
    html = page(folder)
    rows = re.findall(r"<tr>(?:(?!</tr>).)*data-label=\"Outcome\".*?</tr>", html, re.DOTALL)
    first, second, third = map(words_of, rows)
    assert first.startswith("confirmed by a person, verdict HELD 1. cache loss CacheLoss('cache') Losing")
    assert re.search(
        r"0 of 1,200 failed 2\.\d\d s \(2\.\d\d s to 2\.\d\d s\), buy, 10 s allowed lifted as planned$", first
    )
    assert "refuted by the judge, verdict BROKEN" in second
    assert second.endswith("stopped by the stop condition errors at 11:13:21")
    assert third.startswith("open verdict UNKNOWN 3. no steady state")
    assert third.endswith("lifted by hand")
    table = block(text(folder), "Hypotheses, and what was seen")
    assert len(table) == 5
    assert len({line.replace(r"\|", "").count("|") for line in table}) == 1
    assert "❌ refuted, by the judge, verdict BROKEN" in table[3]


def test_a_stop_condition_tells_when_it_fired_and_with_which_figures(folder: Path) -> None:
    """A condition that did not fire says so; the stop key is listed if it was pressed."""
    record = days.saved(folder)
    record["steps"][2]["stopped_by"] = "key"
    days.save(folder, record)
    errors, slow, key = block(text(folder), "Stop conditions")[2:]
    assert "11:13:21 (+401.4 s) step 2, cache loss without a fallback: errors: 64% of 1,500" in errors
    assert "did not fire" in slow
    assert key.startswith("| key | a person presses the stop key | 11:17:40 (+660.0 s) step 3")
    assert "11:17:40 (+660.0 s) step 3" in words_of(page(folder))


def test_anything_else_that_stopped_a_step_is_listed(folder: Path) -> None:
    """The table lists a reason that is not a condition, and a stop while no step was running."""
    record = days.saved(folder)
    record["steps"][0]["stopped_by"] = "the load died"
    record["events"].insert(2, {"at": 90.0, "kind": "stop", "text": "stopped by key", "step": None})
    days.save(folder, record)
    *_, other, outside = block(text(folder), "Stop conditions")
    assert other.startswith("| the load died | not a stop condition | 11:09:40 (+180.0 s) step 1")
    assert outside.endswith("| no step was running | 11:08:10 (+90.0 s) stopped by key |")
    assert "stopped at 11:09:40: the load died" in text(folder)


def test_open_questions_are_those_asked_and_those_that_follow(folder: Path) -> None:
    """Each refuted or open hypothesis, UNKNOWN verdict and unverified lift is a task."""
    tasks = block(text(folder), "Open questions")
    assert all(line.startswith("- [ ] ") for line in tasks)
    asked, refuted, stayed, unknown, lift = tasks
    assert asked == r"- [ ] Why is there no fallback? It was planned. (asked at 11:13:30)"
    assert "“Browsing survives without the cache.” was refuted" in refuted
    assert "“The second replica takes over.” was neither confirmed nor refuted. Is it true?" in stayed
    assert "What evidence would decide it? Reason: the system never reached steady state" in unknown
    assert "no evidence shows that the fault is gone (cache:6379 still refuses). Is it?" in lift
    said = words_of(page(folder))
    for line in (refuted, stayed, unknown, lift):
        assert line.removeprefix("- [ ] ").replace("\\", "") in said


def test_a_journey_that_survived_what_it_needs_is_a_question(folder: Path) -> None:
    """The question is whether the journey declares too much or the fault was too short."""
    name = days.saved(folder)["steps"][0]["journal"]
    path = folder / name
    record = path.read_text()
    assert '"survival"' not in record
    at = record.index('"promise"', record.index('"journey":"buy"', record.index('"judgement"')))
    path.write_text(record[:at] + re.sub(r'"promise":"[^"]+"', '"promise":"survival"', record[at:], count=1))
    assert "buy held without something that it declares as needed" in text(folder)


def test_notes_are_among_the_events_and_nothing_comes_twice(folder: Path) -> None:
    """A note that is also an event comes once, and everything is in the order of time, by the wall clock."""
    lines = block(text(folder), "What happened, and when")[2:]
    times = [float(found[1]) for line in lines if (found := re.search(r"\(\+?([\d.]+) s\)", line))]
    assert len(times) == len(lines)
    assert times == sorted(times)
    assert sum("Dashboards show it." in line for line in lines) == 1
    assert r"- **11:13:21 (+401.4 s)** step 2, stop: errors: 64% of 1,500 requests" in "\n".join(lines)
    assert [line.split(":** ")[0][:14] for line in block(text(folder), "Notes")] == [
        "- **11:08:50**",
        "- **11:12:51**",
    ]


def test_what_people_typed_is_text_and_breaks_neither_report(folder: Path) -> None:
    """It makes no element, script, heading, task, column or line."""
    record = days.saved(folder)
    plain = page(folder)
    for step in record["steps"]:
        step |= {"name": days.AWKWARD, "hypothesis": days.AWKWARD, "seen": days.AWKWARD}
    record["title"] = record["runbook"] = days.AWKWARD
    record["stop_conditions"][0]["text"] = record["events"][0]["kind"] = days.AWKWARD
    record["questions"][0]["text"] = "- \ud800 " + days.AWKWARD
    days.save(folder, record)
    html, markdown = page(folder), text(folder)
    assert html.count("<script") == plain.count("<script")
    assert "alert('noted')" in words_of(html)
    assert "<script" not in markdown
    assert len(block(markdown, "Hypotheses, and what was seen")) == 5
    for heading in ("Hypotheses, and what was seen", "Stop conditions"):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in block(markdown, heading)}
        assert len(columns) == 1
    assert len(re.findall(r"^#+ ", markdown, re.MULTILINE)) == 8
    assert not re.search(r"(?<!\\)[`\[](?! \] )", markdown.replace("- [ ] ", ""))


def test_the_page_is_one_file_with_each_step_as_in_the_ordinary_report(folder: Path) -> None:
    """The page fetches nothing, every link leads to an anchor, and it has the charts of the day and of each
    step.
    """
    html = page(folder)
    markup = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert re.findall(r'(?:src|href|action|data|poster)="([^"#][^"]*)"', markup) == ["data:,"]
    anchors = re.findall(r' id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(anchors)
    assert html.count('<section class="experiment"') == len(data_of(html)) == 4
    assert main(["report", str(folder), "-o", str(folder / "ordinary.html")]) == OK
    ordinary = (folder / "ordinary.html").read_text()
    section = r'<h2 id="experiment-test-cache-test-cache-loss".*?What the components logged'
    found, other = (re.search(section, each, re.DOTALL) for each in (html, ordinary))
    assert found is not None
    assert other is not None
    assert found[0] == other[0]


def test_the_charts_of_the_day_shade_every_step(made: Path) -> None:
    """The deep shade is from landed to lift, a fault without evidence that it is gone is shaded to the end,
    and the bounds change with the fault.
    """
    found = charts.data(afteraction.read(made))
    assert [(each["from"], each["to"]) for each in found["shades"]] == [
        (120.0, 180.2),
        (120.4, 180.0),
        (360.0, 401.9),
        (360.3, 401.5),
        (600.0, 900.0),
        (600.3, 660.0),
    ]
    assert [each["name"] for each in found["marks"] if each["at"] in (401.4, 404.0)] == ["stop", "recovered"]
    browse, search, _ = found["journeys"]
    assert [(each["ms"], each["from"]) for each in browse["bounds"]][:3] == [
        (300.0, 0.0),
        (800.0, 120.0),
        (300.0, 180.2),
    ]
    assert {each["ms"] for each in search["bounds"]} == {300.0}


def test_no_request_and_no_bad_second_is_lost_in_wider_bins(made: Path) -> None:
    """The counts add up at every level, and a bin of several seconds shows the worst second."""
    day = afteraction.read(made)
    assert day.series.journeys
    for journey, drawn in zip(day.series.journeys, charts.data(day)["journeys"], strict=True):
        wide, *_, narrow = drawn["levels"]
        assert (wide["width"], narrow["width"], narrow.get("worst")) == (10.0, 1.0, None)
        for level in drawn["levels"]:
            assert sum(level["requests"]) == sum(journey.arrivals)
            assert sum(level["failed"]) == sum(journey.failed)
        known = [each for each in narrow["p95_ms"][:10] if each is not None]
        assert wide["p95_ms"][0] == max(known)


@pytest.mark.parametrize(("count", "together"), [(1, 1), (120, 1), (121, 2), (7201, 120), (36_000, 300)])
def test_a_long_day_has_no_more_bins_than_a_chart_can_show(count: int, together: int) -> None:
    """The bins have a width that people can read off an axis."""
    assert charts.times(count, 1.0, 120) == together


def test_a_day_that_crashed_is_reported_up_to_the_crash(tmp_path: Path) -> None:
    """The report says that the record has no end and what is not known; a step without a journal has no
    section.
    """
    folder = days.crashed(tmp_path / days.FOLDER)
    html, markdown = page(folder), text(folder)
    for said in (words_of(html), markdown):
        assert "Cache day: 1 of 2 hypotheses is still open, 1 was confirmed" in said
        assert "The record has no end: it stops 410.0 s after the start, at 11:13:30." in said
        assert "the record does not show that the fault was lifted. Is it gone?" in said
        assert "What ended the game day, and was the system restored?" in said
    assert len(data_of(html)) == 2
    shades = data_of(html)[0]["shades"]
    assert isinstance(shades, list)
    assert shades[-1]["to"] == 380.0


def test_a_day_on_which_nothing_was_tried_has_a_report(folder: Path) -> None:
    """A day that ended before its first step and before any measurement has both reports."""
    record = days.saved(folder) | {"steps": [], "events": [], "notes": [], "questions": [], "series": None}
    record |= {"stop_conditions": [], "ended_at": None}
    days.save(folder, record)
    assert text(folder).startswith("# Cache day: nothing was tried\n")
    assert "No journey was measured." in words_of(page(folder))


def test_the_command_reports_an_old_game_day(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`chaoskit report FOLDER` writes both files beside the journals, and the ordinary report too."""
    ordinary = tmp_path / "report.html"
    assert main(["report", str(folder / "gameday.json"), "-o", str(ordinary)]) == OK
    said = capsys.readouterr()
    assert f"{folder / afteraction.HTML}: after-action report" in said.out
    assert f"{folder / afteraction.MARKDOWN}: after-action report" in said.out
    assert f"{ordinary}: 3 experiments" in said.out
    assert said.err == ""


def test_the_command_reports_a_game_day_without_journals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A day that crashed before its first journal is not an error; a damaged record is."""
    folder = days.crashed(tmp_path / days.FOLDER)
    record = days.saved(folder)
    record["steps"][0]["journal"] = None
    days.save(folder, record)
    for path in folder.glob("0*.json"):
        path.unlink()
    ordinary = tmp_path / "report.html"
    assert main(["report", str(folder), "-o", str(ordinary)]) == OK
    assert not ordinary.exists()
    (folder / "gameday.json").write_text("{}")
    capsys.readouterr()
    assert main(["report", str(folder), "-o", str(ordinary)]) == USAGE
    assert str(folder / "gameday.json") in capsys.readouterr().err
