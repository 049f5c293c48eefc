"""The result of an experiment: the verdict, and the record from which it was decided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chaoskit.experiment.environment import ResetReport
from chaoskit.judge import Judgement, Verdict
from chaoskit.record.journal_types import Journal


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one experiment.

    Attributes:
        name: the experiment's name.
        fault: the fault's name.
        judgement: the verdict, with all figures.
        journal: the file of the journal.
        record: what the journal holds.
        reset: what the reset before the experiment took.
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
        """Whether an instrument of the harness failed, according to a mark in the record."""
        return any(mark["detail"].get("instrument") for mark in self.record["history"]["marks"])
