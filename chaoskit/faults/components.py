"""Faults of a component: killed, frozen, restarted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaoskit.faults.base import Evidence, Fault, Injection, targets, together, unknown
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact


@dataclass(frozen=True)
class ComponentFault(Fault):
    """A fault of one component, or of a service with all its replicas.

    Attributes:
        component: a component, or a service with all its replicas.
    """

    component: str

    def misfits(self, runtime: Runtime) -> list[str]:
        """The name is a component or a service of the system."""
        return unknown(self.component, runtime.components)

    def impact(self, runtime: Runtime) -> Impact:
        """The components are lost."""
        return Impact(lost=frozenset(targets(self.component, runtime.components)))

    def _names(self, runtime: Runtime) -> tuple[str, ...]:
        return targets(self.component, runtime.components)


@dataclass(frozen=True)
class Kill(ComponentFault):
    """The component dies (SIGKILL) and stays down until the lift, whatever its restart policy."""

    evidence: ClassVar[str] = "the engine says that it exited"

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start it."""
        return tuple(Undo("start", name) for name in self._names(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Kill it."""
        injection = Killed(runtime, self._names(runtime))
        injection.start()
        return injection


@dataclass(frozen=True)
class Pause(ComponentFault):
    """The component freezes: it keeps its connections and answers nothing."""

    evidence: ClassVar[str] = "the engine says that it is paused"

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Let it run on."""
        return tuple(Undo("resume", name) for name in self._names(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Freeze it."""
        injection = PauseInjection(runtime, self._names(runtime))
        injection.start()
        return injection


@dataclass(frozen=True)
class Restart(ComponentFault):
    """The component is stopped by its stop signal and started again, once.

    Attributes:
        grace: seconds between its stop signal and SIGKILL.
    """

    evidence: ClassVar[str] = "the engine says that it has a new start time"

    grace: float = 10.0

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start it, should it have stayed down."""
        return tuple(Undo("start", name) for name in self._names(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Restart it."""
        injection = _Restarted(runtime, self._names(runtime), self.grace)
        injection.start()
        return injection


class Killed(Injection):
    """Components that are down; used by every fault that kills one."""

    def __init__(self, runtime: Runtime, names: tuple[str, ...]) -> None:
        self._runtime, self._names = runtime, names

    def start(self) -> None:
        """Kill them all."""
        for name in self._names:
            self._runtime.kill(name)

    def landed(self) -> Evidence:
        """The engine says that each has exited."""
        looks = []
        for name in self._names:
            state = self._runtime.state(name)
            down = state.status in ("exited", "dead", "missing")
            looks.append(Evidence(down, f"{name} is {state.status}", {name: state.status}))
        return together(looks, f"the engine says that {', '.join(self._names)} exited")

    def lift(self) -> None:
        """Start those that are down."""
        for name in self._names:
            if self._runtime.state(name).status not in ("running", "restarting"):
                self._runtime.start_component(name)

    def gone(self) -> Evidence:
        """Each runs and is not known to be unhealthy or still starting."""
        return serving(self._runtime, self._names)


class Stopped(Killed):
    """Components that were stopped by their stop signal; they stay down until the lift.

    Args:
        grace: seconds between the stop signal and SIGKILL.
    """

    def __init__(self, runtime: Runtime, names: tuple[str, ...], grace: float = 10.0) -> None:
        super().__init__(runtime, names)
        self._grace = grace

    def start(self) -> None:
        """Stop them all."""
        for name in self._names:
            self._runtime.stop(name, timeout=self._grace)


class PauseInjection(Injection):
    """Components that are frozen; used by every fault that freezes one."""

    def __init__(self, runtime: Runtime, names: tuple[str, ...]) -> None:
        self._runtime, self._names = runtime, names

    def start(self) -> None:
        """Freeze them all."""
        for name in self._names:
            self._runtime.pause(name)

    def landed(self) -> Evidence:
        """The engine says that each is paused."""
        looks = []
        for name in self._names:
            status = self._runtime.state(name).status
            looks.append(Evidence(status == "paused", f"{name} is {status}", {name: status}))
        return together(looks, f"the engine says that {', '.join(self._names)} is paused")

    def lift(self) -> None:
        """Let those run on that are frozen."""
        for name in self._names:
            if self._runtime.state(name).status == "paused":
                self._runtime.resume(name)

    def gone(self) -> Evidence:
        """Each runs and is not known to be unhealthy."""
        # A health check that ran into the pause may call the component unhealthy for one more
        # interval: that is the fault's own echo, and the experiment looks again until its limit.
        return serving(self._runtime, self._names)


class _Restarted(Injection):
    def __init__(self, runtime: Runtime, names: tuple[str, ...], grace: float) -> None:
        self._runtime, self._names, self._grace = runtime, names, grace
        self._before: Mapping[str, str] = {name: runtime.state(name).started_at for name in names}

    def start(self) -> None:
        for name in self._names:
            self._runtime.restart(name, timeout=self._grace)

    def landed(self) -> Evidence:
        looks = []
        for name in self._names:
            now = self._runtime.state(name).started_at
            looks.append(
                Evidence(now != self._before[name], f"{name} has not been started again", {name: now})
            )
        return together(looks, f"{', '.join(self._names)} has a new start time")

    def lift(self) -> None:
        for name in self._names:
            if self._runtime.state(name).status not in ("running", "restarting"):
                self._runtime.start_component(name)

    def gone(self) -> Evidence:
        return serving(self._runtime, self._names)


def serving(runtime: Runtime, names: tuple[str, ...]) -> Evidence:
    """Each runs, is not known to be unhealthy or still starting, and its links let people through."""
    looks = []
    for name in names:
        state = runtime.state(name)
        seen = state.status if state.health is None else f"{state.status} and {state.health}"
        looks.append(Evidence(state.serving, f"{name} is {seen}", {name: seen}))
        behind = ", ".join(link.name for link in runtime.out_of_step(name))
        looks.append(Evidence(not behind, f"{behind} does not let anybody through to {name} yet"))
    return together(looks, f"{', '.join(names)} is running and healthy, and its links are open")
