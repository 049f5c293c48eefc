"""The experiments of this folder by name, to run them without pytest."""

from __future__ import annotations

import importlib
from pathlib import Path

from chaoskit.mutants import Experiment


def experiments() -> dict[str, Experiment]:
    """All experiments, in the order of growth, named after their functions without ``test_``."""
    return {name: test for tests in _files() for name, test in tests.items()}


def failures() -> dict[str, Experiment]:
    """The stage failures: the first function of each file. The functions after it are variants."""
    return {name: tests[name] for tests in _files() for name in list(tests)[:1]}


def _files() -> list[dict[str, Experiment]]:
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"experiments.{path.stem}")
        tests = {name: value for name, value in vars(module).items() if name.startswith("test_")}
        found.append({name.removeprefix("test_"): test for name, test in tests.items()})
    return found
