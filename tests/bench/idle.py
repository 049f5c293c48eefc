"""What having chaoskit installed costs a pytest suite that does not use it.

``python -m tests.bench.idle [ROUNDS]`` builds the wheel and makes two empty virtual environments of one
Python: one with pytest alone, one with the wheel and so the same pytest. It then runs a suite of one
empty test in both, in turn, so that other work on the machine slows both. It prints the median of the
pairs' differences, in elapsed time and in processor time, which a busy machine changes less. The same
environment without chaoskit's plugin, and without any plugin that was installed along with it, shows
where the time goes.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.wheel import ENVIRONMENT, build, install, run

LIMIT_MS = 100.0
"""Milliseconds that chaoskit may cost a suite that does not use it."""

_PLUGINS = """
from importlib.metadata import entry_points
print(*(each.name for each in entry_points(group="pytest11")))
"""


class Cost(NamedTuple):
    """What a suite's run takes, in milliseconds: elapsed time and processor time."""

    wall_ms: float
    cpu_ms: float


def cost(command: list[str], folder: Path) -> Cost:
    """Run a suite, which must pass."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall * 1000, cpu * 1000)


def environments(folder: Path) -> tuple[Path, Path]:
    """Interpreters of two virtual environments: with pytest alone, and with the wheel."""
    wheel, _ = build(folder / "dist")
    loaded = install(wheel, sys.executable, folder / "loaded")
    version = run([str(loaded), "-Ic", "import pytest; print(pytest.__version__)"]).strip()
    run([sys.executable, "-m", "venv", str(folder / "bare")])
    bare = folder / "bare" / "bin" / "python"
    pip = [str(bare), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, f"pytest=={version}"])
    return bare, loaded


def main() -> None:
    """Measure, and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare, loaded = environments(folder)
        suite = folder / "suite"
        suite.mkdir()
        (suite / "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        plugins = run([str(loaded), "-Ic", _PLUGINS]).split()
        ways = {
            "pytest alone": [str(bare), "-m", "pytest"],
            "chaoskit installed": [str(loaded), "-m", "pytest"],
            "… its plugin blocked": [str(loaded), "-m", "pytest", "-p", "no:chaoskit"],
            f"… blocked: {', '.join(plugins)}": [
                *(str(loaded), "-m", "pytest"),
                *(word for plugin in plugins for word in ("-p", f"no:{plugin}")),
            ],
        }
        for command in ways.values():
            cost(command, suite)  # the first run compiles what the others find compiled
        taken: dict[str, list[Cost]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, command in ways.items():
                taken[way].append(cost(command, suite))
        report(taken)


def report(taken: dict[str, list[Cost]]) -> None:
    """Print medians, and the medians of the differences from the first way."""
    first = next(iter(taken.values()))
    print(f"{'medians':<40} {'time':>10} {'more':>10} {'CPU':>13} {'more':>10}")
    for way, costs in taken.items():
        line = f"{way:<40}"
        for mine, theirs in zip(zip(*costs, strict=True), zip(*first, strict=True), strict=True):
            more = statistics.median(here - there for here, there in zip(mine, theirs, strict=True))
            line += f" {statistics.median(mine):7.0f} ms {more:+7.0f} ms  "
        print(line.rstrip())
    print(f"{len(first)} rounds in turn; the limit for 'chaoskit installed' is {LIMIT_MS:+.0f} ms")


if __name__ == "__main__":
    main()
