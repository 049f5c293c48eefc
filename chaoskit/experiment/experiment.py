"""The phases of an experiment, in the order in which they happen.

reset → warm up → control window → inject → prove it landed → fault window → lift →
prove it is gone → recover → judge → journal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaoskit.errors import FaultFailure, HarnessFailure
from chaoskit.experiment.environment import Environment, ResetReport, Traffic
from chaoskit.experiment.exercise import counted
from chaoskit.experiment.injector import LOOK_AGAIN_AFTER, Injector
from chaoskit.experiment.recording import file_name, record_of
from chaoskit.experiment.result import Result
from chaoskit.experiment.timing import Timing
from chaoskit.faults.base import Evidence, Fault, Obligation, check
from chaoskit.judge import JudgeSettings, Outlook, judge, outlook, pending, recovered, shown_after, unsteady
from chaoskit.record import journal
from chaoskit.record.history import History, Mark
from chaoskit.system import Impact


class Experiment:
    """One experiment on an environment. :meth:`run` runs all of it; its parts can also be used alone.

    Args:
        environment: the environment of the experiment.
        name: the experiment's name, in reports and as the journal's file name.
        folder: the folder for the journal.
        settings: how the judge decides.
        timing: how long the phases last.
        about: further facts for the journal: the stage, the docstring of the test.
    """

    def __init__(
        self,
        environment: Environment,
        name: str,
        folder: Path,
        *,
        settings: JudgeSettings | None = None,
        timing: Timing | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.environment, self.name, self.folder = environment, name, folder
        self.settings, self.timing = settings or JudgeSettings(), timing or Timing()
        self.about = dict(about or {})
        self.history = History()
        self.faults: list[Fault] = []
        self.impact = Impact()
        self.reset: ResetReport | None = None
        self._traffic: Traffic | None = None
        self.injectors: list[Injector] = []
        self._terms = tuple(each.terms for each in environment.system.journeys)

    def run(self, fault: Fault) -> Result:
        """Run the whole experiment.

        Raises:
            FaultMisfit: the fault does not fit; nothing was injected.
            EnvironmentFailure: the system cannot be started, or the journal cannot be written.
        """
        self.prepare()
        check(fault, self.environment.runtime)
        with self._unless_harness_fails(), self.traffic():
            if self.warm_up():
                runtime = self.environment.runtime
                with counted(fault.impact(runtime), runtime, self.history):
                    self.control()
                with self.inject(fault, fits=True):
                    self.hold()
                self.recover()
        return self.judge()

    def prepare(self) -> None:
        """reset: get a clean environment, started or rebuilt where necessary."""
        self._tell("reset")
        self.reset = self.environment.reset()
        if self.reset.rebuilt:
            self._mark("rebuilt", why=self.reset.why, seconds=self.reset.seconds)

    def use_traffic(self, traffic: Traffic, history: History) -> None:
        """Use a load that is under way already, and the history into which it writes."""
        self._traffic, self.history = traffic, history

    @contextlib.contextmanager
    def traffic(self) -> Iterator[None]:
        """Drive all journeys while the block runs; check the acknowledgements afterwards."""
        if self.reset is None:
            self.prepare()
        self._traffic = self.environment.traffic(self.history)
        try:
            self._traffic.start()
            self._mark_at("begin", self._traffic.begin())
            yield
            totals = self._traffic.stop()
            self._mark("end", load=asdict(totals))
            self.check_ledger()
        finally:
            self._traffic.close()
            self._traffic = None

    def warm_up(self) -> bool:
        """warm up: drive traffic until every journey is inside its SLO; return whether that happened."""
        self._tell("warm up")
        begin = self._now()
        limit = max(self.timing.steady_within, 2 * self.enough(0.0))
        self.wait(self.timing.warm_up)
        while not recovered(self._terms, self.history, begin, self._now(), self._brief()):
            if self._now() - begin > limit:
                since = self._now() - self.timing.warm_up - self.timing.control
                found = unsteady(self._terms, self.history, since, self._now(), self.settings)
                reasons = [f"{each.journey}: {each.reason}" for each in found]
                says = "; ".join(
                    reasons or pending(self._terms, self.history, begin, self._now(), self._brief())
                )
                self._mark("unsteady", says=says, limit=limit)
                self._tell(f"no steady state, so nothing is injected: {says}")
                return False
            self.wait(LOOK_AGAIN_AFTER * 4)
        return True

    def control(self) -> None:
        """control window: record what is normal here, before anything is injected."""
        seconds = self.enough(self.timing.control)
        self._tell(f"control window, {seconds:.3g} s{self._stretched(self.timing.control)}")
        self._mark("control")
        self.wait(seconds)

    @contextlib.contextmanager
    def inject(self, fault: Fault, *, fits: bool = False) -> Iterator[Evidence]:
        """inject, prove it landed … lift, prove it is gone. The block is the fault window.

        Args:
            fault: the fault to inject.
            fits: whether the fault is known to fit; finding that out may open connections.

        Raises:
            NotLanded: no evidence of the fault within the limit; what was injected is lifted.
            NotLifted: no evidence that the fault is gone; the environment is poisoned.
        """
        injector = self.injector(fault, fits=fits)
        try:
            evidence = injector.inject()
            yield evidence
            injector.look()
        finally:
            injector.lift()

    def injector(self, fault: Fault, *, fits: bool = False) -> Injector:
        """An injector for a fault of this experiment, with the undo on disk; :meth:`inject` uses it.

        Raises:
            FaultMisfit: the fault does not fit; nothing was injected.
            JournalUnwritable: the undo is not safely on disk.
        """
        injector = Injector(fault, self.environment, self.history, self.timing, self.wait)
        injector.prepare(fits=fits)
        hit = fault.impact(self.environment.runtime)
        self.faults.append(fault)
        self.impact = Impact(
            lost=self.impact.lost | hit.lost,
            strained=self.impact.strained | hit.strained,
            severed=self.impact.severed | hit.severed,
            hampered=self.impact.hampered | hit.hampered,
        )
        self.injectors.append(injector)
        return injector

    def hold(self) -> None:
        """fault window: keep the fault while the traffic goes on, until a fault with a course has run it."""
        failing_over = max((each.degraded.within for each in self._terms if each.degraded), default=0.0)
        seconds = failing_over + self.enough(self.timing.active - failing_over)
        self._tell(f"fault window, {seconds:.3g} s{self._stretched(self.timing.active - failing_over)}")
        until = self._now() + seconds + self.timing.lifting
        self.wait(seconds)
        while self.under_way() and self._now() < until:
            self.wait(LOOK_AGAIN_AFTER)

    def under_way(self) -> bool:
        """Whether a fault has not yet run its course."""
        return any(each.injection.under_way() for each in self.injectors if each.injection is not None)

    def recover(self) -> bool:
        """recover: wait until every journey is inside its SLO, as surely as it can be told, or until no
        verdict on recovery can change any more; return whether they are inside.
        """
        lifted = [mark for mark in self.history.marks if mark.name == "lift"]
        if not lifted:
            return False
        lift = lifted[-1]
        self._tell("recover")
        # Even a journey that was never disturbed has to be seen for one stability window.
        self.wait(lift.at + self.settings.stability - self._now())
        self._await_obligations(lift.at)
        while True:
            seen = outlook(self._terms, self.history, lift.at, self._now(), self.settings)
            if seen is not Outlook.OPEN:
                break
            self.wait(LOOK_AGAIN_AFTER * 4)
        if seen is Outlook.OUTSIDE:
            self._tell(f"not recovered within {self._now() - lift.at:.3g} s")
        return seen is Outlook.INSIDE

    def _await_obligations(self, lifted: float) -> None:
        """Ask for the obligations of the fault until each is decided or the limit has passed; an
        obligation has a deadline of its own, and one that stays undecided is UNKNOWN.
        """
        for injection in (each.injection for each in self.injectors if each.injection is not None):
            kept: Sequence[Obligation] = injection.obligations(self._now() - lifted)
            until = self._now() + self.timing.settling
            while any(each.kept is None for each in kept) and self._now() < until:
                self.wait(LOOK_AGAIN_AFTER * 4)
                kept = injection.obligations(self._now() - lifted)
            for each in kept:
                self._mark("promise", promise=each.name, kept=each.kept, says=each.says, **each.figures)
                self._tell(f"{each.name}: {each.says}")

    def judge(self) -> Result:
        """judge: decide the verdict, and write the journal.

        Raises:
            JournalUnwritable: the journal is not on disk, so there is no verdict.
        """
        components = self.environment.runtime.components
        judgement = judge(self._terms, components, self.impact, self.history, self.settings)
        fault = " + ".join(each.name for each in self.faults) or "no fault"
        self._tell(f"{judgement.verdict.name}: {self.name}")
        record = record_of(
            self.name,
            about=self.about,
            environment=self.environment,
            faults=self.faults,
            impact=self.impact,
            timing=self.timing,
            settings=self.settings,
            reset=self.reset,
            history=self.history,
            judgement=judgement,
        )
        path = self.folder / file_name(self.name)
        journal.write(path, record)
        return Result(self.name, fault, judgement, path, record, self.reset or ResetReport(0.0, False))

    @contextlib.contextmanager
    def _unless_harness_fails(self) -> Iterator[None]:
        """Let a failure of an instrument end the experiment; the verdict is then UNKNOWN, with the reason."""
        try:
            yield
        except (FaultFailure, HarnessFailure) as error:
            self.environment.poison(error.what)
            self._mark("harness failure", says=str(error), instrument=isinstance(error, HarnessFailure))
            self._tell(f"the experiment ends here: {error.what}")

    def check_ledger(self) -> None:
        """Check what the system has acknowledged to users during the experiment."""
        acknowledgements = self.history.acknowledgements
        if acknowledgements and self._traffic is not None:
            self._tell(f"check {len(acknowledgements)} acknowledgements")
            self._traffic.verify(acknowledgements, deadline=max(terms.slo.recovery for terms in self._terms))

    def enough(self, seconds: float) -> float:
        """``seconds``, or longer if the slowest journey needs longer to show anything."""
        return max(seconds, shown_after(self._terms, self.settings)[0])

    def _stretched(self, asked: float) -> str:
        """A remark on the journey that makes a window longer than was asked for; empty if none does."""
        needed, journey = shown_after(self._terms, self.settings)
        if needed <= asked:
            return ""
        return f" ({asked:.3g} s asked for; {journey} needs this long to show anything)"

    def _brief(self) -> JudgeSettings:
        """Settings that look for a steady state in a window no longer than the warm-up."""
        return self.settings.brief(self.timing.warm_up)

    def _now(self) -> float:
        return self.environment.runtime.clock.now()

    def wait(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            LoadFailure: the load died in the meantime.
        """
        if seconds > 0:
            self.environment.runtime.clock.sleep(seconds)
        if self._traffic is not None and self._traffic.error is not None:
            raise self._traffic.error

    def _mark(self, name: str, **detail: Any) -> None:
        self._mark_at(name, self._now(), **detail)

    def _mark_at(self, name: str, at: float, **detail: Any) -> None:
        self.history.add(Mark(name, at, detail))

    def _tell(self, line: str) -> None:
        self.environment.tell(line)
