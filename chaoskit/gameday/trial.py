"""One step as an experiment, over a load that runs all day.

The phases are those of :class:`chaoskit.experiment.experiment.Experiment`, and each can be interrupted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from chaoskit.errors import ChaoskitError, HarnessFailure
from chaoskit.experiment.environment import Environment, Traffic
from chaoskit.experiment.experiment import Experiment
from chaoskit.experiment.result import Result
from chaoskit.experiment.timing import Timing
from chaoskit.gameday.history import DayHistory, Excerpt
from chaoskit.judge import Judgement, JudgeSettings, Verdict
from chaoskit.record.history import Mark
from chaoskit.record.samples import Column
from chaoskit.system import Terms

LOOK_UP_EVERY = 0.1
"""Seconds between two moments at which a wait can be interrupted."""


class Interrupted(Exception):
    """A wait was interrupted because something is more urgent."""


class StepTrial(Experiment):
    """The experiment of one step.

    Args:
        environment, folder, settings, timing: as for an experiment.
        number, name: of the step.
        day: the history of the day.
        traffic: the load.
        since: when its control window began.
        begin: when the load began.
        look_up: called now and then during waits; raises :class:`Interrupted` to end one.
    """

    def __init__(
        self,
        environment: Environment,
        number: int,
        name: str,
        folder: Path,
        *,
        day: DayHistory,
        traffic: Traffic,
        since: float,
        begin: float,
        look_up: Callable[[], None],
        settings: JudgeSettings,
        timing: Timing,
        hypothesis: str,
    ) -> None:
        super().__init__(
            environment,
            f"{number:02d}-{slug(name)}",
            folder,
            settings=settings,
            timing=timing,
            about={"stage": "game day", "about": hypothesis or name},
        )
        self._day, self._look_up = day, look_up
        self._excerpt: Excerpt = day.follow(since)
        self.use_traffic(traffic, self._excerpt)
        steady = all(each.terms.course.steady for each in environment.system.journeys)
        self.history.add(Mark("begin", since if steady else begin), Mark("control", since))

    def wait(self, seconds: float) -> None:
        """Let time pass, and look up now and then.

        Raises:
            Interrupted: something is more urgent.
            LoadFailure: the load died meanwhile.
        """
        clock = self.environment.runtime.clock
        until = clock.now() + seconds
        while True:
            self._look_up()
            super().wait(min(LOOK_UP_EVERY, max(0.0, until - clock.now())))
            if clock.now() >= until:
                return

    def failed(self, error: ChaoskitError) -> None:
        """Record that the step cannot be judged: its verdict will be UNKNOWN, with this reason."""
        instrument = isinstance(error, HarnessFailure)
        detail = {"says": str(error), "instrument": instrument}
        self.history.add(Mark("harness failure", self.environment.runtime.clock.now(), detail))

    def finish(self, *, ledger: bool) -> Result:
        """End the observation: wait for requests in flight, check acknowledgements, and judge.

        Args:
            ledger: whether acknowledgements are checked, which may take as long as the slowest recovery.

        Raises:
            JournalUnwritable: the journal cannot be written, so there is no verdict.
        """
        clock = self.environment.runtime.clock
        end = clock.now()
        self._excerpt.until = end
        try:
            if ledger:
                self._await_stragglers(end)
            self.history.add(Mark("end", end))
            if ledger:
                self.check_ledger()
        except (Interrupted, HarnessFailure):
            pass  # judge what is known by now
        finally:
            self._day.leave(self._excerpt)
        if not self.history.mark("end"):
            self.history.add(Mark("end", end))
        return self.judge()

    def _await_stragglers(self, end: float) -> None:
        clock = self.environment.runtime.clock
        last = end + max((each.timeout for each in self._terms), default=0.0) + 1.0
        while clock.now() < last and any(
            straggling(self.history.columns().get(each.name) or Column(each.name), each, end)
            for each in self._terms
        ):
            self.wait(LOOK_UP_EVERY)


def straggling(column: Column, terms: Terms, end: float) -> bool:
    """Whether requests that were due before ``end`` may still be in flight."""
    if terms.pattern != "constant" or not terms.course.steady or not len(column):
        return True
    expected = int((end - 1e-6 - column.intended[0]) * terms.rate) + 1
    return len(column) < expected


def slug(name: str) -> str:
    """A name in the form of a file's name."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "step"


def summary(judgement: Judgement) -> str:
    """What the step showed, in one sentence with figures."""
    for verdict in (Verdict.BROKEN, Verdict.UNKNOWN):
        found = [each for each in judgement.all_findings if each.verdict is verdict]
        if judgement.verdict is verdict and found:
            worst = found[0]
            who = f"{worst.journey}: " if worst.journey else ""
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            return f"{who}{worst.promise} {verdict.name.lower()}: {worst.reason}{more}"
    took = [
        (each.recovery.seconds, each.journey, each.recovery.short())
        for each in judgement.journeys
        if each.recovery is not None and each.recovery.seconds is not None
    ]
    reached = ", ".join(judgement.blast_radius) or "no journey"
    slowest, who, short = max(took, default=(0.0, "", ""))
    back = f"{who} was back after {short}" if slowest > 0 else "none left its SLO after the lift"
    return f"every promise held; the fault reached {reached}; {back}"
