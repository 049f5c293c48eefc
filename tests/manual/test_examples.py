"""The manual's examples run, and its tables name what there is."""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from chaoskit import Verdict, cli
from chaoskit.chaos import Chaos
from chaoskit.gameday import runbook
from tests.documents import blocks, write
from tests.manual.hooks import DOCS
from tests.simulation import Simulation, hardened
from tests.test_architecture import LAYERS


def text(page: str) -> str:
    """A page of the manual."""
    return (DOCS / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["concepts.md", "mutants.md", "settings.md"])
def test_python_on_a_page_runs(page: str) -> None:
    """Each block runs after those above it."""
    run(page)


def run(page: str) -> dict[str, Any]:
    """What a page's Python defines, when it is run from top to bottom."""
    defined: dict[str, Any] = {"__file__": str(DOCS / page), "__name__": "page"}
    code = [block for block in blocks(text(page)) if block.language == "python"]
    assert code
    for block in code:
        exec(compile("\n" * block.line + block.text, str(DOCS / page), "exec"), defined)
    return defined


@pytest.mark.parametrize("name", ["test_cache_loss", "test_by_hand"])
def test_experiments_on_the_page_of_concepts_hold(name: str, tmp_path: Path) -> None:
    """They are run on the simulated system, which does without its cache."""
    chaos = Chaos(Simulation(hardened, tmp_path).environment, name, tmp_path)
    run("concepts.md")[name](chaos)
    assert [each.verdict for each in chaos.conclusions] == [Verdict.HELD]


@pytest.fixture
def own_fault(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with the files of "Write your own fault"."""
    page = blocks(text("write-a-fault.md"))
    assert [block.mark for block in page] == ["file: isolated.py", "file: test_isolated.py"]
    for block in page:
        write(block, pytester.path)
    return pytester


def test_the_fault_of_ones_own_passes_its_tests(
    own_fault: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's tests run on the memory runtime, as the page shows them."""
    monkeypatch.delitem(sys.modules, "isolated", raising=False)
    own_fault.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)


def test_the_fault_of_ones_own_takes_part_in_an_experiment(own_fault: pytest.Pytester) -> None:
    """It lands, is lifted, and is judged like any other: its journal has its name and its fields."""
    spec = importlib.util.spec_from_file_location("isolated_page", own_fault.path / "isolated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["isolated_page"] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
        fault = module.Isolated("cache")
        chaos = Chaos(Simulation(hardened, own_fault.path).environment, "isolated", own_fault.path)
        conclusion = chaos.experiment(fault).assert_held()
    finally:
        del sys.modules["isolated_page"]
    assert conclusion.result.fault == "Isolated('cache')"
    names = [mark["name"] for mark in conclusion.result.record["history"]["marks"]]
    assert names.index("landed") < names.index("lift") < names.index("gone")


def test_the_run_book_on_the_page_is_read(tmp_path: Path) -> None:
    """The example has no mistake, and its steps are those that it shows."""
    (block,) = (each for each in blocks(text("gameday.md")) if each.language == "yaml")
    path = tmp_path / "book.yaml"
    path.write_text(block.text, encoding="utf-8")
    book = runbook.read(path)
    assert [step.name for step in book.steps] == ["lose the cache", "two at once"]
    assert len(book.steps[1].faults) == 2
    assert len(book.stop) == 4


def test_the_settings_are_complete(pytestconfig: pytest.Config) -> None:
    """The page names every option of the plugin with its ini name, and no other."""
    page = text("settings.md")
    rows = re.findall(r"^\| `(--chaos-[a-z-]+)` \| `(chaos_[a-z_]+)(?: = false)?` \|", page, re.MULTILINE)
    group = pytestconfig._parser.getgroup("chaoskit")
    options = {name for option in group.options for name in option.names()}
    assert {option for option, _ in rows} == options
    for _, ini in rows:
        pytestconfig.getini(ini)


def test_the_commands_are_complete() -> None:
    """The page names every subcommand with each of its options; the game day has a page of its own."""
    page = text("settings.md")
    assert set(re.findall(r"^\| `chaoskit (\w+)", page, re.MULTILINE)) == set(cli.COMMANDS)
    for name in cli.COMMANDS:
        (commands,) = (
            each.choices
            for each in cli._parser([name])._actions
            if isinstance(each, argparse._SubParsersAction)
        )
        where = text("gameday.md") if name == "gameday" else page
        for option in {each for action in commands[name]._actions for each in action.option_strings}:
            assert option in ("-h", "--help") or f"`{option}" in where, f"{name} {option}"


def test_the_picture_of_the_layers_is_that_of_the_code() -> None:
    """Its rows, from the top, are those that the architecture is held to."""
    drawn = re.findall(r'font-size="15" text-anchor="middle"[^>]*>(\w+)<', text("assets/layers.svg"))
    assert drawn == [part for row in LAYERS for part in row]
