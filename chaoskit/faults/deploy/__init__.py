"""A deploy under traffic, with a restart in the middle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from chaoskit.clients.http import NoAnswer
from chaoskit.faults.base import Fault, Injection, targets, unknown
from chaoskit.faults.deploy.deployment import Deployment
from chaoskit.faults.deploy.rollout import (
    KillAt,
    RolloutPlan,
    Strategy,
    ask,
    batches,
    http_ports,
    look,
    rendered,
    runs,
)
from chaoskit.runtime import Runtime, Undo
from chaoskit.system import Impact


@dataclass(frozen=True)
class MidDeployRestart(Fault):
    """A new release of a service is rolled out under traffic, and one replica is killed in the middle.

    100,000 users: no hour is quiet any more, so every deploy happens under traffic, and one day a new replica
    dies while others are still to be replaced. Users must not notice: every journey keeps its full SLO,
    unless the deploy is ``stop-start``, which takes the service away.

    Each replica is stopped by its stop signal, removed, and replaced by a container with the same
    configuration except for the image and the variables given here. The fault window lasts until the rollout
    is over. Afterwards the system runs the new release; a rollout that failed is rolled back at the lift.

    For example, ``MidDeployRestart("api", version_path="/release")`` replaces the replicas of ``api`` one
    after the other, sets ``RELEASE`` to a new number in each, kills the one in the middle right after its
    start, and asks all of them at ``/release`` which version they are.

    The system owes two obligations besides the journeys' promises. ``rollout``: the rollout completes, and
    each replica is ready in time. ``one version``: in the end every replica is the same new version.

    Attributes:
        component: a service with all its replicas, or one component.
        strategy: ``rolling`` replaces one replica after the other, and waits until each is ready.
            ``stop-start`` stops all of them, then starts all of them. ``blue-green`` replaces the second half
            (rounded up) at once while the first half serves, then the first half. Both halves share the
            addresses of the service, so in between it has the capacity of one half; a blue-green deploy with
            a spare fleet keeps all of it.
        environment: the variables of the new release, as a mapping or as pairs. ``{n}`` in a value becomes a
            number that is new each time, so that the next deploy is a change again. The evidence shows
            whether the application answers differently because of them.
        image: the image of the new release, which must be on the engine already. By default the image
            does not change.
        kill_at: when one replica is killed by SIGKILL, once, and started again: ``starting``, right after its
            first start; ``serving``, once it is ready; ``None``, never. It is the replica in the middle of
            the rollout: the first of the second half in the order of replacement, or the only one.
        version_path: the path at which a replica tells its version, as the whole text or as ``version`` or
            ``release`` of a JSON object. With ``None`` nothing is asked, and the engine's word counts.
        port: the port to ask for the version. Not needed where only one port speaks HTTP.
        grace: seconds between a replica's stop signal and SIGKILL. The first new replica must be seen within
            the experiment's time to land (``landing``, 15 s), so the application must drain in less time.
        ready_within: seconds within which each new replica must be ready.
    """

    stage: ClassVar[str] = "100,000 users"
    evidence: ClassVar[str] = (
        "the engine says that a replica has a new start time; and the replica has the image and variables of "
        "the new release, or answers with another version than before"
    )
    owes: ClassVar[str] = (
        "``rollout``: the rollout completes, with each replica ready within ``ready_within`` seconds; "
        "``one version``: in the end all replicas answer with the same new version"
    )

    component: str
    strategy: Strategy = "rolling"
    environment: Mapping[str, str] | tuple[tuple[str, str], ...] = (("RELEASE", "{n}"),)
    image: str | None = None
    kill_at: KillAt | None = "starting"
    version_path: str | None = "/version"
    port: int | None = None
    grace: float = 10.0
    ready_within: float = 60.0

    def __post_init__(self) -> None:
        pairs = tuple((str(name), str(value)) for name, value in dict(self.environment).items())
        object.__setattr__(self, "environment", pairs)  # frozen data must be hashable

    def describe(self) -> dict[str, Any]:
        """The fault as JSON-able data."""
        return {**super().describe(), "environment": dict(self.environment)}

    def misfits(self, runtime: Runtime) -> list[str]:
        """Replicas that run, share a namespace with no other component, and tell their version; at least two
        of them, unless the strategy is ``stop-start``.
        """
        reasons = [*unknown(self.component, runtime.components), *self._unusable()]
        if reasons:
            return reasons
        names = targets(self.component, runtime.components)
        if self.strategy != "stop-start" and len(names) < 2:
            reasons.append(
                f"{self.component!r} is one replica: a {self.strategy} deploy leaves none to serve "
                "meanwhile; strategy='stop-start' fits it, or give the service deploy.replicas: 2"
            )
        for name in names:
            if others := runtime.sharing(name):
                reasons.append(
                    f"{name} shares a namespace with {', '.join(others)}, which would lose its network"
                )
            if (status := runtime.state(name).status) != "running":
                reasons.append(f"{name} is {status}; a replica must run to be replaced under traffic")
        return reasons or self._no_change(runtime, names) or self._silent(runtime, names)

    def _unusable(self) -> list[str]:
        reasons = []
        if self.strategy not in get_args(Strategy):
            reasons.append(f"strategy={self.strategy!r} is not one of {', '.join(get_args(Strategy))}")
        if self.kill_at not in (None, *get_args(KillAt)):
            reasons.append(f"kill_at={self.kill_at!r} is not one of {', '.join(get_args(KillAt))}, None")
        if self.grace < 0 or self.ready_within <= 0:
            reasons.append(
                f"grace is {self.grace:g} s and ready_within {self.ready_within:g} s; grace must be zero or "
                "more, ready_within above zero"
            )
        wrong = [name for name in dict(self.environment) if not name or "=" in name]
        reasons += [f"{name!r} cannot be the name of a variable" for name in wrong]
        return reasons

    def _no_change(self, runtime: Runtime, names: tuple[str, ...]) -> list[str]:
        """The misfit of replicas that run the given release already."""
        wanted = dict(self.environment)
        same = [
            name
            for name in names
            if runs(runtime.environment(name), wanted) and self.image in (None, runtime.state(name).image)
        ]
        if not same:
            return []
        return [
            f"{', '.join(same)} would not change: the release that is given runs already; change image= or "
            'environment=, as in {"RELEASE": "{n}"}, where {n} becomes a new number each time'
        ]

    def _silent(self, runtime: Runtime, names: tuple[str, ...]) -> list[str]:
        """The misfit of replicas that do not tell their version, found before any is replaced."""
        if self.version_path is None:
            return []
        if not self.version_path.startswith("/"):
            return [f"version_path is {self.version_path!r}; it must begin with a slash, or be None"]
        port = self._port(runtime, names)
        if port is None:
            served = ", ".join(map(str, runtime.ports(names[0]))) or "none"
            return [
                f"the port at which {names[0]} tells its version is not known (its ports: {served}); name it "
                "with port=, or give version_path=None"
            ]
        reasons = []
        for name in names:
            try:
                ask(runtime, name, port, self.version_path)
            except NoAnswer as error:
                reasons.append(
                    f"{name}:{port}{self.version_path} does not tell a version: {error}; give another "
                    "version_path=, or None to rely on the engine alone"
                )
        return reasons

    def _port(self, runtime: Runtime, names: tuple[str, ...]) -> int | None:
        if self.port is not None or self.version_path is None:
            return self.port
        found = http_ports(runtime, names[0], self.version_path)
        return found[0] if len(found) == 1 else None

    def impact(self, runtime: Runtime) -> Impact:
        """Nothing: users must not notice a deploy. With ``stop-start`` the components are lost."""
        if self.strategy == "stop-start":
            return Impact(lost=frozenset(targets(self.component, runtime.components)))
        return Impact()

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start each replica: at every moment of a replacement there is a container that can be started."""
        names = targets(self.component, runtime.components)
        return tuple(Undo("start", name, {"replaced": True}) for name in names)

    def plan(self, runtime: Runtime) -> RolloutPlan:
        """The rollout as it is about to happen, with the variables of this one filled in."""
        names = targets(self.component, runtime.components)
        number = int(runtime.clock.now() * 1000)
        current = [runtime.environment(name) for name in names]
        plan = batches(self.strategy, names)
        order = [name for batch in plan for name in batch]
        return RolloutPlan(
            batches=plan,
            stops_first=self.strategy == "stop-start",
            victim=order[len(order) // 2] if self.kill_at else None,
            kill_at=self.kill_at,
            image=self.image,
            environment=rendered(dict(self.environment), number, current),
            grace=self.grace,
            ready_within=self.ready_within,
        )

    def prepare(self, runtime: Runtime) -> Deployment:
        """The rollout with a look at every component before it; nothing has begun."""
        names = targets(self.component, runtime.components)
        port = self._port(runtime, names)
        before = {name: look(runtime, name, port, self.version_path) for name in names}
        return Deployment(runtime, self.plan(runtime), before, port, self.version_path)

    def inject(self, runtime: Runtime) -> Injection:
        """Start the rollout, in a thread of its own."""
        deployment = self.prepare(runtime)
        deployment.start()
        return deployment
