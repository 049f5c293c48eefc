"""The engine's logs as lines with time stamps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.containers.engine.output import parse, stamp


def test_lines_are_told_by_their_stamps() -> None:
    """Time and text are split, and a line without a stamp continues the one before."""
    text = (
        "2026-01-02T03:04:05.123456789Z started\r\n"
        "2026-01-02T03:04:05.2Z \n"
        "2026-01-02T03:04:06Z half a \n"
        "line\n"
    )
    found = list(parse(text))
    assert [line.text for line in found] == ["started", "", "half a line"]
    assert [line.written for line in found] == pytest.approx(
        [1767323045.123456, 1767323045.2, 1767323046.0], abs=1e-6
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-02T03:04:05Z", 1767323045.0),
        ("2026-01-02T05:04:05+02:00", 1767323045.0),
        ("2026-01-02T03:04:05", 1767323045.0),
        ("None", None),
        ("", None),
        ("2026", None),
    ],
)
def test_a_stamp_is_a_moment_or_nothing(text: str, seconds: float | None) -> None:
    """Every form that engines use is read, in any time zone; no other text is taken for a time stamp."""
    assert stamp(text) == seconds


@given(st.text())
def test_no_output_is_too_strange(text: str) -> None:
    """Reading never fails, whatever a container writes."""
    for line in parse(f"2026-01-02T03:04:05Z {text}"):
        assert isinstance(line.written, float)
