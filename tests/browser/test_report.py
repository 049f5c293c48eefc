"""The report in a real browser."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open
from tests.browser.looking import LOW_CONTRAST, OVERFLOWING, charts

pytestmark = pytest.mark.browser

SECTIONS = "section.experiment"


def section(page: Page, name: str) -> Locator:
    """The section of an experiment."""
    return page.locator(SECTIONS).filter(has=page.locator("h2", has_text=name))


def number_of(page: Page, name: str) -> int:
    """The index of an experiment in the data of the page."""
    return int(section(page, name).get_attribute("data-experiment") or "")


def chart(page: Page, name: str, journey: int, kind: str) -> Locator:
    """A chart of an experiment."""
    return section(page, name).locator(f".plot[data-journey='{journey}'][data-kind='{kind}']")


def view(page: Page, number: int) -> dict[str, float]:
    """The span of time that the charts of an experiment show: ``min`` and ``max`` in seconds."""
    found: dict[str, float] = page.evaluate("(number) => Charts.view(number)", number)
    return found


def test_it_opens_from_a_file_with_every_chart(opened: Open) -> None:
    """The page has no error, makes no request, and draws two charts for each journey."""
    page = opened()
    expect(page).to_have_title(re.compile("^3 experiments: 1 broken, 1 unknown, 1 held . chaoskit$"))
    assert charts(page) == page.locator(".plot").count() == 18
    blank = page.evaluate(
        """() => [...document.querySelectorAll(".plot canvas")].filter((each) =>
          !each.getContext("2d").getImageData(0, 0, each.width, each.height).data.some((v) => v)).length"""
    )
    assert blank == 0


def test_hovering_shows_the_figures_of_that_moment_in_all_charts(opened: Open) -> None:
    """Under the fault every request fails, and the other charts show the same moment."""
    page = opened()
    plot = chart(page, "test_no_fallback", 0, "rate")
    plot.scroll_into_view_if_needed()
    over = plot.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.42, box["y"] + box["height"] / 2)
    found = section(page, "test_no_fallback")
    rate, latency, other = (found.locator(".readout").nth(each) for each in range(3))
    expect(rate).to_have_text(re.compile(r"^\+[\d.]+ … \+[\d.]+ s: 20/s arrive, 20/s fail \(100%\)$"))
    expect(latency).to_have_text(re.compile(r"s: none of \d+ succeeded$"))
    expect(other).to_have_text(re.compile(r"20/s arrive, 0/s fail \(0%\)$"))
    moments = {each.inner_text().split(" s:")[0] for each in (rate, latency, other)}
    assert len(moments) == 1
    page.mouse.move(5, 5)
    expect(rate).to_have_text("")


def test_dragging_zooms_all_charts_of_an_experiment_and_a_double_click_shows_all(opened: Open) -> None:
    """A closer view has narrower bins, and the charts of other experiments do not change."""
    page = opened()
    charts(page)
    plot = chart(page, "test_no_fallback", 0, "rate")
    plot.scroll_into_view_if_needed()
    number = number_of(page, "test_no_fallback")
    whole = view(page, number)
    box = plot.locator(".u-over").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=4)
    page.mouse.up()
    near = view(page, number)
    assert near["max"] - near["min"] == pytest.approx((whole["max"] - whole["min"]) / 10, rel=0.1)
    widths = page.evaluate(
        """(n) => [...document.querySelectorAll(`[data-experiment="${n}"] .plot`)].map((each) =>
          [Charts.of(each).level.width, Charts.of(each).u.scales.x.max - Charts.of(each).u.scales.x.min])""",
        number,
    )
    assert {round(shown, 6) for _, shown in widths} == {round(near["max"] - near["min"], 6)}
    assert all(width < 1 for width, _ in widths)
    assert view(page, (number + 1) % 3) != near
    plot.locator(".u-over").dblclick()
    assert view(page, number) == whole


def test_the_buttons_show_the_fault_the_recovery_and_all(opened: Open) -> None:
    """A user who cannot drag can zoom with buttons."""
    page = opened()
    found = section(page, "test_no_fallback")
    number = number_of(page, "test_no_fallback")
    whole = view(page, number)
    found.get_by_role("button", name="Fault").click()
    assert view(page, number) == {"min": -1, "max": 9}
    found.get_by_role("button", name="Recovery").click()
    assert view(page, number) == {"min": 7, "max": whole["max"]}
    found.get_by_role("button", name="Whole experiment").click()
    assert view(page, number) == whole


def test_every_experiment_is_reached_by_its_link(opened: Open) -> None:
    """A link leads from the table to each section, and another leads back."""
    page = opened()
    names = page.locator("#overview table.experiments th[scope=row] a")
    assert names.count() == page.locator(SECTIONS).count() == 3
    for number in range(names.count()):
        name = names.nth(number).inner_text()
        names.nth(number).click()
        heading = page.locator(":target")
        expect(heading).to_contain_text(name)
        expect(heading).to_be_in_viewport()
        page.locator(SECTIONS).nth(number).get_by_role("link", name="Back to the overview").click()
        expect(page.locator("h1")).to_be_in_viewport()


def test_the_keyboard_reaches_everything_and_reads_a_chart(opened: Open) -> None:
    """Tab reaches the skip link, the link of every experiment, every chart and every table that scrolls, with
    a visible focus. The arrow keys read a chart aloud, and plus zooms in.
    """
    page = opened()
    charts(page)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    wanted = page.evaluate(
        """() => { const all = document.querySelectorAll("a[href],.plot,.scroller,summary,button,select");
        const shown = [...all].filter((each) => each.checkVisibility());
        shown.forEach((each, i) => each.dataset.stop = i); return shown.length; }"""
    )
    stops = set()
    for _ in range(wanted + 5):
        stop, outline = page.evaluate(
            "[document.activeElement.dataset.stop, getComputedStyle(document.activeElement).outlineStyle]"
        )
        if stop is not None:
            stops.add(int(stop))
            assert outline != "none"
        page.keyboard.press("Tab")
    assert stops == set(range(wanted))
    plot = chart(page, "test_no_fallback", 0, "rate")
    plot.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#spoken")).to_have_text(re.compile(r"\+[\d.]+ … \+[\d.]+ s: [\d.]+/s arrive"))
    before = page.evaluate("Charts.of(document.activeElement).level.width")
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.evaluate("Charts.of(document.activeElement).level.width") < before


def test_the_page_has_a_structure_for_screen_readers(opened: Open) -> None:
    """It has one first heading, skips no level, has landmarks, and gives tables captions and charts texts."""
    page = opened()
    levels = page.eval_on_selector_all(
        "h1,h2,h3,h4,h5,h6", "all => all.map((each) => Number(each.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.get_by_role("main").count() == page.get_by_role("banner").count() == 1
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    labels = page.eval_on_selector_all(".plot", "all => all.map((each) => each.getAttribute('aria-label'))")
    assert labels
    assert all(re.search(r"\d", label) or "No requests" in label for label in labels)
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("name", ["all", "hostile"])
def test_nothing_overflows_on_a_phone(opened: Open, name: str) -> None:
    """At 360 pixels everything fits the page, or an element that scrolls by itself."""
    page = opened(name, width=360)
    charts(page)
    page.eval_on_selector_all("details", "all => all.forEach((each) => each.open = true)")
    assert page.evaluate(OVERFLOWING) == []
    assert page.eval_on_selector_all(
        ".plot", "all => all.every((each) => each.scrollWidth <= each.clientWidth)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_is_readable_in_light_and_dark(opened: Open, scheme: str) -> None:
    """The contrast of text is at least 4.5:1, whether the system or the reader chose the theme."""
    page = opened(scheme=scheme)
    assert page.evaluate(LOW_CONTRAST) == []
    other = "light" if scheme == "dark" else "dark"
    grounds = [page.evaluate("getComputedStyle(document.body).backgroundColor")]
    page.get_by_label("Theme").select_option(other)
    assert page.evaluate(LOW_CONTRAST) == []
    grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(set(grounds)) == 2


def test_log_lines_are_among_the_moments(opened: Open) -> None:
    """The lines of a broken experiment are open, between its moments, and markup in them is text."""
    page = opened()
    log = section(page, "test_no_fallback").locator("table.log")
    expect(log).to_be_visible()
    rows = [each.replace("\t", " ") for each in log.locator("tr").all_inner_texts()]
    inject, lift = (
        next(i for i, row in enumerate(rows) if row.endswith(name)) for name in ("inject", "lift")
    )
    assert any("api GET" in row for row in rows[inject:lift])
    assert any("onerror=alert(1)" in row for row in rows)


def test_the_page_shows_the_detection_matrix(opened: Open) -> None:
    """It shows which mutants were caught and which one was missed."""
    page = opened()
    table = page.get_by_role("region", name="Detection matrix")
    expect(table).to_contain_text("caught")
    expect(table.get_by_role("row").filter(has_text="no deadline")).to_contain_text("missed")


def test_markup_in_names_does_nothing(opened: Open) -> None:
    """No script element in a journal runs."""
    page = opened("hostile")
    charts(page)
    assert page.locator("img").count() == 0
    expect(page.locator(f"{SECTIONS} h2")).to_contain_text("</script><script>alert('pwned')</script>")


def test_a_report_of_a_hundred_thousand_requests_opens(opened: Open, reports: dict[str, Path]) -> None:
    """The file has less than 3 MB, and zooming in shows narrower bins."""
    assert reports["many"].stat().st_size < 3_000_000
    page = opened("many")
    assert charts(page) == 6
    page.evaluate("Charts.zoom(0, [0, 1])")
    assert page.evaluate("Charts.of(document.querySelector('.plot')).level.width") <= 0.02


def test_without_scripts_every_figure_is_in_a_table(opened: Open) -> None:
    """The tables show their figures without JavaScript."""
    page = opened(java_script_enabled=False)
    expect(page.get_by_text("The charts need JavaScript")).to_be_visible()
    expect(page.locator(".plot").first).to_be_hidden()
    page.locator("summary").first.click()
    expect(page.locator("details table.figures").first).to_be_visible()


def test_paper_shows_everything_in_light(opened: Open) -> None:
    """Printing opens every detail and draws every chart in light colours, then restores both."""
    page = opened(scheme="dark")
    folded = page.locator("details:not([open])").count()
    assert folded > 0
    charts(page)
    line = "(({ u }) => u.series[1].stroke(u, 1))(Charts.of(document.querySelector('.plot')))"
    dark = page.evaluate(line)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    light = opened(scheme="light").evaluate(f"Charts.ensureAll(), {line}")
    assert page.evaluate(line) == light != dark
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".plot canvas").count() == 18
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(LOW_CONTRAST) == []
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == folded
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert page.evaluate(line) == dark
