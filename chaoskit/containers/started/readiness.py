"""Waiting until components are ready: pure conditions, and the looks at the engine that feed them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from chaoskit.clock import Clock
from chaoskit.containers.engine.client import state_of
from chaoskit.containers.engine.lifecycle import Lifecycle
from chaoskit.containers.started.proxies import Proxies
from chaoskit.containers.started.watch import Watcher
from chaoskit.errors import ChaoskitError, NotReady
from chaoskit.runtime import State

LOOK_INTERVAL = 0.05
"""Seconds between two looks at the components."""


@dataclass(frozen=True, slots=True)
class ReadinessLook:
    """One look at a component, with all that decides whether it is ready.

    Attributes:
        state: what the engine says.
        restart: its restart policy: ``no``, ``on-failure``, ``always`` or ``unless-stopped``.
        absent: expected ports on which nothing listens.
        unproven: whether it has just started and neither a health check nor a port shows that it works.
    """

    state: State
    restart: str = "no"
    absent: tuple[int, ...] = ()
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a component is not ready.

    Attributes:
        condition: what is missing, worded to follow "waited until".
        hopeless: whether more waiting cannot help.
    """

    condition: str
    hopeless: bool = False


def obstacle(look: ReadinessLook) -> Obstacle | None:
    """Why a component is not ready; ``None`` if it is ready.

    A component is ready if it runs, passes its health check if it has one, and listens on every
    expected port. A component that ended with exit code 0, and whose policy does not restart it,
    has done its work and is ready too.
    """
    state = look.state
    if state.status in ("exited", "dead"):
        if look.restart == "no" and state.exit_code == 0:
            return None
        comes_back = look.restart in ("always", "unless-stopped")
        comes_back = comes_back or (look.restart.startswith("on-failure") and state.exit_code != 0)
        if look.restart.startswith("on-failure") and state.exit_code == 0:
            return None
        return Obstacle("it runs", hopeless=not comes_back)
    if state.status != "running":
        return Obstacle("it runs")
    if state.health not in (None, "healthy"):
        return Obstacle("its health check passes")
    if look.absent:
        ports = ", ".join(map(str, look.absent))
        return Obstacle(f"it listens on port{'s' if len(look.absent) > 1 else ''} {ports}")
    if look.unproven:
        return Obstacle("it stays up")
    return None


def wait(
    look: Callable[[], Mapping[str, ReadinessLook]],
    clock: Clock,
    timeout: float,
    evidence: Callable[[str], str],
    *,
    interrupted: Callable[[], None] = lambda: None,
) -> None:
    """Look again and again until every component is ready.

    Args:
        look: returns the present look at each component.
        clock: times the wait.
        timeout: seconds.
        evidence: returns a component's state and last output, for the error.
        interrupted: called between two looks; raises to end the wait.

    Raises:
        NotReady: the time is over, or more waiting cannot help.
    """
    began = clock.now()
    while True:
        seen = look()
        obstacles = {name: found for name, each in seen.items() if (found := obstacle(each)) is not None}
        if not obstacles:
            return
        hopeless = [name for name, each in obstacles.items() if each.hopeless]
        late = clock.now() - began >= timeout
        if hopeless or late:
            raise _not_ready(
                hopeless or list(obstacles), obstacles, seen, timeout, clock.now() - began, evidence
            )
        interrupted()
        clock.sleep(min(LOOK_INTERVAL, max(0.0, timeout - (clock.now() - began))))


def describe(state: State) -> str:
    """A state in one line, for an error."""
    words = [state.status]
    if state.exit_code is not None and state.status != "running":
        words.append(f"exit code {state.exit_code}")
    if state.out_of_memory:
        words.append("killed because it ran out of memory")
    if state.health is not None:
        words.append(f"health {state.health}")
    if state.restarts:
        words.append(f"restarted {state.restarts} times")
    return ", ".join(words)


def _not_ready(
    names: list[str],
    obstacles: Mapping[str, Obstacle],
    seen: Mapping[str, ReadinessLook],
    timeout: float,
    waited: float,
    evidence: Callable[[str], str],
) -> NotReady:
    first = names[0]
    given_up = obstacles[first].hopeless
    what = f"{first} is not ready: waited until {obstacles[first].condition}"
    if given_up:
        what = f"{first} has ended and nothing restarts it: {describe(seen[first].state)}"
    lines = [f"state: {describe(seen[first].state)}"]
    if others := [name for name in obstacles if name != first]:
        waiting = ", ".join(f"{name} (until {obstacles[name].condition})" for name in others)
        lines.append(f"also not ready: {waiting}")
    if last_output := evidence(first):
        lines.append(last_output)
    return NotReady(
        what,
        where=f"component {first}",
        limit=f"gave up after {waited:.1f} s of {timeout:.3g} s" if given_up else f"{timeout:.3g} s",
        evidence="\n".join(lines),
        remedy="repair the component, or give the system more time with ready_timeout"
        if not given_up
        else "read its last output above; a service that is meant to end must end with exit code 0",
    )


OTHER_PORTS_GRACE = 5.0
"""Seconds that a component which serves some of its ports has to listen on the others."""
INSPECTION_INTERVAL = 2.0
"""Seconds after which a component is inspected again although the engine reported no event."""
PROVEN_AFTER, PROVEN_AFTER_RESTART = 1.0, 3.0
"""Seconds that a component must run before running alone proves that it works; more after a restart."""
_OUTPUT_LINES = 10
"""Lines of a component's output, and of its health check's, that an error shows."""


class Readiness:
    """Tells whether components are ready, from what the watcher has seen.

    Args:
        watcher, proxies, lifecycle: those of the run.
        expected: component → the ports on which it must listen to be ready.
        clock: the run's clock.
    """

    def __init__(
        self,
        watcher: Watcher,
        proxies: Proxies,
        lifecycle: Lifecycle,
        expected: Mapping[str, frozenset[int]],
        clock: Clock,
    ) -> None:
        self._watcher = watcher
        self._proxies = proxies
        self._lifecycle = lifecycle
        self._expected = expected
        self._clock = clock
        self._serving_since: dict[str, float] = {}
        self._started: dict[str, tuple[str, float]] = {}
        self._unserved: dict[str, frozenset[int]] = {}

    def wait(
        self, names: Iterable[str], timeout: float, *, interrupted: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until the components are ready; each is inspected anew for this call.

        Args:
            names: the components.
            timeout: seconds.
            interrupted: called again and again; raises to end the wait.

        Raises:
            NotReady: with the component, the condition, the limit, its state and its last output.
        """
        inspected_at = dict.fromkeys(names, -INSPECTION_INTERVAL)

        def look() -> dict[str, ReadinessLook]:
            now = self._clock.now()
            if stale := [name for name, at in inspected_at.items() if now - at >= INSPECTION_INTERVAL]:
                inspected_at.update(dict.fromkeys(stale, now))
                for name in stale:
                    self._watcher.refresh(name)
            return {name: self._look(name) for name in inspected_at}

        wait(look, self._clock, timeout, self._evidence, interrupted=interrupted)

    def warnings(self) -> list[str]:
        """Declared ports on which nothing listens, each one sentence."""
        return [
            f"{name} declares port {port}, but nothing listened on it when the component was ready"
            for name, ports in sorted(self._unserved.items())
            for port in sorted(ports - self._proxies.listening(name))
        ]

    def culprits(self, names: Iterable[str]) -> str:
        """The state and the last output of every component that has failed or is unhealthy."""
        lines = []
        for name in names:
            state = state_of(self._watcher.refresh(name))
            if state.exit_code or state.health == "unhealthy":
                lines += [f"{name}: {describe(state)}", *self._evidence(name).splitlines()]
        return "\n".join(lines)

    def _look(self, name: str) -> ReadinessLook:
        inspected = self._watcher.inspected(name)
        policy = ((inspected.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "no"
        state = state_of(inspected)
        absent = tuple(sorted(self._absent(name, state)))
        return ReadinessLook(state, policy, absent, self._unproven(name, state))

    def _unproven(self, name: str, state: State) -> bool:
        """Whether a component has just started and has shown nothing else, so that it may still crash."""
        if state.health is not None or self._expected.get(name, frozenset()) & self._proxies.listening(name):
            return False
        now = self._clock.now()
        started_at, seen = self._started.get(name, ("", now))
        if started_at != state.started_at:
            seen = now
        self._started[name] = state.started_at, seen
        return now - seen < (PROVEN_AFTER_RESTART if state.restarts else PROVEN_AFTER)

    def _absent(self, name: str, state: State) -> frozenset[int]:
        """The expected ports on which nothing listens yet.

        Some users publish ports on which nothing listens, such as a debugger's. So once a component
        serves some of its ports, or passes its own health check, the other ports are waited for only
        :data:`OTHER_PORTS_GRACE` seconds.
        """
        expected = self._expected.get(name, frozenset())
        reachable = self._proxies.reachable(name)
        absent, now = expected - reachable, self._clock.now()
        if not absent or not (expected & reachable or state.health == "healthy"):
            self._serving_since.pop(name, None)
            return absent
        if now - self._serving_since.setdefault(name, now) < OTHER_PORTS_GRACE:
            return absent
        self._unserved[name] = absent
        return frozenset()

    def _evidence(self, name: str) -> str:
        lines = []
        inspected = self._watcher.inspected(name)
        checks = ((inspected.get("State") or {}).get("Health") or {}).get("Log") or ()
        if checks:
            lines.append(f"its last health check ended with exit code {checks[-1]['ExitCode']} and printed:")
            lines += [f"  {line}" for line in str(checks[-1]["Output"]).splitlines()[-_OUTPUT_LINES:]]
        try:
            output = self._lifecycle.logs(name, _OUTPUT_LINES)
        except ChaoskitError as error:
            output = error.what
        lines.append("its last output:" if output else "it printed nothing")
        lines += [f"  {line}" for line in output.splitlines()]
        if failure := self._watcher.failure or self._proxies.failure:
            lines.append(f"chaoskit cannot keep the links in step: {failure.what}")
        return "\n".join(lines)
