"""The worker of a game day: it waits for the steady state, and then carries out the commands in turn."""

from __future__ import annotations

from chaoskit.errors import ChaoskitError
from chaoskit.gameday.commands import Finish, Inject, Lift
from chaoskit.gameday.day import Day
from chaoskit.gameday.runbook import Step
from chaoskit.gameday.steps import Steps
from chaoskit.gameday.trial import Interrupted
from chaoskit.judge import pending, recovered, shown_after, unsteady


class DayWorker:
    """Does the work of a game day in a thread of its own.

    Args:
        day: the game day.
    """

    def __init__(self, day: Day) -> None:
        self.day = day
        self._steps = Steps(day)

    def work(self) -> None:
        """Work until the day ends. Never raises."""
        day = self.day
        try:
            if self._await_steady_state():
                self._serve()
        except Interrupted:
            pass
        except Exception as error:  # noqa: BLE001 - a defect must leave no fault injected
            what = error.what if isinstance(error, ChaoskitError) else f"{type(error).__name__}: {error}"
            day.record.event("error", what, day.step)
            day.leave(what, trouble=True)
        finally:
            day.over.set()

    def _serve(self) -> None:
        day = self.day
        while not day.leaving:
            self.day.enter("idle")
            step = day.next_step
            command = self.day.commands.next()
            if isinstance(command, Finish):
                return
            if isinstance(command, Inject):
                self._steps.run(
                    Step(
                        name=f"by hand: {command.fault.name}",
                        faults=(command.fault,),
                        hypothesis=command.hypothesis,
                        active=None,
                    )
                )
            elif isinstance(command, Lift):
                self._steps.lift([command.active])
            elif step is not None and (command is not None or self._goes_on(step)):
                if self._steps.run(step, by_book=True):
                    day.position += 1
                elif day.unattended:
                    day.leave("a step could not start", trouble=True)
            elif day.unattended and (step is None or day.paused):
                day.leave("the run book is finished" if step is None else "stopped", trouble=False)
            else:
                self.day.nap()

    def _goes_on(self, step: Step) -> bool:
        auto = self.day.unattended or (step.auto and self.day.position > 0)
        return auto and not self.day.paused

    def _await_steady_state(self) -> bool:
        """Wait for the steady state; returns whether it came."""
        day = self.day
        brief = day.settings.brief(day.timing.warm_up)
        limit = max(day.timing.steady_within, 2 * shown_after(day.terms, day.settings)[0])
        reported = False
        while not recovered(day.terms, day.history, day.begun, day.clock.now(), brief):
            day.look_up()
            if isinstance(day.commands.next(), Finish):
                return False
            if day.clock.now() - day.begun > limit and not reported:
                reported = True
                since = day.clock.now() - day.timing.control - day.timing.warm_up
                day.record.event("unsteady", f"no steady state within {limit:g} s: {self._unsteady(since)}")
                if day.unattended:
                    day.leave("no steady state", trouble=True)
                    return False
            self.day.nap()
        day.calm_since = day.clock.now() - brief.stability
        day.record.event("steady", "every journey is inside its SLO")
        return True

    def _unsteady(self, since: float) -> str:
        day = self.day
        found = unsteady(day.terms, day.history, since, day.clock.now(), day.settings)
        return "; ".join(f"{each.journey}: {each.reason}" for each in found) or "; ".join(
            pending(
                day.terms, day.history, day.begun, day.clock.now(), day.settings.brief(day.timing.warm_up)
            )
        )
