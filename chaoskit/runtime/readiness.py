"""What is looked at, on the engine, to tell whether components are ready; the waiting is in ``ready``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from chaoskit.clock import Clock
from chaoskit.errors import ChaoskitError
from chaoskit.runtime import State
from chaoskit.runtime.engine import state_of
from chaoskit.runtime.lifecycle import Lifecycle
from chaoskit.runtime.proxies import Proxies
from chaoskit.runtime.ready import Look, describe, wait
from chaoskit.runtime.watch import Watcher

GRACE = 5.0
"""Seconds for which a component that serves already is waited for to listen on its other ports."""
STALE = 2.0
"""Seconds after which the engine is asked again although no event came."""
PROVEN, PROVEN_AGAIN = 1.0, 3.0
"""Seconds for which a component runs before that alone counts; the second once it was restarted."""
_LINES = 10


class Readiness:
    """Looks at components through the watcher's eyes.

    Args:
        watcher, proxies, lifecycle: those of the run.
        expected: component → the ports without which it is not ready.
        clock: the clock of the run.
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
        """Wait until the components serve; what the watcher has seen before this call does not count.

        Args:
            names: the components.
            timeout: seconds.
            interrupted: called again and again; raises to end the waiting.

        Raises:
            NotReady: with the component, the condition, the limit, its state and its last output.
        """
        asked = dict.fromkeys(names, -STALE)

        def look() -> dict[str, Look]:
            now = self._clock.now()
            if stale := [name for name, at in asked.items() if now - at >= STALE]:
                asked.update(dict.fromkeys(stale, now))
                for name in stale:
                    self._watcher.refresh(name)
            return {name: self._look(name) for name in asked}

        wait(look, self._clock, timeout, self._evidence, interrupted=interrupted)

    def warnings(self) -> list[str]:
        """Ports that are declared and that nothing listens on."""
        return [
            f"{name} declares port {port}, but nothing listened on it when the component was ready"
            for name, ports in sorted(self._unserved.items())
            for port in sorted(ports - self._proxies.listening(name))
        ]

    def culprits(self, names: Iterable[str]) -> str:
        """The state and the last words of every component that has failed or is unhealthy."""
        told = []
        for name in names:
            state = state_of(self._watcher.refresh(name))
            if state.exit_code or state.health == "unhealthy":
                told += [f"{name}: {describe(state)}", *self._evidence(name).splitlines()]
        return "\n".join(told)

    def _look(self, name: str) -> Look:
        inspected = self._watcher.inspected(name)
        policy = ((inspected.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name") or "no"
        state = state_of(inspected)
        absent = tuple(sorted(self._absent(name, state)))
        return Look(state, policy, absent, self._unproven(name, state))

    def _unproven(self, name: str, state: State) -> bool:
        """Whether all that is known of a component is that it has just started: it may crash yet."""
        if state.health is not None or self._expected.get(name, frozenset()) & self._proxies.listening(name):
            return False
        now = self._clock.now()
        started_at, seen = self._started.get(name, ("", now))
        if started_at != state.started_at:
            seen = now
        self._started[name] = state.started_at, seen
        return now - seen < (PROVEN_AGAIN if state.restarts else PROVEN)

    def _absent(self, name: str, state: State) -> frozenset[int]:
        """The expected ports that do not listen yet.

        People publish ports that nothing listens on (a debugger's), so once a component serves
        some of its ports, or is healthy by its own health check, the others have a while only.
        """
        expected = self._expected.get(name, frozenset())
        reachable = self._proxies.reachable(name)
        absent, now = expected - reachable, self._clock.now()
        if not absent or not (expected & reachable or state.health == "healthy"):
            self._serving_since.pop(name, None)
            return absent
        if now - self._serving_since.setdefault(name, now) < GRACE:
            return absent
        self._unserved[name] = absent
        return frozenset()

    def _evidence(self, name: str) -> str:
        lines = []
        inspected = self._watcher.inspected(name)
        checks = ((inspected.get("State") or {}).get("Health") or {}).get("Log") or ()
        if checks:
            lines.append(f"its last health check ended with {checks[-1]['ExitCode']} and said:")
            lines += [f"  {line}" for line in str(checks[-1]["Output"]).splitlines()[-_LINES:]]
        try:
            output = self._lifecycle.logs(name, _LINES)
        except ChaoskitError as error:
            output = error.what
        lines.append("its last output:" if output else "it has printed nothing")
        lines += [f"  {line}" for line in output.splitlines()]
        if failure := self._watcher.failure or self._proxies.failure:
            lines.append(f"chaoskit cannot keep the links in step: {failure.what}")
        return "\n".join(lines)
