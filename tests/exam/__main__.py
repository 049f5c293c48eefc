"""The whole exam: ``python -m tests.exam [SHEET]``.

Each sheet is one experiment on Docker. For each question the output has the truth, the verdict, and the
measured recovery beside the true one; the confusion table comes last. The exit code is 1 if a verdict is
wrong.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.exam.questions import SHEETS
from tests.exam.sitting import Marked, sit

FOLDER = Path("chaoskit-report") / "exam"


def main(words: Sequence[str]) -> int:
    """Run the sheets whose names contain every word; the result is the exit code."""
    began = time.monotonic()
    marked: list[Marked] = []
    for sheet in SHEETS:
        if all(word in sheet.name for word in words):
            print(f"\n{sheet.name}: the link {sheet.link} is cut", flush=True)
            for each in sit(sheet, FOLDER):
                print(each.line, flush=True)
                marked.append(each)
    print(f"\n{table(marked)}\n{time.monotonic() - began:.0f} s")
    return 1 if not marked or any(not each.right for each in marked) else 0


def table(marked: Sequence[Marked]) -> str:
    """The confusion table of true verdicts and verdicts given."""
    counts = Counter((str(each.question.truth), each.verdict) for each in marked)
    said = ("held", "broken", "unknown")
    lines = [f"{'truth':<8} | " + " | ".join(f"said {each:<8}" for each in said)]
    lines += [f"{truth:<8} | " + " | ".join(f"{counts[truth, each]:>13}" for each in said) for truth in said]
    wrong = sum(not each.right for each in marked)
    cautious = sum(each.right and each.verdict != each.question.truth for each in marked)
    inside = [each.contains for each in marked if each.contains is not None]
    return "\n".join(
        [
            *lines,
            f"{len(marked)} questions: {len(marked) - wrong - cautious} right, "
            f"{cautious} UNKNOWN where it is close, {wrong} wrong",
            f"{sum(inside)} of {len(inside)} stated intervals contain the true recovery",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
