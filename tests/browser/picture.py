"""The pictures of the README and the manual: the report of two experiments in memory, as a browser shows it.

``python -m tests.browser.picture`` makes them anew, after a change to the page.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from chaoskit.report import page as report
from tests.browser.conftest import REMEDY, find_browser
from tests.report.page import journals

ASSETS = Path(__file__).resolve().parents[2] / "docs" / "assets"
WIDTH, HEIGHT = 1100, 880


def main() -> None:
    """Write them."""
    browser = find_browser() or exit(f"there is no Chromium: {REMEDY}")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        folder = Path(made)
        journals.broken(folder)
        journals.held(folder)
        file = report.write(folder / "report.html", report.gather([folder]))
        with playwright.chromium.launch(executable_path=browser) as launched:
            page = launched.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
            )
            page.goto(file.as_uri())
            page.evaluate("Charts.ensureAll()")
            page.screenshot(path=ASSETS / "report.png")
            page.locator("figure.chart").first.locator("xpath=..").screenshot(path=ASSETS / "timeline.png")


if __name__ == "__main__":
    main()
