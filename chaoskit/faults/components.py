"""Faults of a component: it is killed, frozen or restarted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        """A component or a service of the system."""
        return unknown(self.component, runtime.components)

    def impact(self, runtime: Runtime) -> Impact:
        """Each component is lost."""
        return Impact(lost=frozenset(targets(self.component, runtime.components)))

    def _names(self, runtime: Runtime) -> tuple[str, ...]:
        return targets(self.component, runtime.components)


@dataclass(frozen=True)
class Kill(ComponentFault):
    """The component dies by SIGKILL and stays down until the lift, whatever its restart policy.

    For example, ``Kill("worker")`` kills every replica of the service ``worker``, and ``Kill("worker-1")``
    kills one of them.
    """

    evidence: ClassVar[str] = "the engine says that the component exited"

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start the component."""
        return tuple(Undo("start", name) for name in self._names(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Kill the component."""
        injection = Killed(runtime, self._names(runtime))
        injection.start()
        return injection


@dataclass(frozen=True)
class Pause(ComponentFault):
    """The component freezes until the lift: it keeps its connections and answers nothing.

    A frozen component refuses nothing, so a consumer without a time-out waits for as long as the fault
    lasts. For example, ``Pause("search")`` freezes the component ``search``.
    """

    evidence: ClassVar[str] = "the engine says that the component is paused"

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Resume the component."""
        return tuple(Undo("resume", name) for name in self._names(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Freeze the component."""
        injection = PauseInjection(runtime, self._names(runtime))
        injection.start()
        return injection


@dataclass(frozen=True)
class Restart(ComponentFault):
    """The component is stopped by its stop signal and started again, once.

    Every deploy and every move to another machine does this. The fault shows whether the component ends
    its work before it stops, and whether its consumers connect again. For example, ``Restart("api-1")``
    restarts one replica of ``api``.

    Attributes:
        grace: seconds between the stop signal and SIGKILL.
    """

    evidence: ClassVar[str] = "the engine says that the component has a new start time"

    grace: float = 10.0

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start the component, in case it stayed down."""
        return tuple(Undo("start", name) for name in self._names(runtime))

    def inject(self, runtime: Runtime) -> Injection:
        """Restart the component."""
        injection = _Restarted(runtime, self._names(runtime), self.grace)
        injection.start()
        return injection


class Killed(Injection):
    """Components that are down; used by every fault that kills one."""

    def __init__(self, runtime: Runtime, names: tuple[str, ...]) -> None:
        self._runtime, self._names = runtime, names

    def start(self) -> None:
        """Kill every one of them."""
        for name in self._names:
            self._runtime.kill(name)

    def landed(self) -> Evidence:
        """Whether the engine says that every one of them exited."""
        looks = []
        for name in self._names:
            state = self._runtime.state(name)
            down = state.status in ("exited", "dead", "missing")
            looks.append(Evidence(down, f"{name} is {state.status}", {name: state.status}))
        return together(looks, f"the engine says that {', '.join(self._names)} exited")

    def lift(self) -> None:
        """Start every component that is down."""
        for name in self._names:
            if self._runtime.state(name).status not in ("running", "restarting"):
                self._runtime.start_component(name)

    def gone(self) -> Evidence:
        """Whether every one of them serves again."""
        return serving(self._runtime, self._names)


class Stopped(Killed):
    """Components that are down until the lift, stopped by their stop signal.

    Args:
        grace: seconds between the stop signal and SIGKILL.
    """

    def __init__(self, runtime: Runtime, names: tuple[str, ...], grace: float = 10.0) -> None:
        super().__init__(runtime, names)
        self._grace = grace

    def start(self) -> None:
        """Stop every one of them."""
        for name in self._names:
            self._runtime.stop(name, timeout=self._grace)


class PauseInjection(Injection):
    """Components that are frozen; used by every fault that freezes one."""

    def __init__(self, runtime: Runtime, names: tuple[str, ...]) -> None:
        self._runtime, self._names = runtime, names

    def start(self) -> None:
        """Freeze every one of them."""
        for name in self._names:
            self._runtime.pause(name)

    def landed(self) -> Evidence:
        """Whether the engine says that every one of them is paused."""
        looks = []
        for name in self._names:
            status = self._runtime.state(name).status
            looks.append(Evidence(status == "paused", f"{name} is {status}", {name: status}))
        return together(looks, f"the engine says that {', '.join(self._names)} {_be(self._names)} paused")

    def lift(self) -> None:
        """Resume every component that is paused."""
        for name in self._names:
            if self._runtime.state(name).status == "paused":
                self._runtime.resume(name)

    def gone(self) -> Evidence:
        """Whether every one of them serves again."""
        # A health check that ran into the pause may call the component unhealthy for one more interval.
        # That is an echo of the fault itself, and the experiment looks again until its limit.
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
        return together(looks, f"the engine shows a new start time of {', '.join(self._names)}")

    def lift(self) -> None:
        for name in self._names:
            if self._runtime.state(name).status not in ("running", "restarting"):
                self._runtime.start_component(name)

    def gone(self) -> Evidence:
        return serving(self._runtime, self._names)


def serving(runtime: Runtime, names: tuple[str, ...]) -> Evidence:
    """Whether each component runs, is not known to be unhealthy or still starting, and is reachable."""
    looks = []
    for name in names:
        state = runtime.state(name)
        seen = state.status if state.health is None else f"{state.status} and {state.health}"
        looks.append(Evidence(state.serving, f"{name} is {seen}", {name: seen}))
        behind = ", ".join(link.name for link in runtime.out_of_step(name))
        looks.append(Evidence(not behind, f"{name} is not reachable over {behind} yet"))
    links = "its" if len(names) == 1 else "their"
    says = f"{', '.join(names)} {_be(names)} running and healthy, and {links} links are open"
    return together(looks, says)


def _be(names: Sequence[str]) -> str:
    """The verb for one name or for several: ``is`` or ``are``."""
    return "is" if len(names) == 1 else "are"
