"""A deploy that is under way: its thread, its evidence, and the obligations of the system under it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from chaoskit.errors import ChaoskitError, HarnessFailure, NotReady
from chaoskit.faults.base import Evidence, Injection, Obligation, together
from chaoskit.faults.components import serving
from chaoskit.faults.deploy.rollout import (
    ForEach,
    Release,
    RolloutPlan,
    at_once,
    look,
    roll_back,
    roll_out,
    runs,
)
from chaoskit.runtime import Runtime

_MOST_VERSION_CHARACTERS = 200
"""The most characters of a version that are shown and compared; longer texts are cut."""


class Deployment(Injection):
    """Carries out a plan once: :meth:`start` does so in a thread, :meth:`run` in the caller's.

    Args:
        runtime: the runtime of the system.
        plan: what is replaced, and how.
        before: component → its release before the rollout.
        port, path: where to ask a replica for its version; without a path none is asked.
    """

    def __init__(
        self,
        runtime: Runtime,
        plan: RolloutPlan,
        before: Mapping[str, Release],
        port: int | None,
        path: str | None,
    ) -> None:
        self._runtime, self._plan, self._before = runtime, plan, before
        self._port, self._path = port, path
        self._began = self._ended_at = runtime.clock.now()
        self._ended = threading.Event()
        self._error: ChaoskitError | None = None
        self._rolled_back, self._stuck = False, list[str]()
        self._thread = threading.Thread(target=self.run, name="chaoskit-rollout", daemon=True)
        self.steps: list[str] = []
        """The steps taken so far, each with the seconds since the start."""

    def start(self) -> None:
        """Start the rollout, and return at once."""
        self._thread.start()

    def run(self, for_each: ForEach = at_once) -> None:
        """Carry out the rollout from start to end. An error is kept for the evidence."""
        try:
            roll_out(self._runtime, self._plan, self._tell, for_each)
        except ChaoskitError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - an error that ends this thread would be lost
            self._error = HarnessFailure("the rollout failed", evidence=f"{type(error).__name__}: {error}")
        finally:
            self._ended_at = self._runtime.clock.now()
            self._ended.set()

    def _tell(self, line: str) -> None:
        self.steps.append(f"{self._runtime.clock.now() - self._began:.1f} s: {line}")

    def under_way(self) -> bool:
        """Whether the rollout has not ended yet, well or not."""
        return not self._ended.is_set()

    def landed(self) -> Evidence:
        """Whether at least one component was started anew and is another release than before.

        Raises:
            ChaoskitError: the rollout failed, and not because of the system itself.
        """
        looks = self._looks()
        return Evidence(any(self._new(name, each) for name, each in looks.items()), *self._tale(looks))

    def holding(self) -> Evidence:
        """Whether the rollout is over and all components run the new release.

        A rollout that ended because a replica never became ready was a deploy as well: its obligations
        judge what the system made of it.

        Raises:
            ChaoskitError: as for :meth:`landed`.
        """
        looks = self._looks()
        says, figures = self._tale(looks)
        if self.under_way():
            took = self._runtime.clock.now() - self._began
            late = f"the rollout is still under way after {took:.1f} s; give it a longer fault window"
            return Evidence(False, f"{late} ({says})", figures)
        over = isinstance(self._error, NotReady)
        return Evidence(over or all(self._new(name, each) for name, each in looks.items()), says, figures)

    def _looks(self) -> dict[str, Release]:
        if self._error is not None and not isinstance(self._error, NotReady):
            raise self._error
        return {name: self._look(name) for name in self._plan.order}

    def _look(self, name: str) -> Release:
        return look(self._runtime, name, self._port, self._path)

    def _new(self, name: str, now: Release) -> bool:
        """Whether a component was started anew, as another release than before."""
        return now.started_at != self._before[name].started_at and (
            self._replaced(now) or self._differs(name, now)
        )

    def _replaced(self, now: Release) -> bool:
        """Whether the engine says that a component is the new release."""
        return self._plan.image in (None, now.image) and runs(now.environment, self._plan.environment)

    def _differs(self, name: str, now: Release) -> bool:
        """Whether a component answers with another version than before."""
        return now.version is not None and now.version != self._before[name].version

    def _tale(self, looks: Mapping[str, Release]) -> tuple[str, dict[str, Any]]:
        told, figures = [], {}
        for name, now in looks.items():
            new = "new" if self._new(name, now) else "as before"
            answer = self._version(now)
            told.append(
                f"{name} is {new} " + (f"({answer})" if answer else f"and tells no version: {now.trouble}")
            )
            figures[name] = {"version": answer, "started_at": now.started_at}
        return "; ".join([*told, *self.steps[-1:]]), figures

    def _version(self, release: Release) -> str | None:
        """The version that a component answers or, where it is not asked, what the engine says of it."""
        if self._path is not None:
            return release.version and shorten(release.version, _MOST_VERSION_CHARACTERS)
        told = [f"{name}={release.environment.get(name)}" for name in self._plan.environment]
        return ", ".join([*told, *([release.image] if self._plan.image is not None else [])])

    def lift(self) -> None:
        """Wait until the rollout has ended, roll it back if it failed, and start what is down."""
        if not self._ended.wait(self._plan.limit):
            return  # gone() reports it
        if self._error is not None:
            self._stuck = roll_back(self._runtime, self._plan, self._before, self._made_anew)
            if not self._rolled_back:
                self._tell("rolled back")
            self._rolled_back = True
        for name in self._plan.order:
            if self._runtime.state(name).status not in ("running", "restarting"):
                self._runtime.start_component(name)

    def _made_anew(self, name: str) -> bool:
        return self._replaced(look(self._runtime, name, None, None))

    def gone(self) -> Evidence:
        """Whether the rollout is over, and every component runs, is healthy and is reachable."""
        if self.under_way():
            return Evidence(False, f"the rollout has not ended within {self._plan.limit:.0f} s")
        failed = "; ".join(self._stuck)
        up = serving(self._runtime, self._plan.order)
        return together([Evidence(not failed, f"rolling back failed: {failed}"), up], up.says)

    def obligations(self, since_lift: float) -> Sequence[Obligation]:
        """``rollout``: the rollout completed, with each replica ready in time. ``one version``: in the end
        all replicas answer with the same version, which is not the one before.
        """
        return (self._completed(), self._one_version(since_lift))

    def _completed(self) -> Obligation:
        took = self._ended_at - self._began
        steps = "; ".join(self.steps)
        figures: dict[str, Any] = {"seconds": round(took, 3), "steps": steps}
        if self._error is None:
            says = f"all {len(self._plan.order)} are replaced and ready after {took:.1f} s ({steps})"
            return Obligation("rollout", True, says, figures)
        error = self._error
        says = f"the rollout failed after {took:.1f} s: {error.what} ({steps})"
        evidence = {"limit": error.limit or "", "evidence": error.evidence or ""}
        kept = False if isinstance(error, NotReady) else None
        return Obligation("rollout", kept, says, figures | evidence)

    def _one_version(self, since_lift: float) -> Obligation:
        looks = {name: self._look(name) for name in self._plan.order}
        versions = {name: self._version(each) for name, each in looks.items()}
        told = "; ".join(f"{name}: {versions[name] or each.trouble}" for name, each in looks.items())
        figures = {name: version or "" for name, version in versions.items()}
        if None in versions.values():
            late = since_lift > self._plan.ready_within
            limit = f", {since_lift:.0f} s after the lift (limit: {self._plan.ready_within:g} s)"
            return Obligation("one version", False if late else None, told + limit, figures)
        one = len(set(versions.values())) == 1
        new = all(version != self._version(self._before[name]) for name, version in versions.items())
        if one and new:
            return Obligation("one version", True, f"all answer with the new version: {told}", figures)
        says = "all still answer with the version before" if one else "the replicas answer differently"
        return Obligation("one version", False, f"{says}: {told}", figures)
