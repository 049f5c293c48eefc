"""The job summary: it has everything that matters, and no text of a user becomes markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.chaos import Chaos
from chaoskit.errors import EnvironmentFailure
from chaoskit.experiment.result import Result
from chaoskit.faults import CacheLoss
from chaoskit.plugin.xdist import pack, unpack
from chaoskit.record.journal_types import AccessRecord
from chaoskit.report.markdown import append, escaped, summary
from chaoskit.report.terminal import explain, matrix, table
from tests.experiment.test_experiment import no_fallback
from tests.simulation import Behaviour, Simulation, hardened


def result(folder: Path, behaviour: Behaviour, name: str) -> Result:
    """The result of one experiment."""
    return (
        Chaos(Simulation(behaviour, folder).environment, name, folder).experiment(CacheLoss("cache")).result
    )


def test_the_summary_tells_what_broke_and_why(tmp_path: Path) -> None:
    """It has the verdicts, the reasons with their figures, the matrix and the recovery times."""
    found = [result(tmp_path, hardened, "held"), result(tmp_path, no_fallback, "broken")]
    text = summary(found, [("test_x", "no engine answers")], means="exit code 1: broken", folder="reports")
    assert text.startswith(
        "## Chaos experiments: 1 HELD, 1 BROKEN, 1 without a verdict\n\nExit code 1: broken."
    )
    assert "| ✅ HELD | held | CacheLoss('cache') | " in text
    assert "- ❌ BROKEN browse: degraded: " in text
    assert "requests failed (100%)" in text
    assert "| held | uses: degraded | neither: held | needs: failed |" in text
    assert "| held | buy | - | ≤ 100 ms | 10 s |" in text
    assert "~~~\nno engine answers\n~~~" in text
    assert "artifacts of this run: reports" in text


def test_what_users_wrote_is_no_markup(tmp_path: Path) -> None:
    """A pipe, HTML and a line break in a name do not break the table."""
    found = replace(result(tmp_path, hardened, "one"), name="a|b <img src=x>\n| `c` **d**")
    (row,) = [line for line in summary([found]).splitlines() if line.startswith("| ✅")]
    assert "a\\|b &lt;img src=x&gt; \\| \\`c\\` \\*\\*d\\*\\*" in row


@given(st.text())
def test_a_cell_is_one_line_and_one_cell(text: str) -> None:
    """No text ends the line or the cell, or opens a tag."""
    cell = escaped(text)
    assert len(cell.splitlines()) <= 1
    assert "|" not in cell.replace("\\\\", "").replace("\\|", "")
    assert not {"<", ">"} & set(cell)


def test_a_summary_is_appended_and_never_too_long(tmp_path: Path) -> None:
    """The summaries of other steps stay, and a summary above the limit is cut at a line."""
    path = tmp_path / "deep" / "summary.md"
    append(path, "# before\n")
    found = replace(result(tmp_path, hardened, "one"), name="x" * 600_000)
    append(path, summary([found]))
    text = path.read_text()
    assert text.startswith("# before\n## Chaos")
    assert len(text.encode()) < 2**20
    assert text.endswith("This summary is cut here. The report has the rest.\n\n")
    with pytest.raises(EnvironmentFailure, match="the summary cannot be written"):
        append(tmp_path, "")


def test_a_parcel_shows_what_the_result_shows(tmp_path: Path) -> None:
    """A result from another process looks the same in every report, and its parcel is small."""
    found = result(tmp_path, no_fallback, "one")
    access: AccessRecord = {
        "journey": "browse",
        "user": 1,
        "kind": "orders",
        "id": "7",
        "wrote": True,
        "version": 1,
        "at": 0.5,
    }
    found.record["history"]["accesses"] = [access] * 10_000
    again = unpack(pack(found))
    for show in (
        lambda each: table([each]),
        lambda each: matrix([each]),
        explain,
        lambda each: summary([each]),
    ):
        assert show(again) == show(found)
    assert len(pack(found)) < 20_000
    assert again.reset == found.reset
