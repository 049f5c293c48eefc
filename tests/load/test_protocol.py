from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.load.protocol import (
    Entry,
    Setup,
    decode,
    decode_setup,
    encode_entries,
    encode_message,
    encode_setup,
)
from chaoskit.load.source import FunctionPlace, JourneyPlan
from chaoskit.record.history import Access, Acknowledgement, Check, Mark, Outcome, Sample

TEXT = st.text(max_size=30)
ANY_TEXT = st.text(st.characters(), max_size=30)  # lone surrogates too: errors quote what they got
TIMES = st.floats(allow_nan=False, allow_infinity=False)
MAYBE = st.none() | TIMES
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TIMES | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
SAMPLES = st.builds(Sample, ANY_TEXT, TIMES, MAYBE, MAYBE, st.sampled_from(Outcome), ANY_TEXT)
ENTRIES = (
    SAMPLES
    | st.builds(Mark, TEXT, TIMES, st.dictionaries(TEXT, JSON, max_size=3))
    | st.builds(Acknowledgement, TEXT, ANY_TEXT, ANY_TEXT, TIMES)
    | st.builds(
        Access, TEXT, st.integers(), ANY_TEXT, ANY_TEXT, st.booleans(), st.none() | st.integers(), TIMES
    )
    | st.builds(Check, ANY_TEXT, ANY_TEXT, st.none() | st.booleans(), ANY_TEXT)
)
PLACES = st.builds(FunctionPlace, TEXT, TEXT, st.none() | TEXT, st.none() | TEXT)
PLANS = st.builds(JourneyPlan, name=TEXT, rate=TIMES, timeout=TIMES, run=PLACES, verify=st.none() | PLACES)
SETUPS = st.builds(
    Setup,
    plans=st.lists(PLANS, max_size=3).map(tuple),
    entries=st.dictionaries(TEXT, TEXT, max_size=3),
    seed=st.integers(),
    pattern=st.sampled_from(["constant", "poisson"]),
    max_in_flight=st.integers(),
    max_duration=TIMES,
    allowed_hosts=st.lists(TEXT, max_size=2).map(tuple),
)


@given(st.lists(ENTRIES, max_size=10))
def test_entries_arrive_as_they_were_sent(entries: list[Entry]) -> None:
    """A batch comes back equal, to the last bit of its times, and is one line whatever it quotes."""
    line = encode_entries(entries)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == entries


@given(SETUPS)
def test_a_setup_arrives_as_it_was_sent(setup: Setup) -> None:
    """The load process gets exactly the plans that the harness made."""
    line = encode_setup(setup)
    assert line.count(b"\n") == 1
    assert decode_setup(line) == setup


@given(TEXT, st.dictionaries(st.sampled_from(["at", "origin", "grace"]), JSON))
def test_messages_are_told_from_batches(say: str, content: dict[str, object]) -> None:
    """A message is decoded as the mapping that it was."""
    assert decode(encode_message(say, **content)) == {"say": say, **content}


@pytest.mark.parametrize("line", ["7", '{"at": 1}', '"say"', '[["x", 1]]', "[", '[["s", 1'])
def test_other_lines_are_refused(line: str) -> None:
    """A line that is not of this protocol is an error, and never an entry."""
    with pytest.raises((ValueError, TypeError)):
        decode(line.encode())


def test_a_sample_is_small() -> None:
    """A thousand samples a second are some hundred kilobytes: a sample takes about a hundred bytes."""
    sample = Sample("browse", 123456.789012, 123456.789512, 123456.799512, Outcome.OK)
    assert len(encode_entries([sample])) < 100
    assert json.loads(encode_entries([sample]))[0][0] == "s"
