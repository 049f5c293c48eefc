"""The site has a page for each fault, which says what the catalogue says and shows a use that is one."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest

from chaoskit import faults
from chaoskit.faults import Fault
from tests.manual.hooks import DOCS, hook

SITE = hook("faults")
PUBLIC = {
    name
    for name in faults.__all__
    if inspect.isclass(kind := getattr(faults, name))
    and issubclass(kind, Fault)
    and not inspect.isabstract(kind)
}


def test_each_fault_has_a_page() -> None:
    """No fault is forgotten, and no page is left of one that is gone."""
    assert set(SITE.pages()) == PUBLIC
    assert set(SITE.EXAMPLES) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_example_is_that_fault(name: str) -> None:
    """It can be made as the page shows it, and its fields are those that the page tells of."""
    example, _ = SITE.EXAMPLES[name]
    made = eval(f"faults.{example}", {"faults": faults})
    assert type(made).__name__ == name
    page = SITE.pages()[name]
    assert f"chaos.experiment(faults.{example}).assert_held()" in page
    for field in fields(made):
        assert f"| `{field.name}` |" in page
    assert "**Landed when:**" in page
    assert "**Undo:**" in page


def test_a_page_has_the_whole_section() -> None:
    """Nothing of the catalogue is lost on the way, and nothing of another fault comes along."""
    catalogue = (DOCS / "catalogue.md").read_text(encoding="utf-8")
    for name, section in SITE.sections(catalogue).items():
        page = SITE.pages()[name]
        assert all(line in page for line in section.splitlines()), name
        assert "### " not in section


def test_links_to_the_catalogue_lead_to_the_pages() -> None:
    """In the site; what is not a fault's section stays as it is."""
    text = "[a](catalogue.md#cacheloss) [b](catalogue.md#judgements) [c](../catalogue.md#kill)"
    assert SITE.on_page_markdown(text) == (
        "[a](faults/CacheLoss.md) [b](catalogue.md#judgements) [c](../faults/Kill.md)"
    )


@pytest.mark.parametrize(
    ("folder", "page", "link", "inside"),
    [
        ("docs", "report.md", "../README.md", "index.md"),
        ("docs", "report.md", "trend.md#flaky", "trend.md#flaky"),
        ("docs", "report.md", "../.github/x.yml", "repository/github/x.yml"),
        ("docs", "report.md", "../chaoskit/THIRD.md", "repository/chaoskit/THIRD.md.txt"),
        ("docs/reference", "reference/faults.md", "../../CHANGELOG.md", "../project/CHANGELOG.md"),
        ("", "project/CHANGELOG.md", "docs/load.md#arrivals", "../load.md#arrivals"),
        ("", "project/CHANGELOG.md", "https://example.org/a", "https://example.org/a"),
    ],
)
def test_links_out_of_the_manual_lead_to_copies(folder: str, page: str, link: str, inside: str) -> None:
    """A site that is read without a network has what its pages link to."""
    assert hook("outside").rewrite(f"[x]({link})", folder, page) == f"[x]({inside})"


def test_no_page_names_what_the_reader_does_not_have() -> None:
    """What the site publishes of the repository is there."""
    wanted = hook("outside").wanted()
    assert "chaoskit/record/journal.schema.json" in wanted
    assert all(re.fullmatch(r"[\w./-]+", path) for path in wanted)
