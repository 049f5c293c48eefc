"""What is seen of the running system now and then, for the screen: components, and links at fault."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.errors import ChaoskitError
from chaoskit.gameday.lifting import Active
from chaoskit.runtime import Runtime, Toxic


@dataclass(frozen=True, slots=True)
class ComponentLook:
    """A component.

    Attributes:
        name: its name.
        well: whether it serves.
        says: its state in words: ``running``, ``exited (137)``.
    """

    name: str
    well: bool
    says: str


@dataclass(frozen=True, slots=True)
class Looks:
    """One look at everything.

    Attributes:
        components: all, those that do not serve first.
        links: the links that carry a toxic or a cut, each with what it is, as read back.
    """

    components: tuple[ComponentLook, ...] = ()
    links: tuple[str, ...] = ()


def look(runtime: Runtime, active: list[Active]) -> Looks:
    """Look once. What cannot be looked at says so; it takes as long as the engine takes."""
    seen = [_component(runtime, each.name) for each in runtime.components]
    seen.sort(key=lambda each: each.well)
    return Looks(tuple(seen), tuple(_links(runtime, active)))


def _component(runtime: Runtime, name: str) -> ComponentLook:
    try:
        state = runtime.state(name)
    except ChaoskitError as error:
        return ComponentLook(name, False, f"cannot be seen: {error.what}")
    says = state.health if state.status == "running" and state.health else state.status
    if state.exit_code is not None and state.status in ("exited", "dead"):
        says = f"{state.status} ({state.exit_code})"
    finished = state.status == "exited" and state.exit_code == 0
    return ComponentLook(name, state.serving or finished, "finished" if finished else says)


def _links(runtime: Runtime, active: list[Active]) -> list[str]:
    """Cuts are read back all at once; toxics on the links that an active fault is about."""
    found = []
    try:
        found += [f"{link.name} cut: {how}" for link, how in runtime.cuts().items()]
        touched = {
            step.target for each in active for step in each.injector.steps if step.action == "remove_toxic"
        }
        for link in runtime.links:
            if link.proxy in touched:
                found += [f"{link.name} {_toxic(each)}" for each in runtime.toxics(link)]
    except ChaoskitError as error:
        found.append(f"links cannot be read: {error.what}")
    return found


def _toxic(toxic: Toxic) -> str:
    named = ((key if key != toxic.kind else "", value) for key, value in toxic.attributes.items() if value)
    told = ", ".join(f"{key} {value:g}".strip() for key, value in named)
    return f"{toxic.kind} {told}".strip()
