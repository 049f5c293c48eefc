"""The written texts: linters accept them, and Python and pytest run them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from chaoskit.starter.model import Starter
from chaoskit.starter.texts import BEGIN, END, declaration, experiments, section, with_section
from chaoskit.system.reference import load_system
from tests.starter.samples import LARGE, SMALL

BIN = Path(sys.executable).parent
STARTERS = pytest.mark.parametrize("starter", [SMALL, LARGE], ids=["small", "large"])


@pytest.fixture
def written(starter: Starter, tmp_path: Path) -> Path:
    """A folder with both modules."""
    (tmp_path / "resilience.py").write_text(declaration(starter), encoding="utf-8")
    (tmp_path / "test_resilience.py").write_text(experiments(starter), encoding="utf-8")
    return tmp_path


@STARTERS
@pytest.mark.parametrize("columns", [88, 110])
def test_ruff_has_nothing_to_say(written: Path, columns: int) -> None:
    """Both modules are formatted as ruff does at the usual line lengths, sorted and documented."""
    length = f"--line-length={columns}"
    for command in (
        [
            "check",
            "--select",
            "E,F,W,I,UP,B,D,RUF,PT,N",
            "--ignore",
            "D100,D103,D203,D205,D212,D213,D400,D403,D415",
        ],
        ["format", "--check", "--diff"],
    ):
        ran = subprocess.run(
            [BIN / "ruff", *command, "--isolated", "--no-cache", length, written],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


@STARTERS
def test_the_declaration_is_a_system(
    starter: Starter, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module imports as it is written, with every journey, and finds its compose file."""
    monkeypatch.delitem(sys.modules, "resilience", raising=False)
    monkeypatch.syspath_prepend(str(written))
    try:
        system = load_system("resilience:system", written)
    finally:
        sys.modules.pop("resilience", None)
    assert system.compose == ((written / starter.compose).resolve(),)
    assert [each.name for each in system.journeys] == [each.name for each in starter.visits]
    for journey, visit in zip(system.journeys, starter.visits, strict=True):
        assert (journey.terms.needs, journey.terms.uses) == (visit.needs, visit.uses)
        assert journey.entry == visit.entry.name


@STARTERS
def test_active_experiments_are_tests(starter: Starter, written: Path) -> None:
    """Active experiments are tests, the others are comments, and services without one are named."""
    text = (written / "test_resilience.py").read_text(encoding="utf-8")
    functions = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert functions == [trial.name for trial in starter.trials if trial.active]
    for trial in starter.trials:
        assert f"def {trial.name}(" in text
    assert all(f"# {service} has no experiment" in text for service, _ in starter.idle)


def test_figures_say_where_they_come_from() -> None:
    """The measurement stands beside each objective, and failures with nothing at fault are pointed out."""
    text = " ".join(declaration(LARGE).replace("#", " ").split())
    assert "Measured for 5 s at 10 per second: 50 requests, none failed, p50 4 ms, p95 10 ms." in text
    assert "4 failed" in text
    assert "first find out why" in text
    assert "No journey uses db:5432: it speaks PostgreSQL, not HTTP." in text


def test_a_readme_gets_one_section() -> None:
    """The section is added at the end, and replaced in its place; the text around it stays."""
    described = section(SMALL, "test_resilience.py")
    first = with_section("# Shop\n\nSells swords.\n", described)
    assert first.startswith("# Shop\n\nSells swords.\n\n" + BEGIN)
    again = with_section(first + "\n## Licence\n", section(LARGE, "test_resilience.py"))
    assert again.count(BEGIN) == again.count(END) == 1
    assert again.startswith("# Shop\n\nSells swords.\n")
    assert again.endswith("\n## Licence\n")
    assert with_section("", described) == described
