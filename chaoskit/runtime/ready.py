"""Waiting until components serve: pure conditions, looked at on a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chaoskit.clock import Clock
from chaoskit.errors import NotReady
from chaoskit.runtime import State

POLL = 0.05
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a component at one moment.

    Attributes:
        state: what the engine says.
        restart: its restart policy: ``no``, ``on-failure``, ``always`` or ``unless-stopped``.
        absent: ports that it is expected to serve and that do not listen.
        unproven: it has just started, and neither a health check nor a port can tell that it works.
    """

    state: State
    restart: str = "no"
    absent: tuple[int, ...] = ()
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a component is not ready.

    Attributes:
        condition: what is missing, to be read after "waiting until".
        hopeless: whether waiting cannot help.
    """

    condition: str
    hopeless: bool = False


def obstacle(look: Look) -> Obstacle | None:
    """What stands between a component and being ready; ``None`` if it is ready.

    Ready means running, healthy where there is a health check, and listening on every port that
    is expected of it. A component that has ended with exit code 0 and is not to be restarted has
    done its work: that is ready too.
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
    look: Callable[[], Mapping[str, Look]],
    clock: Clock,
    timeout: float,
    evidence: Callable[[str], str],
    *,
    interrupted: Callable[[], None] = lambda: None,
) -> None:
    """Look again and again until every component is ready.

    Args:
        look: what is seen now, by component.
        timeout: seconds.
        evidence: a component's state and last output, for the error.
        interrupted: called between two looks; raises to end the waiting.

    Raises:
        NotReady: at the limit, or as soon as waiting cannot help.
    """
    begun = clock.now()
    while True:
        seen = look()
        obstacles = {name: found for name, each in seen.items() if (found := obstacle(each)) is not None}
        if not obstacles:
            return
        hopeless = [name for name, each in obstacles.items() if each.hopeless]
        late = clock.now() - begun >= timeout
        if hopeless or late:
            raise _not_ready(
                hopeless or list(obstacles), obstacles, seen, timeout, clock.now() - begun, evidence
            )
        interrupted()
        clock.sleep(min(POLL, max(0.0, timeout - (clock.now() - begun))))


def describe(state: State) -> str:
    """A state in one line, as an error shows it."""
    words = [state.status]
    if state.exit_code is not None and state.status != "running":
        words.append(f"exit code {state.exit_code}")
    if state.out_of_memory:
        words.append("killed for memory")
    if state.health is not None:
        words.append(f"health {state.health}")
    if state.restarts:
        words.append(f"restarted {state.restarts} times")
    return ", ".join(words)


def _not_ready(
    names: list[str],
    obstacles: Mapping[str, Obstacle],
    seen: Mapping[str, Look],
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
        lines.append(f"not ready either: {waiting}")
    if told := evidence(first):
        lines.append(told)
    return NotReady(
        what,
        where=f"component {first}",
        limit=f"gave up after {waited:.1f} s of {timeout:.3g} s" if given_up else f"{timeout:.3g} s",
        evidence="\n".join(lines),
        remedy="mend the component, or give the system more time with ready_timeout"
        if not given_up
        else "its last output says why; a service that ends must do so with exit code 0",
    )
