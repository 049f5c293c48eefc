"""A deploy under traffic, with a restart in the middle of it."""

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
    """A new release of a service is rolled out under traffic, and a restart hits in the middle.

    100,000 users: there is no quiet hour left, so every deploy happens under traffic; and one day
    a new replica is killed while the others are still to come. Users must not notice: every journey
    keeps its full SLO, unless the deploy is ``stop-start``, which takes the service away.

    Each replica is stopped by its stop signal, removed, and replaced by a container of the same
    configuration but for the image or the variables given here. The system runs the new release
    afterwards; a rollout that fails is rolled back when it is lifted. The fault window lasts until
    the rollout is over.

    Beside the journeys' promises the system owes a ``rollout`` that completes, each replica in its
    time, and ``one version``: in the end the same new version everywhere.

    Attributes:
        component: a service with all its replicas, or one component.
        strategy: ``rolling``: one replica after the other, each ready before the next begins.
            ``stop-start``: all are stopped, then all started. ``blue-green``: the second half
            (rounded up) is replaced at once while the others serve, then the others. That is what
            it comes to where both colours share the addresses: in between the service has the
            capacity of one half, where a blue-green deploy with a fleet to spare has all of it.
        environment: variables of the new release, a mapping or pairs. ``{n}`` in a value becomes a
            number that is new each time, so that the next deploy is a change again. Whether the
            application answers differently for it is what the evidence checks.
        image: the image of the new release, which must be on the engine; the same by default.
        kill_at: when the replica in the middle of the rollout (the first of the second half of
            those replaced, or the only one) gets SIGKILL, once, and is started again:
            ``starting``, right after its first start; ``serving``, once it was ready; ``None``,
            never.
        version_path: where a replica tells its version: the whole text, or a JSON object's
            ``version`` or ``release``. ``None`` goes by what the engine says alone.
        port: the port that is asked; not needed where one port only speaks HTTP.
        grace: seconds between a replica's stop signal and SIGKILL. The first new one is to be seen
            before the time for landing is over, so that must be longer than the application drains.
        ready_within: seconds within which a new replica must be ready.
    """

    stage: ClassVar[str] = "100,000 users"
    evidence: ClassVar[str] = (
        "a replica has a new start time, and is the new release by what the engine says or by the version "
        "that it answers"
    )
    owes: ClassVar[str] = (
        "``rollout``: it completes, each replica ready within ``ready_within``; ``one version``: in the end "
        "all answer with the same new one"
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
        object.__setattr__(self, "environment", pairs)  # frozen data is to be hashable

    def describe(self) -> dict[str, Any]:
        """The fault as JSON-able data."""
        return {**super().describe(), "environment": dict(self.environment)}

    def misfits(self, runtime: Runtime) -> list[str]:
        """It fits replicas that run, have their network to themselves, and tell their version."""
        reasons = [*unknown(self.component, runtime.components), *self._unusable()]
        if reasons:
            return reasons
        names = targets(self.component, runtime.components)
        if self.strategy != "stop-start" and len(names) < 2:
            reasons.append(
                f"{self.component!r} is one replica: a {self.strategy} deploy leaves nobody to serve "
                "meanwhile; strategy='stop-start' fits it, or give the service deploy.replicas: 2"
            )
        for name in names:
            if others := runtime.sharing(name):
                reasons.append(f"{name} shares a namespace with {', '.join(others)}, which would lose it")
            if (status := runtime.state(name).status) != "running":
                reasons.append(f"{name} is {status}; only what runs is replaced under traffic")
        return reasons or self._no_change(runtime, names) or self._silent(runtime, names)

    def _unusable(self) -> list[str]:
        reasons = []
        if self.strategy not in get_args(Strategy):
            reasons.append(f"strategy {self.strategy!r} is none of {', '.join(get_args(Strategy))}")
        if self.kill_at not in (None, *get_args(KillAt)):
            reasons.append(f"kill_at {self.kill_at!r} is none of {', '.join(get_args(KillAt))} and None")
        if self.grace < 0 or self.ready_within <= 0:
            reasons.append(
                f"grace is {self.grace:g} s and ready_within {self.ready_within:g} s; they must be zero or "
                "more, and more than zero"
            )
        wrong = [name for name in dict(self.environment) if not name or "=" in name]
        reasons += [f"{name!r} cannot be the name of a variable" for name in wrong]
        return reasons

    def _no_change(self, runtime: Runtime, names: tuple[str, ...]) -> list[str]:
        """A release that is there already is no deploy."""
        wanted = dict(self.environment)
        same = [
            name
            for name in names
            if runs(runtime.environment(name), wanted) and self.image in (None, runtime.state(name).image)
        ]
        if not same:
            return []
        return [
            f"{', '.join(same)} would not change: what is given is what is there; change image= or "
            'environment=, as in {"RELEASE": "{n}"}, where {n} is a new number each time'
        ]

    def _silent(self, runtime: Runtime, names: tuple[str, ...]) -> list[str]:
        """Versions that cannot be asked for are known before anything is replaced."""
        if self.version_path is None:
            return []
        if not self.version_path.startswith("/"):
            return [f"version_path is {self.version_path!r}; it begins with a slash, or is None"]
        port = self._port(runtime, names)
        if port is None:
            served = ", ".join(map(str, runtime.ports(names[0]))) or "none"
            return [
                f"which port of {names[0]} tells its version cannot be told (its ports: {served}); "
                "name it by port=, or give version_path=None"
            ]
        reasons = []
        for name in names:
            try:
                ask(runtime, name, port, self.version_path)
            except NoAnswer as error:
                reasons.append(
                    f"{name}:{port}{self.version_path} does not tell a version: {error}; give another "
                    "version_path=, or None to go by what the engine says alone"
                )
        return reasons

    def _port(self, runtime: Runtime, names: tuple[str, ...]) -> int | None:
        if self.port is not None or self.version_path is None:
            return self.port
        found = http_ports(runtime, names[0], self.version_path)
        return found[0] if len(found) == 1 else None

    def impact(self, runtime: Runtime) -> Impact:
        """Nothing that users may notice; only ``stop-start`` takes the components away."""
        if self.strategy == "stop-start":
            return Impact(lost=frozenset(targets(self.component, runtime.components)))
        return Impact()

    def undo(self, runtime: Runtime) -> tuple[Undo, ...]:
        """Start each: at every moment of a replacement there is a container that can be started."""
        names = targets(self.component, runtime.components)
        return tuple(Undo("start", name, {"replaced": True}) for name in names)

    def plan(self, runtime: Runtime) -> RolloutPlan:
        """What is going to be done, with the numbers of this time."""
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
        """The rollout, with what every component is before it; nothing has begun."""
        names = targets(self.component, runtime.components)
        port = self._port(runtime, names)
        before = {name: look(runtime, name, port, self.version_path) for name in names}
        return Deployment(runtime, self.plan(runtime), before, port, self.version_path)

    def inject(self, runtime: Runtime) -> Injection:
        """Begin the rollout, in a thread of its own."""
        deployment = self.prepare(runtime)
        deployment.start()
        return deployment
