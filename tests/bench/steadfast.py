"""Ten runs in a row of the experiments on the hardened system: a false alarm is a bug.

``python -m tests.bench.steadfast [ROUNDS]`` runs them on one environment with resets in between,
and prints each verdict, how long the reset took, and the journals of what did not hold.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from chaoskit import Chaos, Verdict
from chaoskit.report.terminal import explain
from chaoskit.setup import environment_for
from experiments.demo import STEPS
from fixtures.marketplace.system import marketplace

FOLDER = Path("chaoskit-report") / "steadfast"


def main() -> int:
    """Run them, and count."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    counted: Counter[tuple[str, str]] = Counter()
    place = environment_for(marketplace)
    try:
        for number in range(1, rounds + 1):
            for step in STEPS:
                began = time.monotonic()
                chaos = Chaos(place, f"{step.name}-{number}", FOLDER)
                conclusion = chaos.experiment(step.fault)
                counted[step.name, conclusion.verdict.name] += 1
                took, reset = time.monotonic() - began, conclusion.result.reset
                rebuilt = f", rebuilt: {reset.why}" if reset.rebuilt else ""
                print(
                    f"{number:>3}  {step.name:<12} {conclusion.verdict.name:<8} {took:5.1f} s, "
                    f"reset {reset.seconds:.1f} s{rebuilt}",
                    flush=True,
                )
                if conclusion.verdict is not Verdict.HELD:
                    print(explain(conclusion.result), flush=True)
    finally:
        place.close()
    print(", ".join(f"{name} {verdict} {count}" for (name, verdict), count in sorted(counted.items())))
    return 0 if {verdict for _, verdict in counted} == {"HELD"} else 1


if __name__ == "__main__":
    sys.exit(main())
