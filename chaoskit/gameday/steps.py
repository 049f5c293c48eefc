"""One step of a game day, in the order of its phases.

steady state → inject → prove it landed → active → lift → prove it is gone → recover → judge → journal.
"""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.errors import ChaoskitError, FaultFailure, HarnessFailure, UsageError
from chaoskit.faults.base import Fault, check
from chaoskit.gameday.commands import Finish, Inject, Lift, Next
from chaoskit.gameday.day import Day
from chaoskit.gameday.lifting import Active, lift_all
from chaoskit.gameday.record import StepEntry
from chaoskit.gameday.runbook import Step
from chaoskit.gameday.trial import LOOK_UP_EVERY, Interrupted, StepTrial, summary
from chaoskit.judge import Verdict, shown_after, unsteady

OUTCOME_OF_VERDICT = {Verdict.HELD: "confirmed", Verdict.BROKEN: "refuted", Verdict.UNKNOWN: "open"}


class Steps:
    """Runs the steps of a game day.

    Args:
        day: the game day.
    """

    def __init__(self, day: Day) -> None:
        self.day = day

    def run(self, step: Step, *, by_book: bool = False) -> bool:
        """Run one step, from the steady state to its journal; returns whether anything was injected."""
        day = self.day
        day.await_stop()
        if day.active:
            day.record.event("error", "nothing more is injected until every fault is seen to be gone")
            return False
        self.day.enter("before")
        since = self._control() if self._fits(step.faults) else None
        if since is None:
            day.paused = True
            return False
        day.number += 1
        number = day.number
        day.record.step(
            StepEntry(
                number=number,
                name=step.name,
                by="runbook" if by_book else "hand",
                hypothesis=step.hypothesis,
            )
        )
        day.trial = trial = StepTrial(
            day.environment,
            number,
            step.name,
            day.folder,
            day=day.history,
            traffic=day.traffic,
            since=since,
            begin=day.begun,
            look_up=day.look_up,
            settings=day.settings,
            timing=day.timing,
            hypothesis=step.hypothesis,
        )
        try:
            self._carry_out(trial, step)
            self._recover(trial)
        except Interrupted:
            pass  # the day ends: judge what is known by now
        except HarnessFailure as error:
            day.record.event("error", _line(error), number)
            trial.failed(error)
        finally:
            self._judge(trial)
            day.trial = None
            # A step that recovered has shown a whole stability window inside the SLOs.
            recovered = day.record.entry(number).recovered
            calm = day.clock.now() if recovered is None else day.origin + recovered - day.settings.stability
            day.calm_since = calm
        return bool(trial.injectors)

    def _fits(self, faults: Sequence[Fault]) -> bool:
        """Whether the faults fit the system; a misfit is recorded."""
        try:
            for fault in faults:
                check(fault, self.day.environment.runtime)
        except ChaoskitError as error:
            self.day.record.event("error", _line(error), self.day.step)
            return False
        return True

    def _control(self) -> float | None:
        """Wait for a steady state; returns when the control window began, or ``None`` without a steady state.

        The control window is the time just before the injection, since the load runs anyway.
        """
        day = self.day
        seconds = max(day.timing.control, shown_after(day.terms, day.settings)[0])
        limit = day.clock.now() + seconds + day.timing.steady_within
        while True:
            now = day.clock.now()
            since = max(day.calm_since, now - seconds)
            if now - since >= seconds - 1e-6:
                found = unsteady(day.terms, day.history, since, now, day.settings)
                if not found:
                    return since
                if now > limit:
                    says = "; ".join(f"{each.journey}: {each.reason}" for each in found)
                    day.record.event("unsteady", f"nothing is injected: {says}")
                    return None
            try:
                day.look_up()
            except Interrupted:
                if day.leaving:
                    raise
                return None
            self.day.nap()

    def _carry_out(self, trial: StepTrial, step: Step) -> None:
        """From the injection to the proof that every fault is gone."""
        day = self.day
        try:
            for fault in step.faults:
                self.day.enter("inject")
                self._inject(trial, fault)
            self._hold(trial, step.active)
            for each in trial.injectors:
                if not each.lifting:
                    each.look()
        except Interrupted:
            if day.leaving:
                if day.active:
                    day.stop("end", day.said)
                self._lift_rest()
                raise
        except (FaultFailure, HarnessFailure, UsageError) as error:
            day.record.event("error", _line(error), day.number)
            trial.failed(error)
        self.day.enter("lift")
        self._lift_rest()

    def _inject(self, trial: StepTrial, fault: Fault) -> None:
        day, number = self.day, self.day.number
        injector = trial.injector(fault, fits=True)
        active = Active(injector, number, day.clock.now())
        try:
            with day.gate:
                day.look_up()
                day.actives.append(active)
        except Interrupted:
            injector.cancel()
            raise
        names = tuple(each.name for each in trial.faults)
        entry = day.record.entry(number)
        injected = day.now() if entry.injected is None else entry.injected
        day.record.change(number, faults=names, injected=injected)
        day.record.event("inject", fault.name, number)
        try:
            evidence = injector.inject()
        except Interrupted:
            raise
        except Exception as error:
            active.evidence = f"{type(error).__name__} during its injection"
            raise
        finally:
            active.returned.set()
        if active.phase == "injecting":  # no thread lifts it already
            active.phase = "active"
        active.evidence = evidence.says
        told = [each.evidence for each in day.actives if each.step == number and each.evidence]
        day.record.change(number, landed=day.now(), evidence="; ".join(told))
        day.record.event("landed", f"{fault.name}: {evidence.says}", number)

    def _hold(self, trial: StepTrial, seconds: float | None) -> None:
        """The fault window. People may inject and lift faults meanwhile."""
        day = self.day
        self.day.enter("active", None if seconds is None else trial.enough(seconds))
        started = day.clock.now()
        while day.active:
            command = self.day.commands.next()
            if isinstance(command, Inject):
                if self._fits([command.fault]):
                    self.day.enter("inject")
                    self._inject(trial, command.fault)
                self.day.enter("active", day.phase_until and day.phase_until - day.clock.now())
            elif isinstance(command, Lift):
                command.active.injector.look()
                self.lift([command.active])
            elif isinstance(command, (Next, Finish)):
                if isinstance(command, Finish):
                    day.ask(command)
                return
            if seconds is not None:
                until = started + trial.enough(seconds)
                late = until + trial.timing.lifting
                now = day.clock.now()
                if now >= until and (now >= late or not trial.under_way()):
                    return
            trial.wait(LOOK_UP_EVERY)

    def _lift_rest(self) -> None:
        self.day.await_stop()
        if self.day.active:
            self.lift(self.day.active)

    def lift(self, actives: list[Active]) -> None:
        """Lift these faults, the last one first, and prove that they are gone."""
        day = self.day
        left = lift_all(actives, day.environment.runtime, day.clock.sleep, day.say)
        if left:
            day.environment.poison(f"{left[0].name} was not seen to be gone")
            day.paused = True
            day.report_lifted(left)

    def _recover(self, trial: StepTrial) -> None:
        day = self.day
        if not any(each.lifting for each in trial.injectors):
            return
        self.day.enter("recover")
        if trial.recover():
            day.record.change(day.number, recovered=day.now())
            day.record.event("recovered", "every journey is inside its SLO again", day.number)
        else:
            day.record.event("unsteady", "not every journey is back inside its SLO", day.number)

    def _judge(self, trial: StepTrial) -> None:
        day = self.day
        self.day.enter("judge")
        result = trial.finish(ledger=not day.leaving and bool(trial.injectors))
        stopped = day.record.entry(day.number).stopped_by is not None
        # A step that was stopped early has not shown that the system holds.
        cut_short = stopped and result.verdict is Verdict.HELD
        day.record.change(
            day.number,
            verdict=result.verdict.name,
            outcome="open" if cut_short else OUTCOME_OF_VERDICT[result.verdict],
            seen=("stopped early; " if stopped else "") + summary(result.judgement),
            journal=result.journal.name,
        )
        entry = day.record.entry(day.number)
        about = entry.hypothesis or entry.name
        day.record.event("hypothesis", f"{entry.outcome} ({result.verdict.name}): {about}", day.number)


def _line(error: ChaoskitError) -> str:
    seen_last = f": {error.evidence.splitlines()[0]}" if error.evidence else ""
    return error.what + seen_last
