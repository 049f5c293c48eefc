"""How the pages write figures, times and verdicts."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from chaoskit.judge import Standing, Verdict
from chaoskit.report.page.html import Html, join, tag

NONE = "\N{EN DASH}"
"""Stands in for a figure that does not exist."""

MINUS_SIGN = "\N{MINUS SIGN}"

STANDINGS = {
    Standing.UNAFFECTED: "owes its full SLO",
    Standing.DEGRADED: "owes its degraded SLO",
    Standing.MAY_FAIL: "may fail, but must recover",
}
"""What a journey owed while the fault was active."""

MOMENTS = {
    "begin": "traffic begins",
    "control": "control window begins",
    "inject": "inject",
    "landed": "landed",
    "holding": "fault still there at the end of the fault window",
    "lapsed": "fault gone before the end of the fault window",
    "lift": "lift",
    "gone": "gone",
    "end": "traffic ends",
    "rebuilt": "environment rebuilt",
    "unsteady": "no steady state",
    "promise": "obligation of the fault",
    "load-lag": "load generator was late",
    "journey-error": "error in the code of a journey",
}


def badge(verdict: Verdict) -> Html:
    """A verdict as a shape, a colour and a word."""
    return tag("span", icon(verdict.value), verdict.name, class_=f"verdict {verdict.value}")


def icon(name: str) -> Html:
    """One of the shapes of the page. It is hidden from screen readers: the text beside it says the same."""
    return tag("svg", tag("use", href=f"#{name}"), class_="icon", aria_hidden="true")


def plural(count: int, one: str, many: str = "") -> str:
    """``1 journey``, ``2 journeys``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def seconds(value: float | None) -> str:
    """``2.4 s``, ``0.05 s``."""
    if value is None:
        return NONE
    if not value:
        return "0 s"
    return f"{value:.2f} s" if abs(value) < 1 else f"{value:.1f} s"


def since(value: float) -> str:
    """Seconds from the zero of the time line: ``+2.4``, ``0.0``, or ``-3.0`` with a true minus sign."""
    text = f"{abs(value):.1f}" if abs(value) >= 0.1 or round(value, 2) == 0 else f"{abs(value):.2f}"
    return text if not float(text) else f"{'+' if value > 0 else MINUS_SIGN}{text}"


def latency(value: float | None) -> str:
    """``230 ms``, ``1.25 s``."""
    if value is None:
        return NONE
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.2f} s"


def share(part: int, whole: int) -> str:
    """``0%``, ``0.4%``, ``12%``. Only none is written as 0%, and only all as 100%."""
    if not whole:
        return NONE
    percent = part / whole * 100
    if percent in (0, 100):
        return f"{percent:.0f}%"
    digits = 0 if 10 <= percent < 99.5 else 1
    text = f"{percent:.{digits}f}"
    return {"0.0": "<0.1%", "100.0": ">99.9%"}.get(text, f"{text}%")


def clock(moment: float) -> str:
    """Seconds since 1970 as ``14:03:07.125`` UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S.%f")[:-3]


def written(moment: str) -> str:
    """An ISO time stamp as ``2026-01-02 03:04:05 UTC``; any other text is returned unchanged."""
    try:
        found = datetime.fromisoformat(moment).astimezone(UTC)
    except ValueError:
        return moment
    return f"{found:%Y-%m-%d %H:%M:%S} UTC"


def breakable(name: str) -> Html:
    """A long name that may break across lines where its parts meet."""
    parts = re.split(r"(?<=[._:/])(?=\w)|(?=\()", name)
    return join([parts[0], *(join([tag("wbr"), part]) for part in parts[1:])])


def shortened(text: str, characters: int) -> str:
    """The text; if it is too long its beginning, cut between words."""
    if len(text) <= characters:
        return text
    return f"{text[:characters].rpartition(' ')[0] or text[:characters]} …"


def scroller(label: str, *content: Html) -> Html:
    """Wide content that scrolls by itself, with the keyboard too."""
    return tag("div", *content, class_="scroller", role="region", aria_label=label, tabindex="0")
