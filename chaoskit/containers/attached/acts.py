"""What a guest has done and not yet undone, on disk before it is done.

Every change that a guest makes, and its taking back: written ahead, and verified.
"""

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
    """The undo of every change, in an undo log of its own; may be used from several threads.

    A fault writes an undo of its own ahead, but whoever calls the runtime itself does not, and a
    guest has to be sure.

    Args:
        path: the log; what it has pending already is pending still.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = UndoLog(path)
        self._lock = threading.RLock()
        self._pending = {_key(step): (number, step) for number, step in reversed(pending(path).items())}

    def ahead(self, step: Undo) -> None:
        """Put a step on disk, unless it is pending already.

        Raises:
            JournalUnwritable: it is not safely on disk, so nothing may be done.
        """
        with self._lock:
            if _key(step) not in self._pending:
                (number,) = self._log.ahead([step])
                self._pending[_key(step)] = (number, step)

    def done(self, step: Undo) -> None:
        """The step was taken, and seen to have worked."""
        with self._lock:
            found = self._pending.pop(_key(step), None)
            if found is not None:
                self._log.done([found[0]])

    def find(self, action: str, target: str) -> Undo | None:
        """The step that is pending for this target."""
        with self._lock:
            steps = [step for _, step in self._pending.values()]
        return next((step for step in steps if (step.action, step.target) == (action, target)), None)

    def pending(self) -> tuple[Undo, ...]:
        """What is to be undone, the last first."""
        with self._lock:
            return tuple(step for _, step in reversed(self._pending.values()))


def _key(step: Undo) -> tuple[str, str, str]:
    return step.action, step.target, str(step.detail.get("name", ""))


_START_DEADLINE: Final = 10.0
"""Seconds within which a container that was started again runs."""


class Acts:
    """What may be done is not asked here; see :mod:`chaoskit.containers.attached.touch`.

    Args:
        lifecycle: does it to components.
        toxiproxies: does it to links; sees our own toxics alone.
        cuts: cuts them.
        ledger: where the undo is written before anything is done.
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
        """Raise unless there is something to take away where these steps would give it back; looks only.

        Raises:
            UsageError: it is down already, or it cannot be done as a guest.
        """
        for step in steps:
            if step.action in ("start", "resume", "restart"):
                self._must_run(step.target)
            elif step.action in ("mend", "remove_toxic") and step.target in self._placed:
                self._must_be_alive(self._placed[step.target], str(step.detail.get("how", "")))

    def down(self, component: str, do: Callable[[], None]) -> None:
        """Take it down by ``do``: a kill or a stop."""
        self._must_run(component)
        self._ledger.ahead(Undo("start", component))
        do()

    def start(self, component: str) -> None:
        """Start again what we have taken down; what runs is left alone.

        Raises:
            UsageError: somebody else has taken it down.
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
        self._until_it_runs(component)
        self._ledger.done(Undo("start", component))

    def restart(self, component: str, timeout: float) -> None:
        """Stop and start."""
        self._must_run(component)
        self._ledger.ahead(Undo("start", component))
        self._lifecycle.restart(component, timeout)
        self._until_it_runs(component)
        self._ledger.done(Undo("start", component))

    def pause(self, component: str) -> None:
        """Freeze it."""
        self._must_run(component)
        self._ledger.ahead(Undo("resume", component))
        self._lifecycle.pause(component)

    def resume(self, component: str) -> None:
        """Let run again what we have frozen."""
        if self._ledger.find("resume", component) is None:
            return
        self._lifecycle.resume(component)
        self._ledger.done(Undo("resume", component))

    def add_toxic(self, placed: Placed, toxic: Toxic) -> None:
        """Put one of ours on a link.

        Raises:
            UsageError: its owner has disabled it, so that nothing passes that could be harmed.
        """
        self._must_be_alive(placed)
        self._ledger.ahead(Undo("remove_toxic", placed.link.proxy, {"name": toxic.name}))
        self._toxiproxies.add_toxic(placed.toxiproxy, placed.link.proxy, toxic)

    def remove_toxic(self, placed: Placed, name: str) -> None:
        """Take one of ours off."""
        self._toxiproxies.remove_toxic(placed.toxiproxy, placed.link.proxy, name)
        self._ledger.done(Undo("remove_toxic", placed.link.proxy, {"name": name}))

    def cut(self, placed: Placed, how: Cut) -> None:
        """Make a link dead.

        Raises:
            UsageError: it is dead already by its owner's hand, or it cannot be made so as a guest.
        """
        link = placed.link
        self._must_be_alive(placed, how)
        held = self._ledger.find("mend", link.proxy)
        if held is not None and held.detail.get("how") != how:
            self.mend(placed)
        self._ledger.ahead(Undo("mend", link.proxy, {"how": how}))
        self._cuts.cut(placed, how)

    def mend(self, placed: Placed) -> None:
        """Take back a cut of ours; what its owner has disabled stays so."""
        held = self._ledger.find("mend", placed.link.proxy)
        if held is None:
            return
        self._cuts.mend(placed)
        if held.detail.get("how") == "refuse":
            # It was enabled, else it would not have been cut; after a crash nobody else knows.
            self._toxiproxies.enable(placed.toxiproxy, placed.link.proxy)
        self._ledger.done(held)

    def take(self, step: Undo) -> None:
        """Take one step of an undo log; one that is not needed any more is no error.

        Raises:
            RuntimeFailure: its link is not known any more.
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
                raise RuntimeFailure(f"no Toxiproxy has a proxy called {step.target!r}")
            if step.action == "mend":
                self.mend(placed)
            else:
                self.remove_toxic(placed, str(step.detail["name"]))

    def reset_links(self) -> None:
        """Take every cut and every toxic of ours off, and read back that it is so."""
        for step in self._ledger.pending():
            if step.action in ("mend", "remove_toxic"):
                self.take(step)
        self._toxiproxies.reset()

    def revive(self) -> None:
        """Start and resume all that we have taken down or frozen."""
        for step in self._ledger.pending():
            if step.action in ("start", "resume"):
                self.take(step)

    def take_back(self, needed: Callable[[Undo], bool] = lambda step: True) -> None:
        """Undo all that is pending, the last first; what fails does not keep the others from it.

        Args:
            needed: whether there is still something to undo; what is not needed counts as done.

        Raises:
            NotLifted: some of it is still there.
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
                "something of this run is still there, in a system that is not its own",
                where=str(self._ledger.path),
                evidence="\n".join(failed),
                remedy="chaoskit clean tries again; the lines above say what to do by hand",
            )

    def _must_be_alive(self, placed: Placed, how: str = "") -> None:
        link = placed.link
        if how == "silent":
            raise UsageError(
                f"{link.name} cannot be cut by 'silent' where chaoskit did not start the system",
                evidence="packets would have to be dropped in the network of a Toxiproxy that is not ours",
                remedy="cut it by 'refuse' or 'hang', or start the system with chaoskit",
            )
        held = self._ledger.find("mend", link.proxy)
        if held is None and not self._toxiproxies.everything(placed.toxiproxy)[link.proxy].enabled:
            raise UsageError(
                f"{link.name} is disabled already, and not by this run",
                where=f"the proxy {link.proxy!r} of Toxiproxy {placed.toxiproxy!r}",
                remedy="enable it first, or choose another link",
            )

    def _must_run(self, component: str) -> None:
        status = self._lifecycle.state(component).status
        ours = self._ledger.find("start", component) or self._ledger.find("resume", component)
        if status != "running" and ours is None:
            raise UsageError(
                f"{component} does not run, and not because of this run: nothing can be taken from it",
                evidence=f"it is {status}",
                remedy="start it first, or choose another component",
            )

    def _until_it_runs(self, component: str) -> None:
        until = self._clock.now() + _START_DEADLINE
        while (state := self._lifecycle.state(component)).status != "running":
            if self._clock.now() > until:
                raise RuntimeFailure(
                    f"{component} does not run although it was started again",
                    where=f"component {component}",
                    limit=f"{_START_DEADLINE:g} s",
                    evidence=f"it is {state.status}, exit code {state.exit_code}",
                    remedy=f"docker compose logs {component} says why",
                )
            self._clock.sleep(0.02)
