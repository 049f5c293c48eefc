"""Verdicts together, and their JSON form."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.judge import (
    Finding,
    JourneyJudgement,
    Judgement,
    Recovery,
    Standing,
    Summary,
    Verdict,
    combined,
)

verdicts = st.sampled_from(Verdict)
some = st.lists(verdicts, min_size=1)


@given(some, some)
def test_combining_is_associative_and_order_plays_no_part(one: list[Verdict], other: list[Verdict]) -> None:
    """Verdicts may be combined in any grouping and any order."""
    together = combined(one + other)
    assert combined([combined(one), combined(other)]) is together
    assert combined(reversed(one + other)) is together
    assert combined([together, together]) is together


def test_a_broken_promise_outweighs_what_is_unknown() -> None:
    """BROKEN outweighs UNKNOWN, which outweighs HELD; without any verdict the result is UNKNOWN."""
    assert combined([Verdict.HELD, Verdict.UNKNOWN, Verdict.BROKEN]) is Verdict.BROKEN
    assert combined([Verdict.HELD, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert combined([Verdict.HELD]) is Verdict.HELD
    assert combined([]) is Verdict.UNKNOWN


numbers = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | numbers
findings = st.builds(
    Finding,
    st.text(),
    st.text(),
    verdicts,
    st.text(),
    st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.floats()),
    st.none() | st.floats(),
)
summaries = st.builds(Summary, samples=st.integers(), failed=st.integers(), failed_share=numbers, p50=maybe)
recoveries = st.none() | st.builds(Recovery, maybe, numbers, maybe, numbers, st.booleans(), numbers)
journeys = st.builds(
    JourneyJudgement,
    st.text(),
    st.sampled_from(Standing),
    verdicts,
    st.lists(findings, max_size=3).map(tuple),
    st.dictionaries(st.text(), summaries, max_size=3),
    recoveries,
    recoveries,
)
judgements = st.builds(
    Judgement,
    verdicts,
    st.lists(journeys, max_size=3).map(tuple),
    st.lists(findings, max_size=3).map(tuple),
    st.lists(st.text(), max_size=3).map(tuple),
)


@given(judgements)
def test_the_record_gives_back_the_judgement(judgement: Judgement) -> None:
    """Nothing is lost on the way through strict JSON, not even figures that JSON cannot write."""
    text = json.dumps(judgement.to_record(), allow_nan=False)
    assert Judgement.from_record(json.loads(text)) == judgement


def test_figures_that_are_not_finite_are_none() -> None:
    """An infinite latency is a figure that is not known."""
    found = Finding("j", "p", Verdict.HELD, "", {"a": math.inf, "b": math.nan, "c": 1.0}, math.inf)
    assert found.figures == {"a": None, "b": None, "c": 1.0}
    assert found.at is None
