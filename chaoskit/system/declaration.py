"""The declaration of a system: components, links, journeys and their objectives.

Everything here is frozen data. A declaration is not checked while it is written. ``mistakes.py`` checks the
whole of it, so that the user sees every mistake at once, before anything starts.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from chaoskit.system.arrivals import STEADY, Course, Pattern
from chaoskit.system.terms import Slo, Terms

HARNESS = "harness"
"""The consumer of the links by which the harness reaches a component. No fault is put on them."""

OUTSIDE = "outside"
"""The consumer of the entries: the users of the system's published ports."""

ANY = "any"
"""The consumer of a link whose consumer is not known: a proxy of the user's own Toxiproxy."""


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One container of a compose service.

    Attributes:
        name: its name everywhere: the service's name, or ``service-1`` where a service has replicas.
        service: its compose service.
        index: its number among the service's replicas, from 1.
        image: the image's name, as in the compose file.
    """

    name: str
    service: str
    index: int = 1
    image: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """The way from one consumer to a port of one provider, through a Toxiproxy proxy of its own.

    Attributes:
        consumer: a component's name, :data:`OUTSIDE`, :data:`HARNESS` or :data:`ANY`.
        provider: a component's name, or an external host that the user named.
        port: the provider's TCP port, as dialled by the consumer.
    """

    consumer: str
    provider: str
    port: int

    @property
    def name(self) -> str:
        """The name for people: ``api-1→cache:6379``."""
        return f"{self.consumer}→{self.provider}:{self.port}"

    @property
    def proxy(self) -> str:
        """The name in Toxiproxy, whose API takes names as path segments: ASCII, without a slash."""
        return f"{self.consumer}.{self.provider}.{self.port}"


Run = Callable[[Any], Awaitable[None]]
Verify = Callable[[Any, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What a user does, driven at a rate.

    Attributes:
        terms: the journey's promises.
        run: an async function that takes a :class:`chaoskit.load.user.User` (an ``httpx.AsyncClient``);
            any exception makes a failed request.
        verify: an async function ``(user, kind, id)`` that raises unless what the system has acknowledged
            under ``kind`` and ``id`` is still true, once.
        entry: the service, or ``service:port``, by whose published port the journey enters; ``None``
            where the system publishes one port only.
    """

    terms: Terms
    run: Run
    verify: Verify | None = None
    entry: str | None = None

    @property
    def name(self) -> str:
        """The journey's name."""
        return self.terms.name

    @property
    def timeout(self) -> float:
        """Seconds from the intended start after which a user gives up."""
        return self.terms.timeout


def journey(
    *,
    rate: float,
    needs: Iterable[str] = (),
    uses: Iterable[str] = (),
    slo: Slo | None = None,
    degraded: Slo | None = None,
    verify: Verify | None = None,
    entry: str | None = None,
    timeout: float = 10.0,
    name: str | None = None,
    pattern: Pattern = "constant",
    course: Course = STEADY,
) -> Callable[[Run], Journey]:
    """Declare an async function as a journey; see :class:`Journey` and :class:`Terms`.

    Args:
        rate: arrivals per second, open loop.
        needs: components or services without which the journey may fail.
        uses: components or services without which the journey keeps ``degraded``.
        slo: the journey's objective; the default promises 99% availability.
        degraded: the objective while a component that the journey uses is at fault.
        verify: checks one acknowledgement after recovery.
        entry: the service (or ``service:port``) by which the journey enters.
        timeout: seconds after which a user gives up.
        name: the journey's name; the function's name by default.
        pattern: ``constant`` for evenly spaced arrivals, ``poisson`` for those of independent users.
        course: how the rate changes: :func:`chaoskit.ramp`, :func:`chaoskit.steps`.
    """

    def declare(run: Run) -> Journey:
        terms = Terms(
            name=name or str(getattr(run, "__name__", "journey")),
            rate=rate,
            slo=slo or Slo(),
            needs=tuple(needs),
            uses=tuple(uses),
            degraded=degraded,
            ledger=verify is not None,
            timeout=timeout,
            pattern=pattern,
            course=course,
        )
        return Journey(terms=terms, run=run, verify=verify, entry=entry)

    return declare


class CommandOutput(Protocol):
    """What a command inside a component left."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        ...

    @property
    def output(self) -> str:
        """What the command wrote, both streams."""
        ...


class RunningSystem(Protocol):
    """The running system, as a reset hook gets it: the part of :class:`chaoskit.runtime.Runtime` by
    which a hook makes the system forget.

    Each call raises a :class:`chaoskit.errors.ChaoskitError` where it fails.
    """

    @property
    def components(self) -> tuple[Component, ...]:
        """The containers of the system."""
        ...

    @property
    def entries(self) -> Mapping[str, str]:
        """The published ports: ``component:port`` → ``127.0.0.1:12345``."""
        ...

    def environment(self, component: str) -> Mapping[str, str]:
        """The environment variables that a component was started with."""
        ...

    def address(self, component: str, port: int) -> tuple[str, int]:
        """The host and port at which the harness reaches a port of a component."""
        ...

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> CommandOutput:
        """Run a command inside a component."""
        ...

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """Stop a component and start it again; does not wait until it serves."""
        ...

    def wait_ready(self, components: Sequence[str] | None = None, timeout: float = 60.0) -> None:
        """Wait until components serve, all of them by default."""
        ...


ResetHook = Callable[[RunningSystem], None]
"""Called between experiments; if it raises, the environment is rebuilt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The system under test, as its user declares it: a compose file and the journeys over it.

    Make one with :meth:`from_compose`. Nothing is read or started until a run asks for it.

    Attributes:
        compose: the compose files, absolute; the folder of the first one is the project's.
        journeys: what users do.
        profiles: Compose profiles to enable.
        env_files: files for Compose's ``--env-file``; absolute.
        environment: variables for Compose's interpolation; they override those of the process.
        external: external hosts (``host:port``) that services may reach; each becomes a link.
        restart_on_reset: components to restart between experiments, because they carry state (a circuit
            breaker, a cache) out of a fault.
        reset: called with the running system between experiments; see :class:`RunningSystem`.
        ready_timeout: seconds from the call of Compose within which the whole system must be ready.
    """

    compose: tuple[Path, ...]
    journeys: tuple[Journey, ...]
    profiles: tuple[str, ...] = ()
    env_files: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    external: tuple[str, ...] = ()
    restart_on_reset: tuple[str, ...] = ()
    reset: ResetHook | None = None
    ready_timeout: float = 120.0

    @classmethod
    def from_compose(
        cls,
        path: str | Path | Sequence[str | Path],
        *,
        journeys: Iterable[Journey],
        profiles: Iterable[str] = (),
        env_files: Iterable[str | Path] = (),
        environment: Mapping[str, str] | None = None,
        external: Iterable[str] = (),
        restart_on_reset: Iterable[str] = (),
        reset: ResetHook | None = None,
        ready_timeout: float = 120.0,
    ) -> System:
        """Declare a system by its compose file.

        Relative paths start at the folder of the file that calls this method.

        Args:
            path: the compose file, or several that Compose merges.
            journeys: see :func:`journey`.
            profiles, env_files, environment, external, restart_on_reset, reset, ready_timeout:
                see the attributes of :class:`System`.
        """
        frame = inspect.currentframe()
        caller = frame.f_back if frame else None
        here = Path(caller.f_globals.get("__file__", "")).resolve().parent if caller else Path.cwd()
        several = [path] if isinstance(path, (str, Path)) else list(path)
        return cls(
            compose=tuple((here / Path(each).expanduser()).resolve() for each in several),
            journeys=tuple(journeys),
            profiles=tuple(profiles),
            env_files=tuple((here / Path(each).expanduser()).resolve() for each in env_files),
            environment=dict(environment or {}),
            external=tuple(external),
            restart_on_reset=tuple(restart_on_reset),
            reset=reset,
            ready_timeout=ready_timeout,
        )

    def with_environment(self, **variables: str) -> System:
        """The same system with other interpolation variables; this is how a mutant is made."""
        return replace(self, environment={**self.environment, **variables})


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a fault does to the components, in the terms by which independence is judged.

    Attributes:
        lost: components that consumers can no longer use at all.
        strained: components that still serve a careful consumer. Users need not notice: a journey that
            needs a strained component keeps its degraded SLO.
        severed: (consumer, provider) pairs of components that can no longer talk, while each still
            serves others. Only journeys that concern both are touched: a journey that needs both may
            fail where every way between the two services is severed, and is degraded otherwise.
        hampered: (consumer, provider) pairs that talk slowly; a journey that concerns both is degraded.
    """

    lost: frozenset[str] = frozenset()
    strained: frozenset[str] = frozenset()
    severed: frozenset[tuple[str, str]] = frozenset()
    hampered: frozenset[tuple[str, str]] = frozenset()


def members(name: str, components: Iterable[Component]) -> frozenset[str]:
    """The components that a user means by ``name``: that component, or all components of that service."""
    everything = tuple(components)
    exact = frozenset(each.name for each in everything if each.name == name)
    return exact or frozenset(each.name for each in everything if each.service == name)
