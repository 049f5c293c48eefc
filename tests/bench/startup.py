"""How long the reference system takes to be ready, behind Toxiproxy and without it.

``python -m tests.bench.startup [ROUNDS]`` starts it both ways in turn, so that a drift of the machine's
speed affects both. It prints each pair with its ratio, and the medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from chaoskit.containers.started.runtime import DockerRuntime
from fixtures.marketplace.system import marketplace

FILE = str(marketplace.compose[0])
PROJECT = f"bare-{os.getpid()}"


def bare() -> float:
    """Seconds that ``docker compose up --wait`` takes."""
    compose = ["docker", "compose", "-p", PROJECT, "-f", FILE]
    began = time.monotonic()
    try:
        subprocess.run([*compose, "up", "--wait", "--quiet-pull"], check=True, capture_output=True)
        return time.monotonic() - began
    finally:
        subprocess.run([*compose, "down", "--volumes", "--timeout", "1"], check=True, capture_output=True)


def interposed() -> float:
    """Seconds until the same file is ready with Toxiproxy on every link."""
    runtime = DockerRuntime(marketplace)
    began = time.monotonic()
    try:
        runtime.start()
        return time.monotonic() - began
    finally:
        runtime.close()


def main() -> None:
    """Measure, and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    interposed()  # the first start of all warms the page cache
    pairs = []
    for number in range(1, rounds + 1):
        pairs.append((interposed(), bare()))
        ours, theirs = pairs[-1]
        print(
            f"{number:>3}  chaoskit {ours:6.2f} s  bare {theirs:6.2f} s  ratio {ours / theirs:.2f}",
            flush=True,
        )
    medians = [statistics.median(each) for each in zip(*pairs, strict=True)]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    print(f"median: chaoskit {medians[0]:.2f} s, bare {medians[1]:.2f} s, ratio of the pairs {ratio:.2f}")


if __name__ == "__main__":
    main()
