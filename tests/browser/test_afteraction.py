"""The after-action report in a real browser."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.looking import LOW_CONTRAST, OVERFLOWING, charts

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("name", "drawn"), [("day", 24), ("crashed", 12)])
def test_it_opens_from_a_file_with_every_chart(opened: Open, name: str, drawn: int) -> None:
    """The page has no error, makes no request, draws the charts of the day and of each step, and runs no
    script in a note.
    """
    page = opened(name)
    expect(page).to_have_title(re.compile("^Cache day: 1 of . hypotheses"))
    assert charts(page) == page.locator(".plot").count() == drawn
    blank = page.evaluate(
        """() => [...document.querySelectorAll(".plot canvas")].filter((each) =>
          !each.getContext("2d").getImageData(0, 0, each.width, each.height).data.some((v) => v)).length"""
    )
    assert blank == 0
    expect(page.locator("#notes + ul")).to_contain_text("<script>alert('noted')</script>")


def test_the_day_can_be_looked_at_step_by_step_and_read_with_the_keyboard(opened: Open) -> None:
    """Each step has a zoom button, a closer view has bins of one second, and arrow keys read them aloud."""
    page = opened("day")
    charts(page)
    day = page.locator("section.experiment").first
    view = "Charts.view(0)"
    assert page.evaluate(view) == {"min": 0, "max": 900}
    plot = day.locator(".plot[data-kind=latency]").first
    plot.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^0 … \+10 s: worst 1 s: p50 \d"))
    day.get_by_role("button", name="Step 2").click()
    assert page.evaluate(view) == {"min": 350, "max": 414}
    assert page.evaluate("Charts.of(document.querySelector('.plot')).level.width") == 1
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator("#spoken")).to_have_text(re.compile(r"^\+413 … \+414 s: p50 \d.*; \d+ succeeded$"))
    day.get_by_role("button", name="Whole day").click()
    assert page.evaluate(view) == {"min": 0, "max": 900}
    assert page.evaluate("Charts.view(1)") != {"min": 0, "max": 900}


def test_every_step_is_reached_by_its_link(opened: Open) -> None:
    """A link leads from the hypotheses to each section, and another leads back."""
    page = opened("day")
    for name in ("1. cache loss", "2. cache loss without a fallback", "3. no steady state"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator(":target")).to_be_in_viewport()
        section = page.locator("section.experiment").filter(has=page.locator(":target"))
        section.get_by_role("link", name="Back to the overview").click()
        expect(page.locator("h1")).to_be_in_viewport()


def test_it_has_a_structure_for_screen_readers(opened: Open) -> None:
    """It has one first heading, skips no level, and gives tables captions and charts figures in words."""
    page = opened("day")
    levels = page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map((each) => Number(each.tagName[1]))")
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    labels = page.eval_on_selector_all(".plot", "all => all.map((each) => each.getAttribute('aria-label'))")
    assert labels
    assert all(re.search(r"\d", label) or "No requests" in label for label in labels)


@pytest.mark.parametrize("name", ["day", "crashed"])
def test_nothing_overflows_on_a_phone(opened: Open, name: str) -> None:
    """At 360 pixels everything fits the page, or an element that scrolls by itself."""
    page = opened(name, width=360)
    charts(page)
    page.eval_on_selector_all("details", "all => all.forEach((each) => each.open = true)")
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_is_readable_in_light_and_dark_and_on_paper(opened: Open, scheme: str) -> None:
    """The contrast is at least 4.5:1; paper is light, with every detail open and every chart drawn."""
    page = opened("day", scheme=scheme)
    assert page.evaluate(LOW_CONTRAST) == []
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not([open])").count() == 0
    assert page.locator(".plot canvas").count() == 24
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(LOW_CONTRAST) == []


def test_without_scripts_every_figure_is_in_a_table(opened: Open) -> None:
    """The tables of the day show their figures without JavaScript."""
    page = opened("day", java_script_enabled=False)
    expect(page.locator(".plot").first).to_be_hidden()
    expect(page.locator(".zoom").first).to_be_hidden()
    page.locator("summary").first.click()
    expect(page.locator("details table.figures").first).to_contain_text("Worst p95")
