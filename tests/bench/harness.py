"""What a million requests cost the harness: seconds to judge them, and the memory of a whole pytest run.

``python -m tests.bench.harness [SAMPLES]`` judges so many requests (:mod:`tests.bench.judging`). It also
runs pytest on one experiment in memory, in which as many requests are recorded, judged, written to the
journal and reported, and prints the peak memory of that pytest process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.servers import ROOT

CONFTEST = """
import resource
from pathlib import Path

import pytest

from chaoskit.system import System
from chaoskit.load.user import User
from chaoskit.system import Slo, journey
from tests.simulation import Simulation

SECONDS = 188.0
RATE = {samples} / 4 / SECONDS
SLO = Slo(availability=0.99, p50=0.05, p95=0.25, p99=0.5, recovery=10.0)

async def nothing(user: User) -> None:
    pass

def answer(name, at, runtime):
    number = int(at * 1e6) * 2654435761 % 2**32 >> 8
    return 0.01 + number % 97 / 4000, number % 500 != 0

@pytest.fixture(scope="session")
def chaos_environment(tmp_path_factory):
    journeys = [journey(rate=RATE, needs=["api"], slo=SLO, name=f"journey-{{n}}")(nothing) for n in range(4)]
    system = System(compose=(Path("compose.yaml"),), journeys=tuple(journeys))
    simulation = Simulation(answer, tmp_path_factory.mktemp("state"), system)
    yield simulation.environment
    simulation.environment.close()

def pytest_unconfigure():
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Path("memory").write_text(str(most))
"""

TEST = """
from chaoskit import faults

def test_a_million(chaos):
    chaos.experiment(faults.CacheLoss("cache"), control=20.0, active=160.0).assert_held()
"""


def pytest_run(samples: int) -> dict[str, float]:
    """The peak memory of a pytest run, in megabytes, and how many requests it really had."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST.format(samples=samples), encoding="utf-8")
        (folder / "test_million.py").write_text(TEST, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        report = folder / "chaoskit-report/report.html"
        if done.returncode or not report.exists():
            raise SystemExit(f"the experiment failed:\n{done.stdout}{done.stderr}")
        (journal,) = (folder / "chaoskit-report").glob("test_million*.json")
        record = json.loads(journal.read_text(encoding="utf-8"))
        return {
            "pytest_samples": sum(len(each["outcome"]) for each in record["history"]["samples"].values()),
            "journal_mb": round(journal.stat().st_size / 1e6, 1),
            "memory_most_mb": round(float((folder / "memory").read_text()), 1),
        }


def measure(samples: int) -> dict[str, Any]:
    """All figures; :func:`tests.bench.judging.measure` describes the first of them."""
    command = [sys.executable, "-m", "tests.bench.judging", str(samples)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    judged = json.loads(said)
    return {**judged, "judge_memory_most_mb": judged["memory_most_mb"], **pytest_run(samples)}


def main() -> None:
    """Measure, and print."""
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)))


if __name__ == "__main__":
    main()
