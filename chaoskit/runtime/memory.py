"""A runtime that exists in memory only, on a manual clock: for tests of the harness and of faults.

Nothing runs. Components have states, links have toxics and cuts, and each call changes them at
once. Its contract is tested against the Docker runtime by the same tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from chaoskit.clock import ManualClock
from chaoskit.errors import NotReady, RuntimeFailure, UsageError
from chaoskit.flood import FloodPlan
from chaoskit.runtime import Cut, Exchange, Executed, LogLine, State, Toxic, Undo, Until
from chaoskit.runtime.scripted import Script, ScriptedFlood, passed, served
from chaoskit.system import OUTSIDE, Component, Impact, Link


class MemoryMeter:
    """A meter that reads what its runtime says."""

    def __init__(self, asked: Callable[[], int]) -> None:
        self._asked, self._start = asked, asked()

    def read(self) -> int:
        """Requests since it was made."""
        return self._asked() - self._start

    def close(self) -> None:
        """Nothing to remove."""


class MemoryRuntime:
    """Components and links in memory; see :class:`chaoskit.runtime.Runtime` for each method.

    Args:
        components: names of components; ``api-1`` and ``api-2`` are replicas of ``api`` if so given
            as ``api-1=api``.
        links: (consumer, provider, port) triples.
        entry: the ``component:port`` that is published.
        environments: component → its environment.
        clock: the clock; a manual one.
    """

    def __init__(
        self,
        components: Sequence[str],
        links: Sequence[tuple[str, str, int]] = (),
        *,
        entry: str = "",
        environments: Mapping[str, Mapping[str, str]] | None = None,
        clock: ManualClock | None = None,
        run_id: str = "memory",
    ) -> None:
        self.run_id = run_id
        self.clock = clock or ManualClock()
        pairs = [name.partition("=")[::2] for name in components]
        self.components = tuple(Component(name, service or name) for name, service in pairs)
        self.links = tuple(Link(*link) for link in links)
        self.entries: Mapping[str, str] = {entry: "127.0.0.1:1"} if entry else {}
        self.knows_all_links = True
        self.refuses: dict[str, str] = {}
        """Operations that fail, with what they say: ``{"mend": "the API hangs"}``."""
        self.log: list[str] = []
        """What was done, in order."""
        self.started = False
        self.flood_script: Script = served
        """What floods tell."""
        self.asked: Callable[[Sequence[Link]], int] = lambda links: 0
        """How much was ever asked over some links."""
        self.releases: list[tuple[str, str | None, Mapping[str, str | None]]] = []
        """What components were replaced by, in order: component, image and changed variables."""
        self.passage = 0.0004
        """Seconds that an exchange over a link takes by itself."""
        self.mute: set[str] = set()
        """Providers that take what is said, and answer nothing."""
        self.shared: dict[str, tuple[str, ...]] = {}
        """Component → those that share a namespace with it."""
        self._environments = {name: dict(given) for name, given in (environments or {}).items()}
        self._states = {each.name: State("created", image="image:1") for each in self.components}
        self._toxics: dict[Link, dict[str, Toxic]] = {link: {} for link in self.links}
        self._cuts: dict[Link, Cut] = {}

    def _do(self, operation: str, target: str = "") -> None:
        self.log.append(f"{operation} {target}".strip())
        if operation in self.refuses:
            raise RuntimeFailure(f"{operation} failed", where=target, evidence=self.refuses[operation])

    def _change(self, component: str, change: Callable[[State], State]) -> None:
        self._states[component] = change(self.state(component))

    def start(self) -> None:
        """Everything runs."""
        self._do("start")
        self.started = True
        for each in self.components:
            self.start_component(each.name)

    def close(self) -> None:
        """Everything is gone."""
        self.log.append("close")
        self.started = False
        self._states = {each.name: State("missing") for each in self.components}

    def permit(self, steps: Sequence[Undo], impact: Impact) -> None:
        """What :attr:`refuses` under ``permit`` says may not be done; else everything."""
        if "permit" in self.refuses:
            raise UsageError(self.refuses["permit"])

    def state(self, component: str) -> State:
        """Its state."""
        if component not in self._states:
            raise RuntimeFailure(f"there is no component {component!r}", where=self.run_id)
        return self._states[component]

    def logs(self, component: str, lines: int = 20) -> str:
        """Nothing is ever logged."""
        return ""

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        """Nothing is ever logged."""
        return ()

    def wall_offset(self) -> float:
        """The manual clock began in 1970."""
        return 0.0

    def stats(self, component: str) -> Mapping[str, float]:
        """Nothing is ever used."""
        return {"cpu_seconds": 0.0, "memory_bytes": 0.0, "processes": 0.0}

    def environment(self, component: str) -> Mapping[str, str]:
        """As given, and changed by its releases."""
        return dict(self._environments.get(component, {}))

    def address(self, component: str, port: int) -> tuple[str, int]:
        """Nobody listens there."""
        return ("127.0.0.1", 1)

    def ports(self, component: str) -> tuple[int, ...]:
        """The ports that links lead to."""
        return tuple(sorted({link.port for link in self.links if link.provider == component}))

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> Executed:
        """Nothing happens, successfully."""
        self._do("execute", component)
        return Executed(0, "")

    def meter(self, links: Sequence[Link]) -> MemoryMeter:
        """It reads what :attr:`asked` says."""
        self._do("meter")
        return MemoryMeter(lambda: self.asked(links))

    def flood(self, component: str, plan: FloodPlan) -> ScriptedFlood:
        """It tells what :attr:`flood_script` says."""
        self._do("flood", component)
        return ScriptedFlood(plan, self.flood_script, self.clock)

    def sharing(self, component: str) -> tuple[str, ...]:
        """As set in :attr:`shared`."""
        return self.shared.get(component, ())

    def kill(self, component: str) -> None:
        """It has exited."""
        self._do("kill", component)
        self._change(component, lambda state: replace(state, status="exited", exit_code=137))

    def stop(self, component: str, timeout: float = 10.0) -> None:
        """It has exited."""
        self._do("stop", component)
        self._change(component, lambda state: replace(state, status="exited", exit_code=143))

    def start_component(self, component: str) -> None:
        """It runs, with a new start time."""
        self._do("start", component)
        began = f"{self.clock.now():.6f} #{len(self.log)}"
        self._change(
            component, lambda state: replace(state, status="running", exit_code=None, started_at=began)
        )

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """It runs, with a new start time."""
        self._do("restart", component)
        self.start_component(component)

    def replace(
        self,
        component: str,
        *,
        image: str | None = None,
        environment: Mapping[str, str | None] | None = None,
        grace: float = 10.0,
    ) -> None:
        """It runs as another release, with a new start time; where that is refused, as it did."""
        self._do("replace", component)
        self.releases.append((component, image, dict(environment or {})))
        kept = {**self._environments.get(component, {}), **(environment or {})}
        self._environments[component] = {name: value for name, value in kept.items() if value is not None}
        began = f"{self.clock.now():.6f} #{len(self.log)}"
        self._states[component] = State(
            "running", started_at=began, image=image or self.state(component).image
        )

    def pause(self, component: str) -> None:
        """It is paused."""
        self._do("pause", component)
        self._change(component, lambda state: replace(state, status="paused"))

    def resume(self, component: str) -> None:
        """It runs."""
        self._do("resume", component)
        self._change(component, lambda state: replace(state, status="running"))

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Those that do not run never will."""
        for name in components or [each.name for each in self.components]:
            if not self.state(name).serving:
                raise NotReady(f"{name} is not ready", where=name, limit=f"{timeout:g} s")

    def toxics(self, link: Link) -> tuple[Toxic, ...]:
        """The toxics on it."""
        return tuple(self._toxics[link].values())

    def add_toxic(self, link: Link, toxic: Toxic) -> None:
        """It is on."""
        self._do("add_toxic", link.proxy)
        self._toxics[link][toxic.name] = toxic

    def remove_toxic(self, link: Link, name: str) -> None:
        """It is off."""
        self._do("remove_toxic", link.proxy)
        self._toxics[link].pop(name, None)

    def cut(self, link: Link, how: Cut) -> None:
        """It is dead."""
        self._do("cut", link.proxy)
        self._cuts[link] = how

    def mend(self, link: Link) -> None:
        """It is alive."""
        self._do("mend", link.proxy)
        self._cuts.pop(link, None)

    def cuts(self) -> Mapping[Link, Cut]:
        """Those that are dead."""
        return dict(self._cuts)

    def connect(self, link: Link, timeout: float = 2.0) -> str:
        """What the cut, or else the provider's state, lets a connection meet."""
        if link in self._cuts:
            return {"refuse": "refused", "silent": "silent", "hang": "hang"}[self._cuts[link]]
        if link.consumer == OUTSIDE or self.state(link.provider).status in ("running", "paused"):
            return "open"
        return "refused"

    def exchange(
        self, link: Link, said: bytes, *, until: Until = "answer", patience: float = 2.0, past: bool = False
    ) -> Exchange:
        """What cuts, toxics and the provider's state make of it; providers echo what is said."""
        met = {"open": "answered", "hang": "quiet"}.get(found := self.connect(link), found)
        if met == "answered" and self._provider(link) == "paused":
            met = "quiet"
        if met != "answered":
            return Exchange(met, patience if met in ("quiet", "silent") else self.passage)
        answer = b"" if link.provider in self.mute else said
        toxics = () if past else self.toxics(link)
        return passed(said, answer, toxics, until, patience=patience, alone=self.passage)

    def _provider(self, link: Link) -> str:
        return "running" if link.provider not in self._states else self.state(link.provider).status

    def out_of_step(self, component: str) -> tuple[Link, ...]:
        """None: there is nothing between a link and its provider."""
        return ()

    def reset_links(self) -> None:
        """Nothing is on any link."""
        self._do("reset_links")
        self._cuts.clear()
        for toxics in self._toxics.values():
            toxics.clear()

    def undo(self, step: Undo) -> None:
        """Take one step back."""
        link = next((each for each in self.links if each.proxy == step.target), None)
        if step.action == "remove_toxic" and link:
            self.remove_toxic(link, str(step.detail["name"]))
        elif step.action == "mend" and link:
            self.mend(link)
        elif step.action == "resume" and self.state(step.target).status == "paused":
            self.resume(step.target)
        elif step.action == "start" and self.state(step.target).status != "running":
            self.start_component(step.target)
        elif step.action == "restart":
            self.restart(step.target)
