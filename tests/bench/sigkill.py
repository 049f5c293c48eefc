"""SIGKILL of the harness at random moments: what is left after ten seconds?

``python -m tests.bench.sigkill [ROUNDS]`` kills a run of the reference system at a moment between its
very start and the middle of an experiment, and measures when all of it is gone.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import docker

from chaoskit.interpose import RUN_LABEL

ROOT = Path(__file__).resolve().parents[2]
GONE_WITHIN = 10.0


def left(client: docker.DockerClient, state: Path) -> list[str]:
    """Everything that is left of the runs with their state in this folder, processes included."""
    folder = state / "chaoskit" / "runs"
    runs = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = [f"folder {run}" for run in runs]
    for run in runs:
        label = {"label": f"{RUN_LABEL}={run}"}
        found += [f"container {each['Names'][0]}" for each in client.api.containers(all=True, filters=label)]
        found += [f"network {each['Name']}" for each in client.api.networks(filters=label)]
        found += [f"volume {each['Name']}" for each in client.api.volumes(filters=label)["Volumes"] or []]
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"XDG_STATE_HOME={state}".encode() in process.read_bytes():
                found.append(f"process {process.parent.name}")
        except OSError:
            continue
    return found


def main() -> int:
    """Kill, look, and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else None)
    client = docker.from_env()
    worst = 0.0
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.Popen(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "experiments"],
                cwd=ROOT,
                env={**os.environ, "XDG_STATE_HOME": folder},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            after = dice.uniform(1.0, 35.0)
            time.sleep(after)
            there = len(left(client, Path(folder)))
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
            began = time.monotonic()
            while (remains := left(client, Path(folder))) and time.monotonic() - began < 4 * GONE_WITHIN:
                time.sleep(0.1)
            took = time.monotonic() - began
            worst = max(worst, took)
            says = ", ".join(remains) if remains else "nothing"
            print(
                f"{number:>3}  killed after {after:5.1f} s with {there} things running; "
                f"gone after {took:4.1f} s; left: {says}",
                flush=True,
            )
    client.close()
    print(f"worst: {worst:.1f} s of {GONE_WITHIN:g} s")
    return 0 if worst <= GONE_WITHIN else 1


if __name__ == "__main__":
    sys.exit(main())
