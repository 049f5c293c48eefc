"""The tutorial as a text, and how a document is compared with what its commands print."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import blocks, like, write

DOCS = Path(__file__).resolve().parents[1] / "docs"
TUTORIAL = blocks((DOCS / "tutorial.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("expected", "printed", "alike"),
    [
        ("ready after 2.9 s", "ready after 11 s\n", True),
        ("a  b", "a b   \n", True),
        ("one\n...\nfour", "one\ntwo\nthree\nfour\n", True),
        ("one\n...", "one\n", True),
        ("ok … 7", "ok anything at all 8\n", True),
        ("", "", True),
        ("one\nthree", "one\ntwo\nthree\n", False),
        ("HELD x", "BROKEN x\n", False),
        ("one", "one\ntwo\n", False),
        ("", "error\n", False),
    ],
)
def test_an_output_is_compared_by_its_words(expected: str, printed: str, alike: bool) -> None:
    """Figures and blanks may differ, words and lines may not, unless they are left out on purpose."""
    assert like(expected, printed) is alike


def test_files_are_written_edited_and_extended(tmp_path: Path) -> None:
    """What a block's comment says happens to its file; a block without one is refused."""
    text = (
        "<!-- file: a.py -->\n```python\none\ntwo\nthree\n```\n"
        '\n<!-- edit: a.py, from "two" to "three" -->\n\n```python\n2\n```\n'
        "<!-- append: a.py -->\n```python\nfour\n```\n```text\nx\n```\n"
    )
    *named, nameless = blocks(text)
    for block in named:
        write(block, tmp_path)
    assert (tmp_path / "a.py").read_text() == "one\n2\nthree\n\n\nfour\n"
    with pytest.raises(ValueError, match="line 17"):
        write(nameless, tmp_path)


def test_the_tutorial_shows_the_files_that_are_beside_it() -> None:
    """Who has a checkout finds the application as the text begins with it; no file is forgotten."""
    shown = {
        each.mark.removeprefix("file: "): each.text for each in TUTORIAL if each.mark.startswith("file: ")
    }
    kept = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "tutorial").iterdir()}
    assert shown == kept


def test_every_block_of_the_tutorial_is_run() -> None:
    """There is no block that could rot: each is a file or holds commands."""
    assert TUTORIAL
    for block in TUTORIAL:
        assert block.mark if block.language != "console" else list(block.commands), f"line {block.line}"
