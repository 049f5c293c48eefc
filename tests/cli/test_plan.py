from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.cli.plan import render_compose, render_links
from tests.interpose.shapes import published, rewritten

SHOP: dict[str, dict[str, Any]] = {
    "web": {"ports": published(8080)},
    "db": {"image": "postgres:16", "networks": {"default": {"ipv4_address": "172.30.0.5"}}},
    "mystery": {},
}


def test_the_table_says_who_talks_to_whom_through_what() -> None:
    """Links, entries, components without a known port and warnings each have a section; the links of the
    harness
    are only counted.
    """
    after = rewritten(SHOP, exposed={"web": (), "db": (5432,), "mystery": ()})
    text = render_links(after)
    links, entries, unknown, warnings, last = text.split("\n\n")
    assert "  web      →  db:5432   toxiproxy-1  web.db.5432" in links.splitlines()
    assert "harness" not in links
    assert entries.splitlines()[1:] == ["  web:8080  through  toxiproxy-1"]
    assert unknown.splitlines()[1:] == ["  mystery"]
    assert "172.30.0.5" in warnings
    assert last == "3 components behind 2 Toxiproxies; 2 links of the harness"


def test_sections_without_anything_are_left_out() -> None:
    """An application of one silent service has no section for links, entries or warnings."""
    text = render_links(rewritten({"only": {}}))
    assert text.splitlines()[0].startswith("no known port")
    assert "warnings" not in text


def test_the_file_begins_with_what_it_is() -> None:
    """The file begins with comments: how to start it, and the warnings. Each proxy stands on a line of its
    own.
    """
    text = render_compose(rewritten(SHOP))
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert "docker compose -p chaoskit-test -f" in " ".join(head)
    assert any("172.30.0.5" in line for line in head)
    assert "content: |" in text
    assert '      {"name": "outside.web.8080"' in text


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_any_text_comes_back(environment: dict[str, str]) -> None:
    """Any text in an environment is the same text when the YAML is read."""
    after = rewritten({"web": {"environment": environment}})
    assert yaml.safe_load(render_compose(after)) == after.compose
