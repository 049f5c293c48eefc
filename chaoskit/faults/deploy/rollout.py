"""A rollout as plain functions over a runtime: which release each component runs, and how to replace it.

A look at a component joins what the engine says of it and the version that the component answers itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from chaoskit.clients.http import NoAnswer, get
from chaoskit.errors import ChaoskitError
from chaoskit.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Release:
    """One look at a component.

    Attributes:
        started_at: the engine's time stamp of the component's last start.
        image: the image that it was made from.
        environment: the variables that it was started with.
        version: the version that it answers; ``None`` where it does not answer or is not asked.
        trouble: why it does not answer; empty if it does.
    """

    started_at: str
    image: str
    environment: Mapping[str, str]
    version: str | None = None
    trouble: str = ""


def look(runtime: Runtime, component: str, port: int | None, path: str | None) -> Release:
    """Look at a component now; without a port or a path it is not asked for its version."""
    state = runtime.state(component)
    version, trouble = None, ""
    if port is not None and path is not None:
        try:
            version = ask(runtime, component, port, path)
        except NoAnswer as error:
            trouble = str(error)
    return Release(state.started_at, state.image, runtime.environment(component), version, trouble)


def ask(runtime: Runtime, component: str, port: int, path: str) -> str:
    """The version that a component answers with.

    Raises:
        NoAnswer: the component does not answer, or answers with another status than 200.
    """
    answer = get(runtime, component, port, path)
    if answer.status != 200:
        raise NoAnswer(f"status {answer.status}")
    return version_of(answer.body)


def version_of(body: str) -> str:
    """The version in an answer: the whole text or, of a JSON object, its ``version`` or ``release`` if it
    has one.
    """
    text = body.strip()
    try:
        told = json.loads(text)
    except ValueError:
        return text
    if isinstance(told, dict):
        told = next((told[key] for key in ("version", "release") if key in told), told)
    return told if isinstance(told, str) else json.dumps(told, sort_keys=True)


def http_ports(runtime: Runtime, component: str, path: str) -> tuple[int, ...]:
    """The port of a component that has only one, else those of its ports that answer in HTTP."""
    ports = runtime.ports(component)
    if len(ports) < 2:
        return ports
    return tuple(port for port in ports if _speaks_http(runtime, component, port, path))


def _speaks_http(runtime: Runtime, component: str, port: int, path: str) -> bool:
    try:
        get(runtime, component, port, path)
    except NoAnswer:
        return False
    return True


def rendered(
    environment: Mapping[str, str], number: int, current: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """The variables, with ``{n}`` replaced by a number that makes them new to every component.

    Args:
        environment: name → value, in which ``{n}`` may occur.
        number: the first number to try.
        current: the environment of each component now.
    """
    while True:
        values = {name: value.replace("{n}", str(number)) for name, value in environment.items()}
        counted = values != dict(environment)
        if not counted or not any(runs(given, values) for given in current):
            return values
        number += 1


def runs(given: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether an environment has all of the variables, with these values."""
    return all(given.get(name) == value for name, value in wanted.items())


Strategy = Literal["rolling", "stop-start", "blue-green"]
KillAt = Literal["starting", "serving"]
ForEach = Callable[[Callable[[str], None], Sequence[str]], None]
"""Calls a function for each of several components."""

_MOST_ENGINE_SECONDS = 60.0
"""The most seconds that the engine itself takes to replace one replica."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """What a rollout replaces, in which order, and by what.

    Attributes:
        batches: the components that are replaced together, in order; each batch is ready before the next one.
        stops_first: whether all components are stopped before any is replaced.
        victim: the component that is killed and started again in the middle; ``None`` for none.
        kill_at: when it is killed: right after its start, or once it is ready.
        image, environment: the new release; with ``None`` the image stays the same.
        grace: seconds between a stop signal and SIGKILL.
        ready_within: seconds within which each new replica must be ready.
    """

    batches: tuple[tuple[str, ...], ...]
    stops_first: bool = False
    victim: str | None = None
    kill_at: KillAt | None = None
    image: str | None = None
    environment: Mapping[str, str]
    grace: float
    ready_within: float

    @property
    def order(self) -> tuple[str, ...]:
        """The components in the order of their replacement."""
        return tuple(name for batch in self.batches for name in batch)

    @property
    def limit(self) -> float:
        """Seconds after which the rollout has ended, well or not, because each of its steps has a limit."""
        stops = len(self.batches) + (1 if self.stops_first else 0)
        waits = len(self.batches) + (1 if self.victim else 0)
        return stops * (self.grace + _MOST_ENGINE_SECONDS) + waits * self.ready_within + _MOST_ENGINE_SECONDS


def batches(strategy: Strategy, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The components that a strategy replaces together, in order.

    ``rolling``: one after the other. ``stop-start``: all. ``blue-green``: the second half, rounded up, then
    the first half.
    """
    if strategy == "rolling":
        return tuple((name,) for name in names)
    if strategy == "stop-start":
        return (tuple(names),)
    half = len(names) // 2
    return tuple(batch for batch in (tuple(names[half:]), tuple(names[:half])) if batch)


def at_once(do: Callable[[str], None], names: Sequence[str]) -> None:
    """Call a function for all components at the same time; returns once all calls have ended.

    Raises:
        ChaoskitError: the first call that failed; its evidence names the others that failed.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(names)), thread_name_prefix="chaoskit-deploy") as pool:
        futures = [pool.submit(do, name) for name in names]
    errors = [error for each in futures if (error := each.exception()) is not None]
    for error in errors:
        if isinstance(error, ChaoskitError):
            others = [f"also: {other}" for other in errors if other is not error]
            error.evidence = "\n".join([*filter(None, [error.evidence]), *others]) or None
        raise error


def roll_out(
    runtime: Runtime, plan: RolloutPlan, tell: Callable[[str], None], for_each: ForEach = at_once
) -> None:
    """Carry out a plan; on return all components run the new release and are ready.

    Args:
        runtime: the runtime of the system.
        plan: the rollout.
        tell: takes one line for each step; may be called from several threads.
        for_each: calls a function for each component of a batch.

    Raises:
        NotReady: a component was not ready in time; the components after it are left as they were.
        ChaoskitError: the runtime failed.
    """

    def replace(name: str) -> None:
        runtime.replace(name, image=plan.image, environment=plan.environment, grace=plan.grace)
        tell(f"{name} replaced")
        if plan.kill_at == "starting" and name == plan.victim:
            _hit(runtime, name, tell)

    if plan.stops_first:
        for_each(lambda name: runtime.stop(name, plan.grace), plan.order)
        tell(f"{', '.join(plan.order)} stopped")
    for batch in plan.batches:
        for_each(replace, batch)
        runtime.wait_ready(batch, plan.ready_within)
        if plan.kill_at == "serving" and plan.victim in batch:
            _hit(runtime, plan.victim, tell)
            runtime.wait_ready([plan.victim], plan.ready_within)
        tell(f"{', '.join(batch)} ready")


def _hit(runtime: Runtime, name: str, tell: Callable[[str], None]) -> None:
    state = runtime.state(name)
    runtime.kill(name)
    runtime.start_component(name)
    tell(f"{name} killed (it was {state.health or state.status}) and started")


def roll_back(
    runtime: Runtime, plan: RolloutPlan, before: Mapping[str, Release], new: Callable[[str], bool]
) -> list[str]:
    """Bring all components back to the release before a rollout that failed, one after the other.

    Args:
        runtime, plan: as for :func:`roll_out`.
        before: component → its release before the rollout.
        new: tells whether a component was replaced.

    Returns:
        One line for each component that could not be brought back, with the reason.
    """
    failed = []
    for name in plan.order:
        former = before[name]
        try:
            if new(name):
                variables = {each: former.environment.get(each) for each in plan.environment}
                old = former.image if plan.image is not None else None
                runtime.replace(name, image=old, environment=variables, grace=plan.grace)
            elif runtime.state(name).status not in ("running", "restarting"):
                runtime.start_component(name)
            runtime.wait_ready([name], plan.ready_within)
        except ChaoskitError as error:
            failed.append(f"{name}: {error.what}")
    return failed
