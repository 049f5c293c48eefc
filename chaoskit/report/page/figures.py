"""The two charts of a journey, as the page's script finds them and as who does not see them hears them."""

from __future__ import annotations

from chaoskit.report.page.markup import Html, tag

_RATE = (("arrive", "requests that arrive"), ("fail", "of them fail"))
_LATENCY = (("p50", "p50"), ("p95", "p95"), ("p99", "p99"), ("bound", "promised"))


def rate(name: str, number: int, says: str) -> Html:
    """Requests per second.

    Args:
        name: the journey.
        number: which of its experiment's journeys it is in the page's data.
        says: its figures in words.
    """
    return _figure("rate", number, "Requests per second", _RATE, f"{name}: requests per second. {says}")


def latency(name: str, number: int, says: str) -> Html:
    """Quantiles of the latency; see :func:`rate`."""
    return _figure("latency", number, "Latency of successes", _LATENCY, f"{name}: latency, log scale. {says}")


def _figure(kind: str, number: int, title: str, keys: tuple[tuple[str, str], ...], label: str) -> Html:
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("span", title, class_="title"),
            [tag("span", text, class_=f"key {name}") for name, text in keys],
        ),
        tag("p", class_="readout", aria_hidden="true"),
        tag(
            "div",
            class_="plot",
            role="img",
            tabindex="0",
            aria_label=f"{label} Arrow keys read it bin by bin; the table below has it all.",
            data_journey=number,
            data_kind=kind,
        ),
        class_="chart",
    )
