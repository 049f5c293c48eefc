"""HTML that is escaped by construction."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.report.page.html import Html, join, tag


class Reader(HTMLParser):
    """Collects elements, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")))
def test_text_comes_back_as_it_was_and_makes_no_element(text: str) -> None:
    """A browser reads every text as text, whatever it contains."""
    reader = Reader()
    reader.feed(tag("p", text, title=text))
    reader.close()
    assert reader.elements == ["p"]
    assert reader.text == text
    assert reader.attributes == {"title": text}


def test_markup_is_nested_and_nothing_is_left_out() -> None:
    """Markup stays markup, lists are flattened, None adds nothing, True makes a bare attribute."""
    inner = [tag("b", "1 < 2"), None, Html("<br>")]
    assert tag("p", inner, "&", hidden=True, id=None, class_="x", aria_label='"') == (
        '<p hidden class="x" aria-label="&quot;"><b>1 &lt; 2</b><br>&amp;</p>'
    )
    assert join([]) == ""
