"""The main job in one sitting: the six failures of growth on the reference system, then two mutants.

``make demo`` runs it. The hardened system must hold. A mutant is the same system with one mitigation switched
off; it must break for the right reason. This is how the harness proves that it can see. ``make matrix`` tries
all mutants.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from chaoskit.errors import ChaoskitError
from chaoskit.factories import environment_for
from chaoskit.mutants import Trial, detect, to_record
from chaoskit.record import journal
from chaoskit.report import page
from chaoskit.report.terminal import explain, matrix, table
from experiments.catalogue import failures
from fixtures.marketplace.mutants import MUTANTS
from fixtures.marketplace.system import marketplace

FOLDER = Path(__file__).resolve().parents[1] / "chaoskit-report" / "demo"
SHOWN = ("no pooler", "no stale pages")
BEGAN = time.time()


def main() -> int:
    """Run the demo; the exit code is 0 if every verdict is the expected one."""
    trials = detect(
        marketplace,
        failures(),
        [mutant for mutant in MUTANTS if mutant.name in SHOWN],
        lambda system: environment_for(system, tell=lambda line: _say(f"  {line}")),
        FOLDER,
        tell=_say,
        seen=_tell_the_first,
    )
    results = [trial.conclusion.result for trial in trials]
    print()
    print(table(results))
    print("\nindependence: declared, and seen")
    print(matrix(trial.conclusion.result for trial in trials if trial.wanted is None))
    for trial in trials:
        if trial.wanted is not None:
            print(f"\nmutant {trial.mutant!r}: {trial.wanted.because}")
        if trial.wanted is not None or not trial.right:
            print(explain(trial.conclusion.result))
    well = all(trial.right for trial in trials)
    detection = to_record(trials)
    # With this file, `chaoskit report` also shows which journals are those of mutants.
    journal.put_json(FOLDER / page.DETECTION, detection, "the detection matrix cannot be written")
    report = page.write(FOLDER / page.FILE, page.of_results(results, detection))
    print(f"\njournals: {FOLDER}\nreport: {report}")
    print("every verdict is as expected" if well else "NOT every verdict is as expected")
    return 0 if well else 1


def _tell_the_first(_trial: Trial) -> None:
    """Print, once, the time from the start of ``make`` to the first verdict."""
    if started := os.environ.pop("CHAOSKIT_SETUP_STARTED", None):
        _say(f"first verdict {time.time() - float(started):.0f} s after the start of make")


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
