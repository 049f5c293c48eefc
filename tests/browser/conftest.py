"""A real browser: the Chromium of the machine, driven by Playwright. Nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, sync_playwright

from chaoskit.report import afteraction
from chaoskit.report import page as report
from tests.report.afteraction import days
from tests.report.page import journals

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REMEDY = "install it (on Debian and Ubuntu: apt-get install chromium), or name one in CHAOSKIT_CHROMIUM"

Open = Callable[..., Page]


def find_browser() -> str | None:
    """The path of a Chromium, or ``None``; CHAOSKIT_CHROMIUM names one that is not on the PATH."""
    named = os.environ.get("CHAOSKIT_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module. While Playwright runs, an event loop runs in this thread, and tests of other
    modules must not run beside it.
    """
    path = find_browser()
    if path is None:
        missing = pytest.fail if os.environ.get("CHAOSKIT_BROWSER_TESTS") == "must" else pytest.skip
        missing(f"there is no Chromium on the PATH; {REMEDY}")
    with sync_playwright() as playwright:
        arguments = ["--disable-background-networking", "--disable-component-update"]
        launched = playwright.chromium.launch(executable_path=path, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of each kind: ``all`` (three verdicts, detection), ``hostile`` (markup in every text),
    ``many`` (100,000 requests), and the after-action reports of a ``day`` and of one that ``crashed``.
    """
    folder, pages = tmp_path_factory.mktemp("journals"), tmp_path_factory.mktemp("pages")
    held, broken, _ = journals.three(folder)
    journals.detection(folder, folder / "elsewhere.json")
    sources = {
        "all": folder,
        "hostile": journals.hostile(broken, pages / "hostile.json"),
        "many": journals.many_samples(held, pages / "many.json"),
    }
    game_days = {
        "day": days.make(tmp_path_factory.mktemp("whole") / days.FOLDER),
        "crashed": days.crashed(tmp_path_factory.mktemp("half") / days.FOLDER),
    }
    return {name: afteraction.write(folder)[0] for name, folder in game_days.items()} | {
        name: report.write(pages / f"{name}.html", report.gather([path])) for name, path in sources.items()
    }


@pytest.fixture
def opened(browser: Browser, reports: dict[str, Path]) -> Iterator[Open]:
    """Opens a report from its file. The test fails if the page had an error or made a network request."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def request(asked: Request) -> None:
        if not asked.url.startswith(("file:", "data:")) or not asked.is_navigation_request():
            wrong.append(f"request: {asked.url[:200]}")

    def dialog(shown: Dialog) -> None:
        wrong.append(f"dialog: {shown.message}")
        shown.dismiss()

    def open_(name: str = "all", *, width: int = 1280, scheme: str = "light", **options: object) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(f"console {said.type}: {said.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", dialog)
        page.on("request", request)
        page.goto(reports[name].as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
