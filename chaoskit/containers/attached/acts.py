"""Every change that a guest makes, and its undo: written to disk before the change, and verified after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from chaoskit.clock import Clock
from chaoskit.containers.engine.cuts import Cuts
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.errors import ChaoskitError, NotLifted, RuntimeFailure, UsageError
from chaoskit.interpose import Placed
from chaoskit.runtime import Cut, Toxic, Undo
from chaoskit.runtime.undolog import UndoLog, pending
from chaoskit.toxiproxy import Marked


class Ledger:
    """The undo of every change, in an undo log of its own; safe to use from several threads.

    A fault writes its own undo ahead, but a caller that uses the runtime directly does not. So a guest
    keeps this second log.

    Args:
        path: the log; steps that are pending in it stay pending.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = UndoLog(path)
        self._lock = threading.RLock()
        self._pending = {_key(step): (number, step) for number, step in reversed(pending(path).items())}

    def ahead(self, step: Undo) -> None:
        """Put a step on disk, unless it is pending already.

        Raises:
            JournalUnwritable: the step is not safely on disk, so the change must not be made.
        """
        with self._lock:
            if _key(step) not in self._pending:
                (number,) = self._log.ahead([step])
                self._pending[_key(step)] = (number, step)

    def done(self, step: Undo) -> None:
        """Note that the step was taken and verified."""
        with self._lock:
            found = self._pending.pop(_key(step), None)
            if found is not None:
                self._log.done([found[0]])

    def find(self, action: str, target: str) -> Undo | None:
        """The pending step with this action and target, if there is one."""
        with self._lock:
            steps = [step for _, step in self._pending.values()]
        return next((step for step in steps if (step.action, step.target) == (action, target)), None)

    def pending(self) -> tuple[Undo, ...]:
        """The pending steps, the last first."""
        with self._lock:
            return tuple(step for _, step in reversed(self._pending.values()))


def _key(step: Undo) -> tuple[str, str, str]:
    return step.action, step.target, str(step.detail.get("name", ""))


_START_DEADLINE: Final = 10.0
"""Seconds within which a container that was started again must run."""


class Acts:
    """Makes a guest's changes; :mod:`chaoskit.containers.attached.touch` decides whether they are allowed.

    Args:
        lifecycle: changes components.
        toxiproxies: changes toxics; sees only those of this run.
        cuts: cuts and mends links.
        ledger: takes the undo before a change is made.
        placed: proxy → the link's place.
        clock: the time.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        toxiproxies: Marked,
        cuts: Cuts,
        ledger: Ledger,
        placed: Mapping[str, Placed],
        clock: Clock,
    ) -> None:
        self._lifecycle, self._toxiproxies, self._cuts = lifecycle, toxiproxies, cuts
        self._ledger, self._placed, self._clock = ledger, placed, clock

    def check(self, steps: Iterable[Undo]) -> None:
        """Raise unless the targets of these steps are up, so that a fault can take them down; looks only.

        Raises:
            UsageError: a target is already down, or a guest cannot do this to it.
        """
        for step in steps:
            if step.action in ("start", "resume", "restart"):
                self._require_running(step.target)
            elif step.action in ("mend", "remove_toxic") and step.target in self._placed:
                self._require_enabled(self._placed[step.target], str(step.detail.get("how", "")))

    def down(self, component: str, do: Callable[[], None]) -> None:
        """Take a component down by ``do``, a kill or a stop."""
        self._require_running(component)
        self._ledger.ahead(Undo("start", component))
        do()

    def start(self, component: str) -> None:
        """Start a component that this run took down; a component that runs is left alone.

        Raises:
            UsageError: this run did not take it down.
        """
        if self._lifecycle.state(component).status in ("running", "paused", "restarting"):
            self._ledger.done(Undo("start", component))
            return
        if self._ledger.find("start", component) is None:
            raise UsageError(
                f"{component} was not taken down by this run, so it is not started",
                evidence=f"it is {self._lifecycle.state(component).status}",
                remedy="start it by hand if it should run",
            )
        self._lifecycle.start(component)
        self._wait_until_running(component)
        self._ledger.done(Undo("start", component))

    def restart(self, component: str, timeout: float) -> None:
        """Stop and start a component."""
        self._require_running(component)
        self._ledger.ahead(Undo("start", component))
        self._lifecycle.restart(component, timeout)
        self._wait_until_running(component)
        self._ledger.done(Undo("start", component))

    def pause(self, component: str) -> None:
        """Freeze a component."""
        self._require_running(component)
        self._ledger.ahead(Undo("resume", component))
        self._lifecycle.pause(component)

    def resume(self, component: str) -> None:
        """Resume a component that this run froze."""
        if self._ledger.find("resume", component) is None:
            return
        self._lifecycle.resume(component)
        self._ledger.done(Undo("resume", component))

    def add_toxic(self, placed: Placed, toxic: Toxic) -> None:
        """Put a toxic on a link.

        Raises:
            UsageError: its owner has disabled the link's proxy, so there is no traffic to harm.
        """
        self._require_enabled(placed)
        self._ledger.ahead(Undo("remove_toxic", placed.link.proxy, {"name": toxic.name}))
        self._toxiproxies.add_toxic(placed.toxiproxy, placed.link.proxy, toxic)

    def remove_toxic(self, placed: Placed, name: str) -> None:
        """Take a toxic of this run off a link."""
        self._toxiproxies.remove_toxic(placed.toxiproxy, placed.link.proxy, name)
        self._ledger.done(Undo("remove_toxic", placed.link.proxy, {"name": name}))

    def cut(self, placed: Placed, how: Cut) -> None:
        """Cut a link.

        Raises:
            UsageError: its owner has already disabled it, or a guest cannot cut it in this way.
        """
        link = placed.link
        self._require_enabled(placed, how)
        held = self._ledger.find("mend", link.proxy)
        if held is not None and held.detail.get("how") != how:
            self.mend(placed)
        self._ledger.ahead(Undo("mend", link.proxy, {"how": how}))
        self._cuts.cut(placed, how)

    def mend(self, placed: Placed) -> None:
        """Mend a link that this run cut; a proxy that its owner disabled stays disabled."""
        held = self._ledger.find("mend", placed.link.proxy)
        if held is None:
            return
        self._cuts.mend(placed)
        if held.detail.get("how") == "refuse":
            # It was enabled, or it would not have been cut. After a crash only the ledger tells that.
            self._toxiproxies.enable(placed.toxiproxy, placed.link.proxy)
        self._ledger.done(held)

    def take(self, step: Undo) -> None:
        """Take one step of an undo log; a step that is no longer needed is not an error.

        Raises:
            RuntimeFailure: the step's link no longer exists.
        """
        if step.action == "start":
            if self._ledger.find("start", step.target) is not None:
                self.start(step.target)
        elif step.action == "resume":
            self.resume(step.target)
        elif step.action == "restart":
            self.restart(step.target, 10.0)
        elif step.action in ("mend", "remove_toxic"):
            placed = self._placed.get(step.target)
            if placed is None:
                raise RuntimeFailure(
                    f"no Toxiproxy has a proxy called {step.target!r}",
                    remedy="its Toxiproxy may have been restarted without this proxy; docker ps shows it",
                )
            if step.action == "mend":
                self.mend(placed)
            else:
                self.remove_toxic(placed, str(step.detail["name"]))

    def reset_links(self) -> None:
        """Mend every link that this run cut, take its toxics off, and read back that they are gone."""
        for step in self._ledger.pending():
            if step.action in ("mend", "remove_toxic"):
                self.take(step)
        self._toxiproxies.reset()

    def revive(self) -> None:
        """Start and resume every component that this run took down or froze."""
        for step in self._ledger.pending():
            if step.action in ("start", "resume"):
                self.take(step)

    def take_back(self, needed: Callable[[Undo], bool] = lambda step: True) -> None:
        """Take all pending steps, the last first; a step that fails does not stop the others.

        Args:
            needed: whether a step still has something to undo; otherwise it counts as taken.

        Raises:
            NotLifted: some steps failed.
        """
        failed = []
        for step in self._ledger.pending():
            try:
                if needed(step):
                    self.take(step)
                self._ledger.done(step)
            except ChaoskitError as error:
                failed.append(f"{step.action} {step.target}: {error.what}")
        if failed:
            raise NotLifted(
                "the attached system still has changes that this run made",
                where=str(self._ledger.path),
                evidence="\n".join(failed),
                remedy="run chaoskit clean to try again, or undo the steps above by hand",
            )

    def _require_enabled(self, placed: Placed, how: str = "") -> None:
        link = placed.link
        if how == "silent":
            raise UsageError(
                f"{link.name} cannot be cut with 'silent' in a system that chaoskit did not start",
                evidence="'silent' drops packets in the network of a Toxiproxy that chaoskit does not own",
                remedy="cut it with 'refuse' or 'hang', or start the system with chaoskit",
            )
        held = self._ledger.find("mend", link.proxy)
        if held is None and not self._toxiproxies.everything(placed.toxiproxy)[link.proxy].enabled:
            raise UsageError(
                f"{link.name} is already disabled, but not by this run",
                where=f"the proxy {link.proxy!r} of Toxiproxy {placed.toxiproxy!r}",
                remedy="enable it first, or choose another link",
            )

    def _require_running(self, component: str) -> None:
        status = self._lifecycle.state(component).status
        ours = self._ledger.find("start", component) or self._ledger.find("resume", component)
        if status != "running" and ours is None:
            raise UsageError(
                f"{component} is not running, but not because of this run, so a fault cannot take it down",
                evidence=f"it is {status}",
                remedy="start it first, or choose another component",
            )

    def _wait_until_running(self, component: str) -> None:
        until = self._clock.now() + _START_DEADLINE
        while (state := self._lifecycle.state(component)).status != "running":
            if self._clock.now() > until:
                raise RuntimeFailure(
                    f"{component} was started again but does not run",
                    where=f"component {component}",
                    limit=f"{_START_DEADLINE:g} s",
                    evidence=f"it is {state.status}, exit code {state.exit_code}",
                    remedy=f"docker compose logs {component} says why",
                )
            self._clock.sleep(0.02)
