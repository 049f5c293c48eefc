"""HTML that is escaped by construction, and the frame of a page.

Text becomes markup only through :func:`tag`. :func:`framed` puts the content into one file, with its
style, its scripts, the policy that allows nothing else, and the data of the charts.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any


class Html(str):
    """Text that is already markup."""

    __slots__ = ()


Child = Html | str | None | Iterable["Child"]

_VOID_ELEMENTS = frozenset({"br", "col", "hr", "use", "wbr"})


def tag(element: str, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """An HTML element.

    Args:
        element: its name.
        children: text, which is escaped; markup; ``None``, which adds nothing; or several of these.
        attributes: ``True`` makes a bare attribute; ``False`` and ``None`` make none. An underscore is
            written as a hyphen, and one at the end is dropped: ``aria_label``, ``class_``.
    """
    named = "".join(_attribute(name, value) for name, value in attributes.items())
    if element in _VOID_ELEMENTS:
        return Html(f"<{element}{named}>")
    return Html(f"<{element}{named}>{join(children)}</{element}>")


def join(children: Iterable[Child]) -> Html:
    """Several pieces of text and markup as one piece of markup."""
    return Html("".join(_markup(child) for child in children))


def _markup(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, str):
        return escape(child)
    return join(child)


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


_ASSETS_FOLDER = Path(__file__).with_name("assets")
_STYLE_FILES = ("uplot.min.css", "style.css")
_SCRIPT_FILES = ("uplot.min.js", "charts.js", "page.js")


def framed(
    *, brand: str, headline: str, overview: Html, sections: Html, charts: Sequence[Mapping[str, Any]]
) -> str:
    """A whole page.

    The page fetches nothing: it contains its style and its scripts, and its content security policy
    allows only these, by their digests. So even text that slipped past the escaping could not run.

    Args:
        brand: what kind of page it is.
        headline: the result in one line.
        overview: the first screen, below the headline.
        sections: everything below the overview.
        charts: the data of the charts. The ``data-experiment`` of an element is an index into it.
    """
    style = "\n".join(_asset(name) for name in _STYLE_FILES)
    scripts = [_asset(name) for name in _SCRIPT_FILES]
    return Template(_asset("page.html")).substitute(
        policy=_policy(style, scripts),
        title=join([f"{headline} \N{EN DASH} chaoskit"]),
        style=style,
        brand=join([brand]),
        headline=join([headline]),
        overview=overview,
        experiments=sections,
        data=embedded({"experiments": charts}),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def embedded(value: Any) -> str:
    """JSON that cannot end a script element or open a comment, whatever it contains."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _policy(style: str, scripts: Iterable[str]) -> str:
    allowed = " ".join(_digest(each) for each in scripts)
    return f"default-src 'none'; style-src {_digest(style)}; script-src {allowed}; img-src data:"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (_ASSETS_FOLDER / name).read_text(encoding="utf-8").strip()
