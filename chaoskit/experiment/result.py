"""What an experiment leaves: the verdict, and the record it was found from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chaoskit.experiment.environment import ResetReport
from chaoskit.judge import Judgement, Verdict
from chaoskit.record.journal_types import Journal


@dataclass(frozen=True, slots=True)
class Result:
    """What an experiment found.

    Attributes:
        name: the experiment's name.
        fault: the fault's name.
        judgement: the verdict, with all figures.
        journal: where the record is.
        record: the record itself.
        reset: what it took to have a clean environment.
    """

    name: str
    fault: str
    judgement: Judgement
    journal: Path
    record: Journal
    reset: ResetReport

    @property
    def verdict(self) -> Verdict:
        """HELD, BROKEN or UNKNOWN."""
        return self.judgement.verdict

    @property
    def instrument_failed(self) -> bool:
        """Whether one of the harness's own instruments failed, as a mark of the record tells."""
        return any(mark["detail"].get("instrument") for mark in self.record["history"]["marks"])
