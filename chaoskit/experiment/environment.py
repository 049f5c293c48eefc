"""One running system that serves many experiments.

The system is started once, reset between experiments, and rebuilt where a reset does not bring it back.
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
"""Called with each line of progress."""


class Traffic(Protocol):
    """A load: it drives the journeys; :class:`chaoskit.load.process.LoadProcess` is one."""

    @property
    def error(self) -> ChaoskitError | None:
        """The reason why the load cannot send any more; ``None`` while it can."""
        ...

    def start(self) -> None:
        """Get ready to send, and send nothing yet."""
        ...

    def begin(self) -> float:
        """Send from now on; return the moment."""
        ...

    def stop(self) -> Totals:
        """Send no more, wait for the requests in flight, and return the accounts."""
        ...

    def verify(self, acknowledgements: tuple[Acknowledgement, ...], deadline: float) -> tuple[Check, ...]:
        """Check what the system has acknowledged; ``deadline`` in seconds from now."""
        ...

    def close(self) -> None:
        """End the load, in whatever state it is. May be called again."""
        ...


MakeTraffic = Callable[[System, History, Mapping[str, str], int], Traffic]
"""(system, history, journey → base URL, seed) → traffic that has not started."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A system that has not started: what is known of it already, and how to make its runtime.

    Attributes:
        components: the containers that the declaration gives.
        entries: the published ports, as ``component:port``.
        make_runtime: makes the runtime, which has not started.
    """

    components: Sequence[Component]
    entries: Sequence[str]
    make_runtime: Callable[[], Runtime]


@dataclass(frozen=True, slots=True)
class ResetReport:
    """What a reset took.

    Attributes:
        seconds: how long the reset took.
        rebuilt: whether the environment was rebuilt.
        why: the reason for rebuilding; empty if it was not rebuilt.
    """

    seconds: float
    rebuilt: bool
    why: str = ""

    def to_record(self) -> ResetRecord:
        """The report as JSON-able data."""
        return {"seconds": self.seconds, "rebuilt": self.rebuilt, "why": self.why}


_SEED_STEP = 1_000_003
"""The step between the seeds of two loads of one environment. It is larger than any range of seeds that
a person tries one by one, so that two runs do not share a load.
"""


class Environment:
    """A system, the runtime in which it runs, and the log of what has to be undone.

    Args:
        system: the declaration.
        draft: drafts a declaration without starting anything.
        make_traffic: makes a load.
        state: run id → the file of that runtime's undo log.
        seed: the source of all randomness in this environment.
        tell: called with each line of progress.

    Attributes:
        turn: how many loads the environment has made.
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
        """The running system; it starts at the first use.

        Raises:
            ChaoskitError: the system cannot be started; nothing is left behind.
        """
        if self._runtime is None:
            self._start()
        assert self._runtime is not None
        return self._runtime

    @property
    def undo(self) -> UndoLog:
        """The log into which the undo of a fault is written before the fault is injected."""
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

        Each load has a seed of its own: users who came back with the same ids and keys would do nothing
        new (an order with a known idempotency key is the old order).
        """
        runtime = self.runtime
        base_urls = {}
        for journey in self.system.journeys:
            entry = matching_entries(journey.entry, runtime.components, runtime.entries)[0]
            base_urls[journey.name] = f"http://{runtime.entries[entry]}"
        self.turn += 1
        return self._make_traffic(self.system, history, base_urls, self.seed + _SEED_STEP * (self.turn - 1))

    def poison(self, why: str) -> None:
        """Declare that this environment cannot be trusted any more: it is rebuilt before its next use."""
        self._poison = self._poison or why

    def reset(self) -> ResetReport:
        """Make the environment as good as new: no fault, every component up, no memory of a fault.

        An environment that does not recover is torn down and rebuilt, and the report gives the reason.
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
        """Remove the system, so that the next use starts it; an attached environment refuses."""
        self.tell(f"rebuilding the environment: {why}")
        self.close()

    def _restore(self, runtime: Runtime) -> None:
        runtime.reset_links()
        self._start_components(runtime)
        runtime.wait_ready(timeout=self.system.ready_timeout)
        self._call_reset_hook(runtime)
        for component in runtime.components:
            if behind := runtime.out_of_step(component.name):
                raise NotLifted(
                    "links do not follow the state of their provider",
                    evidence=", ".join(link.name for link in behind),
                )
        left = runtime.cuts()
        if left:
            raise NotLifted("links are still cut", evidence=", ".join(link.name for link in left))

    def _start_components(self, runtime: Runtime) -> None:
        """Start every component that is down, and restart those that carry state out of a fault."""
        for component in runtime.components:
            status = runtime.state(component.name).status
            if status == "paused":
                runtime.resume(component.name)
            elif status in ("exited", "dead", "created") and not _finished(runtime, component.name):
                runtime.start_component(component.name)
        for name in self.system.restart_on_reset:
            for component_name in sorted(members(name, runtime.components)):
                runtime.restart(component_name)

    def _call_reset_hook(self, runtime: Runtime) -> None:
        """Have the system forget the fault, by the hook that its declaration gives."""
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
        """Remove the running system. May be called again."""
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            runtime.close()


def _finished(runtime: Runtime, component: str) -> bool:
    """Whether a component has ended well: a service that runs once (a migration) is not started again."""
    return runtime.state(component).exit_code == 0
