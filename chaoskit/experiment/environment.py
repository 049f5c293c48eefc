"""One running system that serves many experiments: started once, reset in between, rebuilt where
it does not come back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chaoskit.errors import ChaoskitError, DeclarationError, HarnessFailure, NotLifted
from chaoskit.load.totals import Totals
from chaoskit.record.history import Acknowledgement, Check, History
from chaoskit.record.journal_types import ResetRecord
from chaoskit.runtime import Runtime
from chaoskit.runtime.undolog import UndoLog
from chaoskit.system import Component, System, members
from chaoskit.system.mistakes import mistakes
from chaoskit.system.names import matching_entries

Tell = Callable[[str], None]


class Traffic(Protocol):
    """What drives journeys; :class:`chaoskit.load.process.LoadProcess` is one."""

    @property
    def error(self) -> ChaoskitError | None:
        """Why it cannot send any more, or nothing."""
        ...

    def start(self) -> None:
        """Get ready to send."""
        ...

    def begin(self) -> float:
        """Send from now on; returns the moment."""
        ...

    def stop(self) -> Totals:
        """Send no more, wait for what is in flight, and return the accounts."""
        ...

    def verify(self, acknowledgements: tuple[Acknowledgement, ...], deadline: float) -> tuple[Check, ...]:
        """Check promises; ``deadline`` in seconds from now."""
        ...

    def close(self) -> None:
        """End for sure."""
        ...


MakeTraffic = Callable[[System, History, Mapping[str, str], int], Traffic]
"""(system, history, journey → base URL, seed) → traffic that has not started."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A system that has not started: what of it is known already, and what will run it.

    Attributes:
        components: the containers that the declaration gives.
        entries: its published ports, ``component:port``.
        make_runtime: makes the runtime, which has not started.
    """

    components: Sequence[Component]
    entries: Sequence[str]
    make_runtime: Callable[[], Runtime]


@dataclass(frozen=True, slots=True)
class ResetReport:
    """What it took to have a clean environment.

    Attributes:
        seconds: how long it took.
        rebuilt: whether the environment was started anew.
        why: the reason, where it was.
    """

    seconds: float
    rebuilt: bool
    why: str = ""

    def to_record(self) -> ResetRecord:
        """JSON-able data."""
        return {"seconds": self.seconds, "rebuilt": self.rebuilt, "why": self.why}


_APART = 1_000_003
"""Between the seeds of two loads of one environment: more than anybody counts seeds up by hand."""


class Environment:
    """A system, the runtime it runs in, and what has to be undone.

    Args:
        system: the declaration.
        draft: looks at a declaration without starting anything.
        make_traffic: makes the load.
        state: a folder for the undo log of each runtime.
        seed: from which all randomness of this environment comes.
        tell: takes progress, a line at a time.

    Attributes:
        turn: how many loads it has made.
    """

    def __init__(
        self,
        system: System,
        draft: Callable[[System], Draft],
        make_traffic: MakeTraffic,
        *,
        state: Callable[[str], Path],
        seed: int = 0,
        tell: Tell = lambda line: None,
    ) -> None:
        self.system = system
        self.seed = seed
        self.turn = 0
        self.tell = tell
        self._draft, self._make_traffic, self._state = draft, make_traffic, state
        self._runtime: Runtime | None = None
        self._undo: UndoLog | None = None
        self._poison: str | None = None
        self._used = False

    @property
    def runtime(self) -> Runtime:
        """The running system; started at the first use.

        Raises:
            ChaoskitError: whatever keeps it from starting; nothing is left behind then.
        """
        if self._runtime is None:
            self._start()
        assert self._runtime is not None
        return self._runtime

    @property
    def undo(self) -> UndoLog:
        """Where the undo of a fault is written before the fault is injected."""
        assert self._undo is not None, "the environment has not started"
        return self._undo

    def _start(self) -> None:
        draft = self._draft(self.system)
        found = mistakes(self.system, draft.components, draft.entries)
        if found:
            raise DeclarationError(found, where=", ".join(map(str, self.system.compose)))
        runtime = draft.make_runtime()
        try:
            runtime.start()
        except BaseException:
            runtime.close()
            raise
        self._runtime = runtime
        self._undo = UndoLog(self._state(runtime.run_id))
        self._poison, self._used = None, False

    def traffic(self, history: History) -> Traffic:
        """A load for this system that has not started.

        Each throws other dice: users who come again with the same ids and keys would not do anything
        new (an order with an idempotency key that is known is the old order).
        """
        runtime = self.runtime
        doors = {}
        for journey in self.system.journeys:
            entry = matching_entries(journey.entry, runtime.components, runtime.entries)[0]
            doors[journey.name] = f"http://{runtime.entries[entry]}"
        self.turn += 1
        return self._make_traffic(self.system, history, doors, self.seed + _APART * (self.turn - 1))

    def poison(self, why: str) -> None:
        """Say that this environment cannot be trusted any more: it is rebuilt before its next use."""
        self._poison = self._poison or why

    def reset(self) -> ResetReport:
        """Make it as good as new: nothing injected, everything up, nothing remembered.

        What does not come back is torn down and started anew, and that is said.
        """
        runtime = self.runtime
        began = runtime.clock.now()
        why = self._poison
        if why is None and self._used:
            try:
                self._restore(runtime)
            except ChaoskitError as error:
                why = error.what
        if why is not None:
            self._rebuild(why)
            runtime = self.runtime
        self._used = True
        return ResetReport(runtime.clock.now() - began, why is not None, why or "")

    def _rebuild(self, why: str) -> None:
        """Make it anew; one that is attached to somebody else's system cannot."""
        self.tell(f"rebuilding the environment: {why}")
        self.close()

    def _restore(self, runtime: Runtime) -> None:
        runtime.reset_links()
        self._revive(runtime)
        runtime.wait_ready(timeout=self.system.ready_timeout)
        self._clear(runtime)
        for component in runtime.components:
            if behind := runtime.out_of_step(component.name):
                raise NotLifted("links do not follow", evidence=", ".join(link.name for link in behind))
        left = runtime.cuts()
        if left:
            raise NotLifted("links are still cut", evidence=", ".join(link.name for link in left))

    def _revive(self, runtime: Runtime) -> None:
        """Have everything run, and what carries state out of a fault run anew."""
        for component in runtime.components:
            status = runtime.state(component.name).status
            if status == "paused":
                runtime.resume(component.name)
            elif status in ("exited", "dead", "created") and not _finished(runtime, component.name):
                runtime.start_component(component.name)
        for name in self.system.restart_on_reset:
            for component_name in sorted(members(name, runtime.components)):
                runtime.restart(component_name)

    def _clear(self, runtime: Runtime) -> None:
        """Have the system forget what it remembers, as its declaration says how."""
        if self.system.reset is not None:
            try:
                self.system.reset(runtime)
            except ChaoskitError:
                raise
            except Exception as error:
                raise HarnessFailure(
                    "the system's reset hook failed", evidence=f"{type(error).__name__}: {error}"
                ) from error

    def close(self) -> None:
        """Remove everything. May be called again."""
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.close()


def _finished(runtime: Runtime, component: str) -> bool:
    """A service that was meant to run once, and did (a migration), is not started again."""
    return runtime.state(component).exit_code == 0
