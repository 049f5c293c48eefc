"""What the rewrite takes, an application as Compose reads it, and what it gives: where each link runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaoskit.system import Component, Link

RUN_LABEL = "org.chaoskit.run"
"""On every container, network and volume of a run: its id."""

COMPONENT_LABEL = "org.chaoskit.component"
"""On the containers of the system under test: the component's name."""

API_PORT = 8474
"""Where each Toxiproxy serves its API, on its address in the edge network and nowhere else."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a link's proxy lives.

    Attributes:
        link: the link; its ``proxy`` is the proxy's name.
        toxiproxy: the service name of its Toxiproxy.
        listen: ``address:port`` that consumers dial, whatever name they call it by.
        upstream: ``address:port`` that Toxiproxy dials: the provider's fixed address.
    """

    link: Link
    toxiproxy: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class Route:
    """A pair that may talk, whatever the port: where to put the proxy of a port found at run time.

    Attributes:
        consumer: a component's name, or :data:`chaoskit.system.HARNESS`.
        provider: a component's name.
        toxiproxy: the service name of the Toxiproxy that stands between them.
        listen_host: its address in the consumer's network.
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
        compose: the rewritten configuration; ``docker compose up`` takes it, as JSON or YAML.
        components: the containers of the system under test.
        placed: every link that is known, those from OUTSIDE and of the HARNESS among them.
        routes: every pair that may talk, with the HARNESS as a consumer of each component.
        services: component → service name in ``compose``.
        toxiproxies: the service names of the Toxiproxies that carry links.
        spares: toxiproxy → container ports that are published and carry nothing yet: for links of
            the harness to ports that are found at run time.
        entries: entry point ``component:port`` → (toxiproxy, its published container port).
        harness: (component, port) → (toxiproxy, its published container port).
        warnings: what the rewrite could not keep as it was, each one sentence that names the service.
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
        config: what ``docker compose config --format json`` says; ``$`` is doubled in it.
        directory: the project's folder.
        exposed: service → TCP ports that its image EXPOSEs; without the services whose image the
            engine does not have.
    """

    config: Mapping[str, Any]
    directory: Path
    exposed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
