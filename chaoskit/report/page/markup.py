"""HTML that is escaped by construction: text becomes markup only by way of :func:`tag`."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


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
