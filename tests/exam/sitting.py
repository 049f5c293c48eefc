"""Run one sheet on Docker, and mark the verdicts against the truth that the examinee reports."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from chaoskit import Chaos, environment_for, faults
from chaoskit.judge import Finding, JourneyJudgement, Verdict, combined
from tests.exam import systems
from tests.exam.questions import FAULT_SECONDS, Question, Sheet


@dataclass(frozen=True)
class Marked:
    """A question and chaoskit's answer to it.

    Attributes:
        question: the question.
        judgement: chaoskit's judgement on the question's journey.
        overall: chaoskit's findings on the whole experiment.
        lift_error: seconds by which the true lift came after its mark.
    """

    question: Question
    judgement: JourneyJudgement
    overall: Sequence[Finding]
    lift_error: float

    @property
    def verdict(self) -> str:
        """``held``, ``broken`` or ``unknown``; findings on the whole experiment count for each journey."""
        return combined([self.judgement.verdict, *(each.verdict for each in self.overall)]).value

    @property
    def right(self) -> bool:
        """Whether the verdict is right, and a broken one names a promise that is truly broken."""
        if not self.question.allows(self.verdict):
            return False
        broken = {each.promise for each in self.judgement.findings if each.verdict is Verdict.BROKEN}
        return (
            self.verdict != "broken"
            or not self.question.promise
            or bool(broken & set(self.question.promise.split("/")))
        )

    @property
    def true_recovery(self) -> float | None:
        """Seconds from the mark of the lift to the moment from which the journey truly worked."""
        return None if self.question.recovers is None else self.question.recovers + self.lift_error

    @property
    def contains(self) -> bool | None:
        """Whether the stated interval contains the true recovery; ``None`` where there is no such figure."""
        recovery, truth = self.judgement.recovery, self.true_recovery
        if truth is None or recovery is None:
            return None
        latest = float("inf") if recovery.latest is None else recovery.latest
        return recovery.earliest - recovery.gap <= truth <= latest + recovery.gap

    @property
    def line(self) -> str:
        """The mark, the question, both verdicts, both recoveries and the reason, in one line."""
        found = self.judgement
        sign = "ok   " if self.right else "WRONG"
        told = [each for each in (*self.overall, *found.findings) if each.verdict.value == self.verdict]
        reason = next(
            (each.reason for each in told if each.promise == "recovery"), told[0].reason if told else ""
        )
        recovery = ""
        if self.true_recovery is not None and found.recovery is not None:
            recovery = f" [true {self.true_recovery:.2f} s, {'in' if self.contains else 'OUT'}]"
        return (
            f"{sign} {self.question.name:<28} {self.question.truth:<7} → {self.verdict:<7}{recovery} {reason}"
        )


def sit(sheet: Sheet, folder: Path) -> Iterator[Marked]:
    """Start the examinee, run the experiment, ask for the truth, and mark the verdicts."""
    name = re.sub(r"\W+", "_", sheet.name)
    system = getattr(systems, name)
    made = environment_for(system, reference=f"tests.exam.systems:{name}", tell=print)
    with contextlib.closing(made) as environment:
        chaos = Chaos(environment, f"exam-{name}", folder)
        conclusion = chaos.experiment(faults.CutLink(sheet.link), active=FAULT_SECONDS)
        clock = environment.runtime.clock
        before = clock.now()
        url = f"http://{environment.runtime.entries['front:8000']}/truth"
        truth = httpx.get(url, trust_env=False, timeout=5.0).json()
        offset = (before + clock.now()) / 2 - truth["now"]
    if truth["cuts"] > 1:
        raise RuntimeError(f"the provider was lost {truth['cuts']} times, so the plan was not kept to")
    history = conclusion.result.record["history"]
    lift = next((history["origin"] + each["at"] for each in history["marks"] if each["name"] == "lift"), None)
    error = truth["lift"] + offset - lift if lift is not None and "lift" in truth else 0.0
    judged = {each.journey: each for each in conclusion.result.judgement.journeys}
    for question in sheet.questions:
        yield Marked(question, judged[question.name], conclusion.result.judgement.findings, error)
