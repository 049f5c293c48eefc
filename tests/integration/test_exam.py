"""A sample of the exam: sheets whose truth is far from every border. ``make exam`` sits all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exam.questions import UNDER_THE_FAULT, UNTRIED, Sheet
from tests.exam.sitting import sit

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("sheet", [UNDER_THE_FAULT, UNTRIED], ids=lambda sheet: sheet.name)
def test_every_verdict_is_true(sheet: Sheet, tmp_path: Path) -> None:
    """Each journey of the examinee gets the verdict that is true by its construction, for the true reason."""
    marked = list(sit(sheet, tmp_path))
    assert len(marked) == len(sheet.questions)
    assert [each.line for each in marked if not each.right] == []
