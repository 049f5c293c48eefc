"""The stream of a flood's container, and the addresses at which it looks for the entry."""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.containers.engine.flooding import Frames, addresses


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=30)), max_size=6),
    st.lists(st.integers(0, 300), max_size=6),
)
def test_frames_are_taken_apart_however_they_come(pieces: list[tuple[bool, bytes]], cuts: list[int]) -> None:
    """Standard output and standard error come out in order and whole, however the pieces arrive."""
    stream = b"".join(struct.pack(">BxxxI", 2 if error else 1, len(text)) + text for error, text in pieces)
    marks = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    frames = Frames()
    found = [piece for a, b in pairwise(marks) for piece in frames.feed(stream[a:b])]
    assert found == pieces


def test_an_entry_is_looked_for_on_loopback_first() -> None:
    """Its own addresses come after loopback; a component without a network has none."""
    networks = {"b": {"IPAddress": "10.0.0.3"}, "a": {"IPAddress": "10.0.0.2"}, "c": {"IPAddress": ""}}
    inspected = {"NetworkSettings": {"Networks": networks}}
    assert addresses(inspected) == ["127.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert addresses({}) == ["127.0.0.1"]
