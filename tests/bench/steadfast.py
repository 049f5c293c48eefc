"""Many runs in a row of the six failures on the hardened system: a false alarm is a bug.

``python -m tests.bench.steadfast [ROUNDS] [--busy]`` runs them on one environment with resets in
between. It prints each verdict, how long the reset took, and why a promise did not hold. With
``--busy``, other work keeps one core busy all the time.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chaoskit import Chaos, PromiseBroken, Verdict
from chaoskit.experiment.environment import Environment
from chaoskit.factories import environment_for
from chaoskit.mutants import Experiment
from chaoskit.report.terminal import explain
from experiments.catalogue import failures
from fixtures.marketplace.system import marketplace

FOLDER = Path("chaoskit-report") / "steadfast"


def main() -> int:
    """Run them, and count the verdicts."""
    rounds = next((int(each) for each in sys.argv[1:] if each.isdigit()), 10)
    counted: Counter[tuple[str, str]] = Counter()
    place = environment_for(marketplace)
    with contextlib.closing(place), _busy("--busy" in sys.argv):
        for number in range(1, rounds + 1):
            began = time.monotonic()
            for name, experiment in failures().items():
                counted[name, _run(place, number, name, experiment)] += 1
            print(f"{number:>3}  all of them in {time.monotonic() - began:.0f} s", flush=True)
    print(", ".join(f"{name} {verdict} {count}" for (name, verdict), count in sorted(counted.items())))
    return 0 if {verdict for _, verdict in counted} == {"HELD"} else 1


def _run(place: Environment, number: int, name: str, experiment: Experiment) -> str:
    began = time.monotonic()
    chaos = Chaos(place, f"{name}-{number}", FOLDER)
    with contextlib.suppress(PromiseBroken):
        experiment(chaos)
    (conclusion,) = chaos.conclusions
    took, reset = time.monotonic() - began, conclusion.result.reset
    rebuilt = f", rebuilt: {reset.why}" if reset.rebuilt else ""
    verdict = conclusion.verdict.name
    print(
        f"{number:>3}  {name:<22} {verdict:<8} {took:5.1f} s, reset {reset.seconds:.1f} s{rebuilt}",
        flush=True,
    )
    if conclusion.verdict is not Verdict.HELD:
        print(explain(conclusion.result), flush=True)
    return verdict


@contextlib.contextmanager
def _busy(wanted: bool) -> Iterator[None]:
    """Keep one core busy while the block runs; the work ends by itself with this process."""
    if not wanted:
        yield
        return
    code = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"
    work = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        work.kill()
        work.wait()


if __name__ == "__main__":
    sys.exit(main())
