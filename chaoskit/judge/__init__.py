"""The judge: pure functions that turn promises and a history into a verdict.

The judge reads neither a clock nor a file. So the journal alone gives the same verdict again, and
Hypothesis can try the judge on any history. The methods and their sources are in ``docs/statistics.md``.
"""

from __future__ import annotations

from chaoskit.judge.judging import judge
from chaoskit.judge.measurement import shown_after
from chaoskit.judge.moments import DECISIVE, Moment, moments
from chaoskit.judge.phases import Phases, phases
from chaoskit.judge.settings import JudgeSettings, Settings
from chaoskit.judge.standing import Standing, relation
from chaoskit.judge.steady_state import unsteady
from chaoskit.judge.summary import Summary
from chaoskit.judge.verdict import (
    Finding,
    JourneyJudgement,
    Judgement,
    Recovery,
    Verdict,
    combined,
    duration,
)
from chaoskit.judge.watching import Outlook, observation_limit, outlook, pending, recovered

__all__ = [
    "DECISIVE",
    "Finding",
    "JourneyJudgement",
    "JudgeSettings",
    "Judgement",
    "Moment",
    "Outlook",
    "Phases",
    "Recovery",
    "Settings",
    "Standing",
    "Summary",
    "Verdict",
    "combined",
    "duration",
    "judge",
    "moments",
    "observation_limit",
    "outlook",
    "pending",
    "phases",
    "recovered",
    "relation",
    "shown_after",
    "unsteady",
]
