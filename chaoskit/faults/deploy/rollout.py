"""Which release a component runs: what the engine says of it, and what it answers itself.

Rolling out a release: the steps, as plain functions over a runtime.
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
        started_at: the engine's time stamp of its last start.
        image, environment: what it was made from, and started with.
        version: what it answers; ``None`` where it does not answer or is not asked.
        trouble: why it did not answer.
    """

    started_at: str
    image: str
    environment: Mapping[str, str]
    version: str | None = None
    trouble: str = ""


def look(runtime: Runtime, component: str, port: int | None, path: str | None) -> Release:
    """Look at a component now; without a port or a path it is not asked."""
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
        NoAnswer: it does not answer, or not with 200.
    """
    answer = get(runtime, component, port, path)
    if answer.status != 200:
        raise NoAnswer(f"status {answer.status}")
    return version_of(answer.body)


def version_of(body: str) -> str:
    """The version in an answer: the text as it is or, of a JSON object, its ``version`` or
    ``release`` if it has one.
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
    """The component's port, if it has one only; else those of its ports that answer in HTTP."""
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
    """The variables with ``{n}`` replaced by a number, so that they differ from what is there.

    Args:
        environment: name → value, in which ``{n}`` may occur.
        number: the first number to try.
        current: the environments of the components now.
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
Each = Callable[[Callable[[str], None], Sequence[str]], None]
"""Does something for each of several components."""

_ENGINE = 60.0
"""Seconds that the engine's own part of one replica's replacement takes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """What is to be done, for each component.

    Attributes:
        batches: who is replaced together, in order; a batch is ready before the next one begins.
        stops_first: whether all are stopped before any is replaced.
        victim: who is killed and started again in the middle; ``None`` for nobody.
        kill_at: when: right after it was started, or once it is ready.
        image, environment: the new release.
        grace: seconds between a stop signal and SIGKILL.
        ready_within: seconds within which a new replica must be ready.
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
        """The components as they are replaced."""
        return tuple(name for batch in self.batches for name in batch)

    @property
    def limit(self) -> float:
        """Seconds after which the rollout has ended, well or not: each of its steps has a limit."""
        stops = len(self.batches) + (1 if self.stops_first else 0)
        waits = len(self.batches) + (1 if self.victim else 0)
        return stops * (self.grace + _ENGINE) + waits * self.ready_within + _ENGINE


def batches(strategy: Strategy, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Who is replaced together under a strategy.

    ``rolling``: one after the other. ``stop-start``: all. ``blue-green``: the second half, rounded
    up, then the others.
    """
    if strategy == "rolling":
        return tuple((name,) for name in names)
    if strategy == "stop-start":
        return (tuple(names),)
    half = len(names) // 2
    return tuple(batch for batch in (tuple(names[half:]), tuple(names[:half])) if batch)


def at_once(do: Callable[[str], None], names: Sequence[str]) -> None:
    """For all of them at the same time; returns when all have ended.

    Raises:
        ChaoskitError: the first that failed; its evidence names the others that did.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(names)), thread_name_prefix="chaoskit-deploy") as pool:
        futures = [pool.submit(do, name) for name in names]
    errors = [error for each in futures if (error := each.exception()) is not None]
    for error in errors:
        if isinstance(error, ChaoskitError):
            others = [f"also: {other}" for other in errors if other is not error]
            error.evidence = "\n".join([*filter(None, [error.evidence]), *others]) or None
        raise error


def roll_out(runtime: Runtime, plan: RolloutPlan, tell: Callable[[str], None], each: Each = at_once) -> None:
    """Carry out a plan; on return all components run the new release and are ready.

    Args:
        runtime: where.
        plan: what.
        tell: takes a line for each step that was taken; may be called from several threads.
        each: does something for each component of a batch.

    Raises:
        NotReady: a component was not ready within its time; those after it are left as they were.
        ChaoskitError: the runtime failed.
    """

    def replace(name: str) -> None:
        runtime.replace(name, image=plan.image, environment=plan.environment, grace=plan.grace)
        tell(f"{name} replaced")
        if plan.kill_at == "starting" and name == plan.victim:
            _hit(runtime, name, tell)

    if plan.stops_first:
        each(lambda name: runtime.stop(name, plan.grace), plan.order)
        tell(f"{', '.join(plan.order)} stopped")
    for batch in plan.batches:
        each(replace, batch)
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
    """After a rollout that failed: all components on the release before, one after the other.

    Args:
        runtime, plan: as for :func:`roll_out`.
        before: component → what it was before the rollout.
        new: whether a component was replaced.

    Returns:
        What went wrong, a line for each component that it went wrong with.
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
