"""A guest's changes are written ahead and always undone, and no other changes are undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaoskit.clock import ManualClock
from chaoskit.containers.attached.acts import Acts, Ledger
from chaoskit.errors import NotLifted, RuntimeFailure, UsageError
from chaoskit.interpose import Placed
from chaoskit.runtime import State, Toxic, Undo
from chaoskit.runtime.undolog import pending
from chaoskit.system import Link
from chaoskit.toxiproxy import ProxyState

LINK = Link("app", "cache", 6379)
PLACED = Placed(LINK, "toxiproxy", "10.0.0.5:6379", "cache:6379")
TOXIC = Toxic("slow", "latency", "downstream", {"latency": 1.0})


class World:
    """The engine, Toxiproxy and its cuts, as far as acts use them; each change notes the pending steps."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.states = {"app": State("running"), "cache": State("running")}
        self.proxy = ProxyState(LINK.proxy, "10.0.0.5:6379", "cache:6379", True)
        self.cuts: str | None = None
        self.written: list[str] = []
        """What was pending on disk at each change."""
        self.broken: set[str] = set()
        self.stillborn = False

    def changed(self, what: str) -> None:
        if what in self.broken:
            raise RuntimeFailure(f"{what} failed")
        self.written.append(" ".join(step.action for step in pending(self.log).values()))

    def state(self, component: str) -> State:
        return self.states[component]

    def _become(self, component: str, status: str) -> None:
        self.states[component] = replace(self.states[component], status=status)

    def kill(self, component: str) -> None:
        self.changed("kill")
        self._become(component, "exited")

    def start(self, component: str) -> None:
        self.changed("start")
        self._become(component, "exited" if self.stillborn else "running")

    def restart(self, component: str, timeout: float) -> None:
        self.changed("restart")

    def pause(self, component: str) -> None:
        self.changed("pause")
        self._become(component, "paused")

    def resume(self, component: str) -> None:
        self.changed("resume")
        self._become(component, "running")

    def everything(self, server: str) -> dict[str, ProxyState]:
        return {LINK.proxy: self.proxy}

    def add_toxic(self, server: str, proxy: str, toxic: Toxic) -> None:
        self.changed("add_toxic")

    def remove_toxic(self, server: str, proxy: str, name: str) -> None:
        self.changed("remove_toxic")

    def enable(self, server: str, proxy: str) -> None:
        self.changed("enable")
        self.proxy = replace(self.proxy, enabled=True)

    def reset(self) -> None:
        self.changed("reset")

    def cut(self, placed: Placed, how: str) -> None:
        self.changed("cut")
        self.cuts = how
        self.proxy = replace(self.proxy, enabled=how != "refuse")

    def mend(self, placed: Placed) -> None:
        """Mend as after a crash, without knowing that the link was refused."""
        self.changed("mend")
        self.cuts = None


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The objects that acts change."""
    return World(tmp_path / "run" / "attached.jsonl")


def acts(world: World) -> Acts:
    """The acts of a guest, or of the cleanup after it, which knows only the log."""
    any_of_them: Any = world
    return Acts(
        any_of_them,
        any_of_them,
        any_of_them,
        Ledger(world.log),
        {LINK.proxy: PLACED},
        ManualClock(),
    )


def test_every_change_is_on_disk_before_it_is_made(world: World) -> None:
    """Whenever the process dies, its changes are in the log."""
    guest = acts(world)
    guest.down("cache", lambda: world.kill("cache"))
    guest.pause("app")
    guest.add_toxic(PLACED, TOXIC)
    guest.cut(PLACED, "refuse")
    guest.resume("app")
    guest.restart("app", 1.0)
    assert world.written == [
        "start",
        "resume start",
        "remove_toxic resume start",
        "mend remove_toxic resume start",
        "mend remove_toxic resume start",
        "start mend remove_toxic start",
    ]


def test_another_process_undoes_all_of_it(world: World) -> None:
    """The log alone suffices, the last step first, and it tells which link was refused."""
    guest = acts(world)
    guest.pause("app")
    guest.down("cache", lambda: world.kill("cache"))
    guest.cut(PLACED, "refuse")
    acts(world).take_back()
    assert {each.status for each in world.states.values()} == {"running"}
    assert world.proxy.enabled
    assert pending(world.log) == {}


def test_what_fails_does_not_keep_the_rest_from_being_undone(world: World) -> None:
    """A step that fails stays in the log and is reported; the other steps are taken."""
    guest = acts(world)
    guest.pause("app")
    guest.down("cache", lambda: world.kill("cache"))
    world.broken = {"start"}
    with pytest.raises(NotLifted) as raised:
        guest.take_back()
    assert "start cache" in (raised.value.evidence or "")
    assert world.states["app"].status == "running"
    assert [step.action for step in pending(world.log).values()] == ["start"]


def test_a_component_that_does_not_come_back_is_not_done(world: World) -> None:
    """A start counts as done only when the component runs, not when the engine accepts the call."""
    guest = acts(world)
    guest.down("cache", lambda: world.kill("cache"))
    world.stillborn = True
    with pytest.raises(NotLifted, match="still has changes"):
        guest.take_back()
    assert [step.action for step in pending(world.log).values()] == ["start"]


def test_only_what_we_have_done_is_undone(world: World) -> None:
    """A component or link that its owner stopped, froze or disabled stays so."""
    guest = acts(world)
    world.states["cache"] = State("exited")
    world.states["app"] = State("paused")
    world.proxy = replace(world.proxy, enabled=False)
    guest.resume("app")
    guest.mend(PLACED)
    for step in (Undo("start", "cache"), Undo("resume", "app"), Undo("mend", LINK.proxy)):
        guest.take(step)
    with pytest.raises(UsageError, match="not taken down by this run"):
        guest.start("cache")
    guest.take_back()
    assert world.written == []


def test_nothing_is_taken_from_what_is_down_already(world: World) -> None:
    """A target that is already down is refused, because the lift would bring up what the owner took down."""
    guest = acts(world)
    world.states["cache"] = State("exited")
    world.proxy = replace(world.proxy, enabled=False)
    attempts: list[Callable[[], None]] = [
        lambda: guest.down("cache", lambda: world.kill("cache")),
        lambda: guest.pause("cache"),
        lambda: guest.restart("cache", 1.0),
        lambda: guest.add_toxic(PLACED, TOXIC),
        lambda: guest.cut(PLACED, "refuse"),
        lambda: guest.cut(PLACED, "silent"),
        lambda: guest.check([Undo("start", "app"), Undo("start", "cache")]),
        lambda: guest.check([Undo("resume", "cache")]),
        lambda: guest.check([Undo("mend", LINK.proxy, {"how": "refuse"})]),
        lambda: guest.check([Undo("remove_toxic", LINK.proxy, {"name": "slow"})]),
    ]
    for act in attempts:
        with pytest.raises(UsageError):
            act()
    assert world.written == []
    assert pending(world.log) == {}


def test_a_fault_that_can_be_injected_passes_the_check(world: World) -> None:
    """The check passes a fault that a guest can inject, and refuses one that a guest cannot."""
    guest = acts(world)
    guest.check([Undo("start", "cache"), Undo("resume", "app"), Undo("mend", LINK.proxy, {"how": "hang"})])
    with pytest.raises(UsageError, match="'silent'"):
        guest.check([Undo("mend", LINK.proxy, {"how": "silent"})])
    assert world.written == []


def test_what_is_not_needed_any_more_counts_as_done(world: World) -> None:
    """A step for a container that its owner has removed counts as taken."""
    guest = acts(world)
    guest.down("cache", lambda: world.kill("cache"))
    guest.take_back(needed=lambda step: False)
    assert world.states["cache"].status == "exited"
    assert pending(world.log) == {}


def test_a_cut_may_change_its_way(world: World) -> None:
    """A link that hangs is mended before it is refused, and the undo of the new cut replaces the old one."""
    guest = acts(world)
    guest.cut(PLACED, "hang")
    guest.cut(PLACED, "refuse")
    assert [step.detail for step in pending(world.log).values()] == [{"how": "refuse"}]
    guest.reset_links()
    assert world.proxy.enabled
    assert pending(world.log) == {}
