"""HTML that is escaped by construction: text becomes markup only by way of :func:`tag`.

The file around the content: style, scripts, the policy that allows these alone, and the charts' data.
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
    """Text that is markup already."""

    __slots__ = ()


Child = Html | str | None | Iterable["Child"]

_VOID = frozenset({"br", "col", "hr", "use", "wbr"})


def tag(element: str, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """An element.

    Args:
        element: its name.
        children: text, which is escaped; markup; ``None``, which is nothing; or several of these.
        attributes: ``True`` stands for a bare attribute, ``False`` and ``None`` for none. Underscores
            are written as hyphens, and one at the end is left out: ``aria_label``, ``class_``.
    """
    named = "".join(_attribute(name, value) for name, value in attributes.items())
    if element in _VOID:
        return Html(f"<{element}{named}>")
    return Html(f"<{element}{named}>{join(children)}</{element}>")


def join(children: Iterable[Child]) -> Html:
    """Several pieces as one."""
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


_ASSETS = Path(__file__).with_name("assets")
_STYLES = ("uplot.min.css", "style.css")
_SCRIPTS = ("uplot.min.js", "charts.js", "page.js")


def framed(
    *, brand: str, headline: str, overview: Html, sections: Html, charts: Sequence[Mapping[str, Any]]
) -> str:
    """A whole page.

    It asks nothing of any network: style and scripts are in it, and its content security policy
    allows these alone, by their digests. So text that slipped past the escaping could not run either.

    Args:
        brand: what kind of page it is.
        headline: the one sentence for who reads no further.
        overview: the first screen, below the headline.
        sections: what follows.
        charts: what the charts draw; an element with ``data-experiment`` names its place in this.
    """
    style = "\n".join(_asset(name) for name in _STYLES)
    scripts = [_asset(name) for name in _SCRIPTS]
    return Template(_asset("page.html")).substitute(
        policy=_policy(style, scripts),
        title=join([f"{headline}: chaoskit"]),
        style=style,
        brand=join([brand]),
        headline=join([headline]),
        overview=overview,
        experiments=sections,
        data=embedded({"experiments": charts}),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def embedded(value: Any) -> str:
    """JSON that ends no script element and opens no comment, whatever is in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _policy(style: str, scripts: Iterable[str]) -> str:
    allowed = " ".join(_digest(each) for each in scripts)
    return f"default-src 'none'; style-src {_digest(style)}; script-src {allowed}; img-src data:"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8").strip()
