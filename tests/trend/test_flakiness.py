"""The course of verdicts over the nights: what is flaky, and what is a change that stays."""

from __future__ import annotations

import pytest

from chaoskit.judge import Verdict
from chaoskit.trend.flakiness import NightlyCourse, course_of

SIGNS = {"H": Verdict.HELD, "B": Verdict.BROKEN, "?": Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("verdicts", "course"),
    [
        ("H", NightlyCourse.HELD),
        ("HHH", NightlyCourse.HELD),
        ("BBB", NightlyCourse.NEVER_HELD),
        ("?", NightlyCourse.NEVER_HELD),
        ("HHB", NightlyCourse.FIRST_TIME),
        ("HH?", NightlyCourse.FIRST_TIME),
        ("HBB", NightlyCourse.SINCE),
        ("HB?", NightlyCourse.SINCE),
        ("BBH", NightlyCourse.MENDED),
        ("HBH", NightlyCourse.FLAKY),
        ("BHB", NightlyCourse.FLAKY),
        ("HH?HHHB", NightlyCourse.FLAKY),
    ],
)
def test_a_change_that_stays_is_not_flaky(verdicts: str, course: NightlyCourse) -> None:
    """A verdict that changes and changes back is flaky; one that changes once is a trend."""
    assert course_of([(SIGNS[sign], None) for sign in verdicts]) is course


def test_one_revision_with_two_verdicts_is_flaky() -> None:
    """Two different verdicts are flaky on one revision, but not on two revisions."""
    assert course_of([(Verdict.HELD, "a"), (Verdict.BROKEN, "a")]) is NightlyCourse.FLAKY
    assert course_of([(Verdict.HELD, "a"), (Verdict.BROKEN, "b")]) is NightlyCourse.FIRST_TIME
