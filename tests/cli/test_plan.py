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
    """Links, entry points, ports that are still to be found, warnings: each in a section of its own; the
    harness's own links are a number.
    """
    after = rewritten(SHOP, exposed={"web": (), "db": (5432,), "mystery": ()})
    text = render_links(after)
    links, entries, unknown, warnings, last = text.split("\n\n")
    assert "  web      →  db:5432   toxiproxy-1  web.db.5432" in links.splitlines()
    assert "harness" not in links
    assert entries.splitlines()[1:] == ["  web:8080  through  toxiproxy-1"]
    assert unknown.splitlines()[1:] == ["  mystery"]
    assert "172.30.0.5" in warnings
    assert last == "3 components behind 2 Toxiproxies; 2 links of the harness's own"


def test_sections_without_anything_are_left_out() -> None:
    """An application of one silent service has no links, no entry points and no warnings to show."""
    text = render_links(rewritten({"only": {}}))
    assert text.splitlines()[0].startswith("no port known")
    assert "warnings" not in text


def test_the_file_begins_with_what_it_is() -> None:
    """Its head is comments: how to start it, and what to be warned of; proxies stand one on a line."""
    text = render_compose(rewritten(SHOP))
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert "docker compose -p chaoskit-test -f" in " ".join(head)
    assert any("172.30.0.5" in line for line in head)
    assert "content: |" in text
    assert '      {"name": "outside.web.8080"' in text


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_any_text_comes_back(environment: dict[str, str]) -> None:
    """Whatever stands in an environment is the same text again when YAML is read."""
    after = rewritten({"web": {"environment": environment}})
    assert yaml.safe_load(render_compose(after)) == after.compose
