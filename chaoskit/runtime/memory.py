"""A runtime in memory, on a manual clock: for tests of the harness and of faults.

Nothing runs. Components have states, links have toxics and cuts, and each call changes them at once. The
same tests check this runtime and the Docker runtime against the contract.
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

_REQUESTS_PER_S = 10


class MemoryMeter:
    """A meter that reads the count that its runtime gives."""

    def __init__(self, asked: Callable[[], int]) -> None:
        self._asked, self._start = asked, asked()

    def read(self) -> int:
        """Requests since the meter was made."""
        return self._asked() - self._start

    def close(self) -> None:
        """Nothing to remove."""


class MemoryRuntime:
    """Components and links in memory; see :class:`chaoskit.runtime.Runtime` for each method.

    Args:
        components: names of components; ``api-1=api`` and ``api-2=api`` are replicas of ``api``.
        links: (consumer, provider, port) triples.
        entry: the published port, ``component:port``.
        environments: component → its environment variables.
        clock: a manual clock.
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
        """Operations that fail, with their message: ``{"mend": "the API hangs"}``."""
        self.log: list[str] = []
        """The operations so far, in order."""
        self.started = False
        self.flood_script: Script = served
        """The script of each flood."""
        self.asked: Callable[[Sequence[Link]], int] = lambda links: int(self.clock.now() * _REQUESTS_PER_S)
        """How many requests ever went over some links; by default ten more each second."""
        self.releases: list[tuple[str, str | None, Mapping[str, str | None]]] = []
        """The replacements of components, in order: component, image and changed variables."""
        self.passage = 0.0004
        """Seconds that an exchange over a link takes by itself."""
        self.mute: set[str] = set()
        """Providers that read what they are sent, and never answer."""
        self.shared: dict[str, tuple[str, ...]] = {}
        """Component → the components that share a namespace with it."""
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
        """Start every component."""
        self._do("start")
        self.started = True
        for each in self.components:
            self.start_component(each.name)

    def close(self) -> None:
        """Remove every component."""
        self.log.append("close")
        self.started = False
        self._states = {each.name: State("missing") for each in self.components}

    def permit(self, steps: Sequence[Undo], impact: Impact) -> None:
        """Refuse with the message that :attr:`refuses` has for ``permit``; without one, allow everything."""
        if "permit" in self.refuses:
            raise UsageError(self.refuses["permit"])

    def state(self, component: str) -> State:
        """The state of a component."""
        if component not in self._states:
            raise RuntimeFailure(f"there is no component {component!r}", where=self.run_id)
        return self._states[component]

    def logs(self, component: str, lines: int = 20) -> str:
        """No component logs anything."""
        return ""

    def log_lines(self, component: str, since: float, until: float) -> Sequence[LogLine]:
        """No component logs anything."""
        return ()

    def wall_offset(self) -> float:
        """The manual clock began in 1970."""
        return 0.0

    def stats(self, component: str) -> Mapping[str, float]:
        """No component uses anything."""
        return {"cpu_seconds": 0.0, "memory_bytes": 0.0, "processes": 0.0}

    def environment(self, component: str) -> Mapping[str, str]:
        """The variables of a component as given, changed by its replacements."""
        return dict(self._environments.get(component, {}))

    def address(self, component: str, port: int) -> tuple[str, int]:
        """An address at which no process listens."""
        return ("127.0.0.1", 1)

    def ports(self, component: str) -> tuple[int, ...]:
        """The ports to which links lead."""
        return tuple(sorted({link.port for link in self.links if link.provider == component}))

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> Executed:
        """Log the operation; every command succeeds without output."""
        self._do("execute", component)
        return Executed(0, "")

    def meter(self, links: Sequence[Link]) -> MemoryMeter:
        """A meter over :attr:`asked`."""
        self._do("meter")
        return MemoryMeter(lambda: self.asked(links))

    def flood(self, component: str, plan: FloodPlan) -> ScriptedFlood:
        """A flood by :attr:`flood_script`."""
        self._do("flood", component)
        return ScriptedFlood(plan, self.flood_script, self.clock)

    def sharing(self, component: str) -> tuple[str, ...]:
        """The components in :attr:`shared`."""
        return self.shared.get(component, ())

    def kill(self, component: str) -> None:
        """Set the component to exited by SIGKILL."""
        self._do("kill", component)
        self._change(component, lambda state: replace(state, status="exited", exit_code=137))

    def stop(self, component: str, timeout: float = 10.0) -> None:
        """Set the component to exited by SIGTERM."""
        self._do("stop", component)
        self._change(component, lambda state: replace(state, status="exited", exit_code=143))

    def start_component(self, component: str) -> None:
        """Set the component to running, with a new start time."""
        self._do("start", component)
        began = f"{self.clock.now():.6f} #{len(self.log)}"
        self._change(
            component, lambda state: replace(state, status="running", exit_code=None, started_at=began)
        )

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """Set the component to running, with a new start time."""
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
        """Set the component to running as another release, with a new start time; a refused one stays as it
        was.
        """
        self._do("replace", component)
        self.releases.append((component, image, dict(environment or {})))
        kept = {**self._environments.get(component, {}), **(environment or {})}
        self._environments[component] = {name: value for name, value in kept.items() if value is not None}
        began = f"{self.clock.now():.6f} #{len(self.log)}"
        self._states[component] = State(
            "running", started_at=began, image=image or self.state(component).image
        )

    def pause(self, component: str) -> None:
        """Set the component to paused."""
        self._do("pause", component)
        self._change(component, lambda state: replace(state, status="paused"))

    def resume(self, component: str) -> None:
        """Set the component to running."""
        self._do("resume", component)
        self._change(component, lambda state: replace(state, status="running"))

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Refuse at once if a component does not serve: none ever becomes ready by itself."""
        for name in components or [each.name for each in self.components]:
            if not self.state(name).serving:
                raise NotReady(f"{name} is not ready", where=name, limit=f"{timeout:g} s")

    def toxics(self, link: Link) -> tuple[Toxic, ...]:
        """The toxics on a link."""
        return tuple(self._toxics[link].values())

    def add_toxic(self, link: Link, toxic: Toxic) -> None:
        """Put a toxic on a link."""
        self._do("add_toxic", link.proxy)
        self._toxics[link][toxic.name] = toxic

    def remove_toxic(self, link: Link, name: str) -> None:
        """Remove a toxic from a link."""
        self._do("remove_toxic", link.proxy)
        self._toxics[link].pop(name, None)

    def cut(self, link: Link, how: Cut) -> None:
        """Cut a link."""
        self._do("cut", link.proxy)
        self._cuts[link] = how

    def mend(self, link: Link) -> None:
        """Mend a link."""
        self._do("mend", link.proxy)
        self._cuts.pop(link, None)

    def cuts(self) -> Mapping[Link, Cut]:
        """The links that are cut."""
        return dict(self._cuts)

    def connect(self, link: Link, timeout: float = 2.0) -> str:
        """What a connection meets by the cut of the link, or else by the state of the provider."""
        if link in self._cuts:
            return {"refuse": "refused", "silent": "silent", "hang": "hang"}[self._cuts[link]]
        if link.consumer == OUTSIDE or self.state(link.provider).status in ("running", "paused"):
            return "open"
        return "refused"

    def exchange(
        self, link: Link, said: bytes, *, until: Until = "answer", patience: float = 2.0, past: bool = False
    ) -> Exchange:
        """What the cut, the toxics and the provider's state make of it; a provider echoes the bytes."""
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
        """No link: nothing stands between a link and its provider."""
        return ()

    def reset_links(self) -> None:
        """Remove all toxics and cuts."""
        self._do("reset_links")
        self._cuts.clear()
        for toxics in self._toxics.values():
            toxics.clear()

    def undo(self, step: Undo) -> None:
        """Take one undo step."""
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
