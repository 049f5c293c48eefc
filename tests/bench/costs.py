"""What a request costs each load generator. They take turns, so that other work on the machine slows all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.servers import ROOT, core, tool

ROUNDS = 5
LOCUST = "Locust FastHttpUser"
JOURNEYS = "chaoskit journeys"
FLOOD = "chaoskit flood"
PROCESS = "chaoskit load process"
"""The whole load process at 3,000 runs per second: on time, with users, and each run recorded."""

Command = Callable[[str, str], list[str]]
"""(mode, URL) → the command line of a load generator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a request costs a load generator; medians of rounds.

    Attributes:
        generator: its name.
        cpu_us: CPU time of the client for a request, in microseconds.
        rate_per_s: requests per second of one core.
        identities: how many clients the server can tell apart by their address.
        rounds_us: the CPU time of each round.
    """

    generator: str
    cpu_us: float
    rate_per_s: float
    identities: int
    rounds_us: tuple[float, ...]


def locust_python() -> str | None:
    """The path of a Python that has Locust; ``None`` if there is none."""
    for python in (os.environ.get("BENCH_PYTHON"), str(ROOT / ".venv-bench/bin/python"), sys.executable):
        if python and Path(python).exists():
            looked = subprocess.run([python, "-c", "import locust"], capture_output=True, check=False)
            if looked.returncode == 0:
                return python
    return None


def generators() -> tuple[dict[str, Command], list[str]]:
    """The command of each load generator that is installed, and why others are left out."""

    def ours(name: str) -> Command:
        return lambda mode, url: [sys.executable, "-m", "tests.bench.clients", name, mode, url]

    found = {JOURNEYS: ours("chaoskit"), FLOOD: ours("flood"), "httpx, pool of 50": ours("httpx")}
    left = []
    if python := locust_python():
        script = str(Path(__file__).parent / "locust_client.py")
        found[LOCUST] = lambda mode, url: [python, script, mode, url]
    else:
        left.append("Locust is not installed (`make bench-load` does it: .venv-bench)")
    if tool("wrk"):
        found["wrk"] = ours("wrk")
    else:
        left.append("wrk is not installed")
    return found, left


def run(command: Sequence[str], begun: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """The figures that a client prints at its end.

    Args:
        command: the command line of the client.
        begun: called when the client prints that it has begun.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True) as client:
        assert client.stdout is not None
        last = ""
        for line in client.stdout:
            if line.strip() == "begun":
                begun()
            last = line
    if client.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    figures: dict[str, Any] = json.loads(last)
    return figures


def measure(commands: Mapping[str, Command], url: str) -> dict[str, Cost]:
    """Measure the load generators in turn, round after round, on one core, against one server."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in (*commands, PROCESS)}
    for _ in range(ROUNDS):
        for name, rounds in rows.items():
            mode = "full" if name == PROCESS else "closed"
            with core(0):
                rounds.append(run(commands[JOURNEYS if name == PROCESS else name](mode, url)))
    return {name: _cost(name, rounds) for name, rounds in rows.items()}


def _cost(name: str, rounds: Sequence[Mapping[str, Any]]) -> Cost:
    each = tuple(round(one["cpu_s"] / one["requests"] * 1e6, 2) for one in rounds)
    return Cost(
        generator=name,
        cpu_us=median(each),
        rate_per_s=median(one["requests"] / one["seconds"] for one in rounds),
        identities=rounds[0].get("identities", 1),
        rounds_us=each,
    )
