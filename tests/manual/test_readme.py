"""The README: short, and nothing in it that does not run or exist."""

from __future__ import annotations

import importlib.util
import re
import struct
import sys
import tomllib
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chaoskit import System, cli
from chaoskit.chaos import Chaos, Conclusion
from chaoskit.clock import ManualClock
from chaoskit.errors import PromiseBroken
from chaoskit.experiment.environment import Draft, Environment
from chaoskit.record.history import History
from chaoskit.runtime.memory import MemoryRuntime
from chaoskit.starter.files import TESTS_FILE
from chaoskit.system import Component
from chaoskit.system.reference import load_system
from tests.documents import blocks, write
from tests.manual.hooks import ROOT
from tests.simulation import Answer, Behaviour, ScriptedTraffic

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)
COMPONENTS = ("gateway", "api", "db", "cache")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the README's files, from which imports start."""
    for block in BLOCKS:
        if block.language != "console":
            write(block, tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "resilience", raising=False)
    return tmp_path


def shop(project: Path) -> System:
    """The system that the README's ini file names."""
    ini = ConfigParser()
    ini.read(project / "pytest.ini")
    return load_system(ini["pytest"]["chaos_system"], project)


def imported(path: Path) -> ModuleType:
    """A test module, as pytest would import it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_memory(system: System, behaviour: Behaviour, folder: Path) -> Environment:
    """The README's system on a runtime in memory, whose journeys answer as told."""
    runtime = MemoryRuntime(
        COMPONENTS,
        [("outside", "gateway", 80), ("gateway", "api", 80), ("api", "db", 5432), ("api", "cache", 6379)],
        entry="gateway:80",
        clock=ManualClock(start=100.0),
    )

    def traffic(system: System, history: History, entries: Mapping[str, str], seed: int) -> ScriptedTraffic:
        return ScriptedTraffic(system, history, behaviour, runtime)

    return Environment(
        system,
        lambda _: Draft([Component(name, name) for name in COMPONENTS], ["gateway:80"], lambda: runtime),
        traffic,
        state=lambda run_id: folder / f"{run_id}.undo.jsonl",
    )


def with_fallback(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """Slower without the cache."""
    return (0.4 if runtime.cuts() else 0.02), True


def without_fallback(journey: str, at: float, runtime: MemoryRuntime) -> Answer:
    """Dead without the cache."""
    return 0.02, not runtime.cuts()


def run_the_example(project: Path, behaviour: Behaviour) -> Conclusion:
    """The README's experiment on the README's system."""
    test: Callable[[Chaos], Any] = imported(project / "test_resilience.py").test_cache_loss
    chaos = Chaos(in_memory(shop(project), behaviour, project), "readme", project)
    test(chaos)
    (conclusion,) = chaos.conclusions
    return conclusion


def test_the_example_holds_on_a_system_that_does_without_its_cache(project: Path) -> None:
    """The three files fit together, and the experiment does what its docstring says."""
    assert run_the_example(project, with_fallback).broken() == ()


def test_the_example_breaks_on_a_system_that_cannot(project: Path) -> None:
    """A test that fails prints which promise broke."""
    with pytest.raises(PromiseBroken, match="browse: degraded"):
        run_the_example(project, without_fallback)


def test_every_block_is_a_file_or_holds_commands() -> None:
    """Nothing in it can rot unseen."""
    assert len(BLOCKS) >= 6
    for block in BLOCKS:
        assert block.mark if block.language != "console" else list(block.commands), f"line {block.line}"


def test_every_command_exists() -> None:
    """Each make target, each subcommand, the package's name and the file that `init` writes."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shown = [command for block in BLOCKS for command, _ in block.commands]
    shown += re.findall(r"`((?:make|chaoskit) [a-z-]+)`", README)
    assert len(shown) > 8
    for command in shown:
        program, what, *_ = command.split()
        if program == "make":
            assert re.search(rf"^{what}:", makefile, re.MULTILINE), command
        elif program == "chaoskit":
            assert what in cli.COMMANDS, command
        elif program == "pip":
            assert command == f"pip install {project['name']}"
        else:
            assert (program, what) == ("pytest", TESTS_FILE)


def test_it_is_short() -> None:
    """The manual is in docs/."""
    assert README.count("\n") < 150


def test_its_picture_is_small_enough_for_a_page() -> None:
    """A PNG of at most 250 kB, at least as wide as a page shows it."""
    (path,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    data = (ROOT / path).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(data) <= 250_000
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 800
    assert height >= 400
