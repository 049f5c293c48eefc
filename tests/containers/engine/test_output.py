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


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n", codec="utf-8")).map(lambda text: text.rstrip("\r"))
    )
)
def test_no_output_is_too_strange(lines: list[str]) -> None:
    """Whatever lines a container writes, each is read, as it was written and when it was written."""
    told = "\n".join(f"2026-01-02T03:04:{number % 60:02}Z {line}" for number, line in enumerate(lines))
    found = list(parse(told))
    assert [line.text for line in found] == lines
    assert [line.written for line in found] == [1767323040.0 + number % 60 for number in range(len(lines))]


@given(st.text())
def test_what_follows_a_stamp_is_never_lost(text: str) -> None:
    """Text that no engine's format foresees still gives the first line, with the stamp before it."""
    found = list(parse(f"2026-01-02T03:04:05Z {text}"))
    assert found[0].written == 1767323045.0
    assert found[0].text.startswith(text.partition("\n")[0].rstrip("\r"))
