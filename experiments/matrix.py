"""The detection matrix of the marketplace: ``make matrix``.

It runs every experiment on the hardened system, then each mutant on the experiments that must catch it. It
passes when the hardened system holds everywhere, and each mutant is caught for the reason that
``fixtures/marketplace/mutants.py`` gives for it. Names of mutants as arguments select some of them;
``hardened`` stands for the system as it is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from chaoskit.errors import ChaoskitError, UsageError
from chaoskit.factories import environment_for
from chaoskit.mutants import Mutant, Trial, detect, text, to_record
from chaoskit.record import journal
from chaoskit.report import page
from chaoskit.report.terminal import explain
from experiments.catalogue import experiments
from fixtures.marketplace.mutants import MUTANTS
from fixtures.marketplace.system import marketplace

FOLDER = Path(__file__).resolve().parents[1] / "chaoskit-report" / "matrix"
HARDENED = "hardened"
BEGAN = time.monotonic()


def main(names: Sequence[str]) -> int:
    """Run the matrix; the exit code is 0 if every result is the expected one."""
    chosen = _chosen(names)
    trials = detect(
        marketplace,
        experiments(),
        chosen,
        lambda system: environment_for(system, tell=lambda line: _say(f"  {line}")),
        FOLDER,
        hardened=not names or HARDENED in names,
        tell=_say,
        seen=_seen,
    )
    path = FOLDER / "detection.json"
    journal.put_json(path, to_record(trials), "the detection matrix cannot be written")
    for trial in trials:
        if not trial.right:
            print(f"\n{trial.mutant or 'as it is'}, {trial.experiment}:")
            print(explain(trial.conclusion.result))
    print(f"\n{text(trials)}\n")
    wrong = sum(not each.right for each in trials)
    caught = sum(each.right for each in trials if each.wanted)
    catches = sum(each.wanted is not None for each in trials)
    print(f"{caught} of {catches} catches, {wrong} results not as expected")
    results = [trial.conclusion.result for trial in trials]
    report = page.write(FOLDER / page.FILE, page.of_results(results, to_record(trials)))
    print(f"journals and {path.name}: {FOLDER}\nreport: {report}")
    return 1 if wrong else 0


def _chosen(names: Sequence[str]) -> tuple[Mutant, ...]:
    unknown = [name for name in names if name not in {HARDENED, *(each.name for each in MUTANTS)}]
    if unknown:
        raise UsageError(
            f"there is no mutant {', '.join(map(repr, unknown))}",
            remedy=f"name one of {', '.join(repr(each.name) for each in MUTANTS)}",
        )
    return tuple(each for each in MUTANTS if not names or each.name in names)


def _seen(trial: Trial) -> None:
    _say(f"{'as expected' if trial.right else 'NOT as expected'}: {trial.verdict.name} {trial.experiment}")


def _say(line: str) -> None:
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {line}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ChaoskitError as failure:
        print(f"chaoskit: {failure}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted; nothing was left running", file=sys.stderr)
        sys.exit(130)
