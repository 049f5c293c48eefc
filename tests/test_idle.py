"""A pytest session that does not use chaoskit hardly notices that it is installed.

How many milliseconds it costs, ``python -m tests.bench.idle`` measures; here is what makes it few.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TELLS_WHAT_IS_LOADED = """
import atexit, pathlib, sys

@atexit.register
def tell():
    pathlib.Path("loaded").write_text(" ".join(sys.modules))
"""

HEAVY = {"asyncio", "concurrent", "email.mime", "http.client", "multiprocessing", "sqlite3", "ssl", "xml"}
"""Of the standard library: what takes milliseconds to import and what only experiments need."""


def loaded(folder: Path, *options: str) -> set[str]:
    """The modules that are loaded at the end of a session with one ordinary test."""
    (folder / "conftest.py").write_text(TELLS_WHAT_IS_LOADED, encoding="utf-8")
    (folder / "test_ordinary.py").write_text(
        "def test_ordinary(tmp_path):\n    assert tmp_path\n", encoding="utf-8"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), *options],
        cwd=folder,
        env=environment,
        check=True,
        timeout=60,
    )
    return set((folder / "loaded").read_text(encoding="utf-8").split())


@pytest.mark.slow
def test_a_session_without_experiments_loads_nothing_that_only_they_need(tmp_path: Path) -> None:
    """The plugin brings no package of others into it, and nothing heavy of the standard library."""
    brought = loaded(tmp_path, "-p", "chaoskit.plugin") - loaded(tmp_path)
    assert "chaoskit.plugin" in brought
    others = {name.partition(".")[0] for name in brought} - sys.stdlib_module_names
    assert others == {"chaoskit"}
    assert not {name for name in brought if HEAVY & {name, name.partition(".")[0]}}
