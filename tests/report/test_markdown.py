"""The job summary: all that matters, and nothing that Markdown takes for markup."""

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
from chaoskit.report.markdown import append, escaped, summary
from chaoskit.report.terminal import explain, matrix, table
from tests.experiment.test_experiment import no_fallback
from tests.simulation import Behaviour, Simulation, hardened


def result(folder: Path, behaviour: Behaviour, name: str) -> Result:
    """What one experiment found."""
    return (
        Chaos(Simulation(behaviour, folder).environment, name, folder).experiment(CacheLoss("cache")).result
    )


def test_the_summary_tells_what_broke_and_why(tmp_path: Path) -> None:
    """Verdicts, reasons with figures, the matrix and the times of recovery are there."""
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
    """A pipe, HTML and a line break in a name leave the table what it is."""
    found = replace(result(tmp_path, hardened, "one"), name="a|b <img src=x>\n| `c` **d**")
    (row,) = [line for line in summary([found]).splitlines() if line.startswith("| ✅")]
    assert "a\\|b &lt;img src=x&gt; \\| \\`c\\` \\*\\*d\\*\\*" in row


@given(st.text())
def test_a_cell_is_one_line_and_one_cell(text: str) -> None:
    """Whatever is in it, it ends neither the line nor the cell, and opens no tag."""
    cell = escaped(text)
    assert len(cell.splitlines()) <= 1
    assert "|" not in cell.replace("\\\\", "").replace("\\|", "")
    assert not {"<", ">"} & set(cell)


def test_a_summary_is_appended_and_never_too_long(tmp_path: Path) -> None:
    """Other steps' summaries stay, and one that is larger than a page takes is cut at a line."""
    path = tmp_path / "deep" / "summary.md"
    append(path, "# before\n")
    found = replace(result(tmp_path, hardened, "one"), name="x" * 600_000)
    append(path, summary([found]))
    text = path.read_text()
    assert text.startswith("# before\n## Chaos")
    assert len(text.encode()) < 2**20
    assert text.endswith("Cut here: the rest is in the report.\n\n")
    with pytest.raises(EnvironmentFailure, match="the summary cannot be written"):
        append(tmp_path, "")


def test_a_parcel_shows_what_the_result_shows(tmp_path: Path) -> None:
    """A result that came from another process looks the same in every report, and is small."""
    found = result(tmp_path, no_fallback, "one")
    history = {**found.record["history"], "accesses": [{"key": "orders"}] * 10_000}
    found = replace(found, record={**found.record, "history": history})
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
