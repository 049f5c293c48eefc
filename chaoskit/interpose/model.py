"""The input of the rewrite, an application as Compose reads it, and its output, with each link's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaoskit.system import Component, Link

RUN_LABEL = "org.chaoskit.run"
"""The label with the run's id, on every container, network and volume of a run."""

COMPONENT_LABEL = "org.chaoskit.component"
"""The label with the component's name, on the containers of the system under test."""

API_PORT = 8474
"""The port on which each Toxiproxy serves its API, only at its address in the edge network."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A link, and the place of its proxy.

    Attributes:
        link: the link; its ``proxy`` is the proxy's name.
        toxiproxy: the service name of its Toxiproxy.
        listen: the ``address:port`` that consumers dial, by whatever name.
        upstream: the ``address:port`` that Toxiproxy dials, which is the provider's fixed address.
    """

    link: Link
    toxiproxy: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Route:
    """A consumer and a provider that may talk over any port, with the place for a proxy found at run time.

    Attributes:
        consumer: a component's name, or :data:`chaoskit.system.HARNESS`.
        provider: a component's name.
        toxiproxy: the service name of the Toxiproxy between them.
        listen_host: that Toxiproxy's address in the consumer's network.
        upstream_host: the provider's fixed address.
    """

    consumer: str
    provider: str
    toxiproxy: str
    listen_host: str
    upstream_host: str


@dataclass(frozen=True, slots=True)
class Interposed:
    """A system's compose configuration with Toxiproxy on every link.

    Attributes:
        compose: the rewritten configuration; ``docker compose up`` accepts it as JSON or YAML.
        components: the containers of the system under test.
        placed: every known link, including those from OUTSIDE and of the HARNESS.
        routes: every pair that may talk; the HARNESS is a consumer of each component.
        services: component → service name in ``compose``.
        toxiproxies: the service names of the Toxiproxies that carry links.
        spares: toxiproxy → published container ports without a link yet, for harness links to ports
            that are found at run time.
        entries: entry ``component:port`` → (toxiproxy, its published container port).
        harness: (component, port) → (toxiproxy, its published container port).
        warnings: the differences from the application as the user wrote it, each one sentence that
            names the service.
    """

    compose: dict[str, Any]
    components: tuple[Component, ...]
    placed: tuple[Placed, ...]
    routes: tuple[Route, ...]
    services: Mapping[str, str]
    toxiproxies: tuple[str, ...]
    spares: Mapping[str, tuple[int, ...]]
    entries: Mapping[str, tuple[str, int]]
    harness: Mapping[tuple[str, int], tuple[str, int]]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """An application, as Compose reads it.

    Attributes:
        config: the output of ``docker compose config --format json``, in which each ``$`` is doubled.
        directory: the project's folder.
        exposed: service → TCP ports that its image EXPOSEs; services whose image the engine does not
            have are left out.
    """

    config: Mapping[str, Any]
    directory: Path
    exposed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
