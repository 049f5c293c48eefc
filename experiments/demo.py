"""The main job in one sitting: two failures against the reference system, then its mutants.

Run by ``make demo``. The hardened system must hold; a mutant, which is the same system with one
mitigation switched off, must break for the right reason: this is how the harness proves that it
can see.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chaoskit import Chaos, Conclusion, Timing, Verdict, faults
from chaoskit.errors import ChaoskitError
from chaoskit.report.terminal import explain, table
from chaoskit.setup import environment_for

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fixtures.marketplace.system import MUTANTS, marketplace  # noqa: E402

FOLDER = ROOT / "chaoskit-report" / "demo"
BEGAN = time.time()


@dataclass(frozen=True, slots=True)
class Step:
    """One failure, and the mutant that it must catch.

    Attributes:
        name: what the experiment is called.
        fault: what is injected.
        mutant: the mitigation that is switched off.
        breaks: the journey that must break then.
        promise: the promise that it must break.
    """

    name: str
    fault: faults.Fault
    mutant: str
    breaks: str
    promise: str


STEPS = (
    Step("connections", faults.ConnectionExhaustion("postgres"), "no pooler", "buy", "degraded"),
    Step("cache", faults.CacheLoss("cache", how="kill"), "no stale pages", "browse", "degraded"),
)


def main() -> int:
    """Run it; the exit code is 0 if every verdict is the one that it must be."""
    hardened = _run("hardened", {}, STEPS)
    caught = [
        (step, conclusion)
        for step in STEPS
        for conclusion in _run(step.mutant, MUTANTS[step.mutant], (step,), "mutant ")
    ]
    print()
    print(table(conclusion.result for conclusion in [*hardened, *(each for _, each in caught)]))
    print()
    for step, conclusion in caught:
        print(f"mutant {step.mutant!r}:")
        print(explain(conclusion.result))
        print()
    well = all(conclusion.verdict is Verdict.HELD for conclusion in hardened) and all(
        (step.breaks, step.promise) in conclusion.broken() for step, conclusion in caught
    )
    for conclusion in hardened:
        if conclusion.verdict is not Verdict.HELD:
            print(explain(conclusion.result))
    print(f"journals: {FOLDER}")
    print("as it must be" if well else "NOT as it must be")
    return 0 if well else 1


def _run(
    title: str, environment: dict[str, str], steps: tuple[Step, ...], prefix: str = ""
) -> list[Conclusion]:
    _say(f"the marketplace, {prefix}{title}")
    place = environment_for(marketplace.with_environment(**environment), tell=lambda line: _say(f"  {line}"))
    try:
        found = []
        for step in steps:
            chaos = Chaos(place, f"{title}.{step.name}".replace(" ", "-"), FOLDER, timing=Timing())
            found.append(chaos.experiment(step.fault))
            _tell_the_first()
        return found
    finally:
        place.close()


def _tell_the_first() -> None:
    """How long it took from the begin of ``make`` to the first verdict; once."""
    if started := os.environ.pop("CHAOSKIT_SETUP_STARTED", None):
        _say(f"first verdict {time.time() - float(started):.0f} s after make began")


def _say(line: str) -> None:
    print(f"[{time.time() - BEGAN:6.1f} s] {line}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ChaoskitError as failure:
        print(f"chaoskit: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted; nothing was left running", file=sys.stderr)
        sys.exit(130)
