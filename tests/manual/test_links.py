"""Every link of the README and the manual leads somewhere, in a checkout and in the site."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.manual.hooks import DOCS, ROOT, hook

PAGES = [
    ROOT / "README.md",
    *(ROOT / name for name in hook("outside").PROJECT if (ROOT / name).is_file()),
    *sorted(DOCS.rglob("*.md")),
]
_FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
_HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)


def prose(path: Path) -> str:
    """The text of a page without its code."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> Iterator[tuple[str, str]]:
    """(path, anchor) of each link to something in this repository."""
    text = re.sub(r"`[^`\n]*`(?!\])", "", prose(path))
    for target in _LINK.findall(text):
        if not re.match(r"\w+:", target):
            file, _, anchor = target.partition("#")
            yield file, anchor


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that a page has both on GitHub and in the site, which differ in what they leave out."""
    titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in _HEADING.findall(prose(path))]
    words = [re.sub(r"[^\w\s-]", "", title.replace("`", "")).strip().lower() for title in titles]
    github = {each.replace(" ", "-") for each in words}
    site = {re.sub(r"[-\s]+", "-", each) for each in words}
    return frozenset(github & site)


def resolves(name: str) -> bool:
    """Whether there is such a module, or such a name in one: ``chaoskit.Timing``."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def mistake(page: Path, file: str, anchor: str) -> str:
    """What is wrong with a link; nothing if it leads somewhere."""
    target = (page.parent / file).resolve() if file else page
    if not target.exists():
        return f"there is no {file}"
    if not anchor:
        return ""
    there = resolves(anchor) if target.parent.name == "reference" else anchor in anchors(target)
    return "" if there else f"{file or page.name} has no #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files, sections and names of the reference exist."""
    wrong = [found for link in links(page) if (found := mistake(page, *link))]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_is_named_in_code_exists(page: Path) -> None:
    """Each file of the repository and each dotted name of the package, as `code` in a sentence."""
    named = re.findall(r"`([^`\n]+)`", prose(page))
    folders = r"(?:chaoskit|docs|experiments|fixtures|tests)/[\w./-]*(?:/|\.\w+)"
    files = [each for each in named if re.fullmatch(folders, each)]
    names = [each for each in named if re.fullmatch(r"chaoskit(?:\.\w+)+", each)]
    assert [each for each in files if not (ROOT / each).exists()] == []
    assert [each for each in names if not resolves(each)] == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """A file, a section or a name that is not there is told; code and other sites are left alone."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b` & c\n## Twice, and how\n[x](none.md) [y](#twice-and-how) [z](#gone) [w](https://e.org)\n"
        "```md\n[code](none.md)\n```\n`[code](none.md)` [`name`](page.md#twice-and-how) [c](#a-b-c)\n",
        encoding="utf-8",
    )
    found = [mistake(page, *link) for link in links(page)]
    assert found == ["there is no none.md", "", "page.md has no #gone", "", "page.md has no #a-b-c"]
    assert resolves("chaoskit.Timing")
    assert not resolves("chaoskit.Time")


def test_no_page_is_lost() -> None:
    """Each page stands in the site's navigation, and each that stands there exists."""
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    shown = set(re.findall(r"^ +- .*: ([\w/-]+\.md)$", config, re.MULTILINE))
    assert shown == {page.relative_to(DOCS).as_posix() for page in PAGES if page.is_relative_to(DOCS)}
