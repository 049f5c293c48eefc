"""Which release a component runs: what the engine says of it, and what it answers itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaoskit.engines.http import NoAnswer, get
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
