"""How a run starts: resolve, get the images, rewrite, start, wait until ready. Reads top to bottom."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from chaoskit.containers.compose import Compose, ComposeUp, resolve, routed_networks
from chaoskit.containers.engine import images
from chaoskit.containers.started.run import StartedRun
from chaoskit.containers.started.sightings import Sightings
from chaoskit.errors import ImageUnavailable, StartFailed
from chaoskit.interpose import Interposed, interpose
from chaoskit.interpose.model import Resolved
from chaoskit.system import OUTSIDE, System

TOXIPROXY_IMAGE = images.WantedImage(
    "chaoskit/toxiproxy:2.12.0",
    user="chaoskit",
    source="ghcr.io/shopify/toxiproxy:2.12.0",
    remedy="let the engine reach ghcr.io, or run `make images` in a checkout of chaoskit",
)
SUBNET_ATTEMPTS = 4
"""Attempts to start, each with other subnets, if the engine says that the subnets are taken."""
_PROGRESS_LINE = re.compile(r"(Network|Volume|Container) \S+\s+\w+")
_COMPOSE_ERROR_LINES = 12
"""Last lines of Compose's output that an error shows."""


@dataclass(frozen=True, slots=True)
class StartPlan:
    """A system as it is about to start.

    Attributes:
        resolved: the application, as Compose reads it.
        interposed: the application with Toxiproxy on every link.
        sightings: the stored ports that earlier runs saw.
    """

    resolved: Resolved
    interposed: Interposed
    sightings: Sightings


def plan(run_id: str, system: System, resolved: Resolved | None = None) -> StartPlan:
    """Resolve and rewrite a system, and start nothing.

    Its subnets avoid the networks that this machine routes now.

    Args:
        run_id: the run's label.
        system: the declaration.
        resolved: what Compose reads, if the caller has it already.

    Raises:
        UsageError: the compose file has a mistake.
        EngineUnavailable: there is no ``docker compose``.
    """
    resolved = resolved or resolve(system)
    sightings = Sightings(resolved.config)
    interposed = interpose(
        resolved,
        run_id=run_id,
        taken=routed_networks(),
        external=system.external,
        enabled=False,
        toxiproxy_image=TOXIPROXY_IMAGE.name,
        found=sightings.load(),
    )
    return StartPlan(resolved, interposed, sightings)


def begin(run: StartedRun, system: System, planned: StartPlan, *, keep: bool = False) -> None:
    """Start a system; on return all of it is ready.

    Raises:
        UsageError: the compose file has a mistake.
        EnvironmentFailure: an image, the engine, Compose or a component prevents the start.
    """
    began = run.clock.now()
    reaper = run.reap(keep=keep)
    if _ensure_images(run, system, planned.resolved):
        planned = plan(run.run_id, system)  # the ports that the new images EXPOSE are known only now
    reaper.result()
    for attempt in range(1, SUBNET_ATTEMPTS + 1):
        interposed = planned.interposed
        run.progress(f"starting {len(interposed.components)} components as chaoskit-{run.run_id}")
        run.watch(interposed, expected_ports(interposed, planned.resolved.config))
        _up(run, system, planned)
        try:
            names = [each.name for each in interposed.components]
            run.readiness.wait(names, system.ready_timeout, interrupted=run.check_up)
        except StartFailed as error:
            if attempt == SUBNET_ATTEMPTS or "overlaps with other one" not in (error.evidence or ""):
                error.evidence = "\n".join(filter(None, [error.evidence, run.readiness.culprits(names)]))
                raise
            run.clear()  # another run took the subnets first
            planned = plan(run.run_id, system, planned.resolved)
        else:
            run.sightings = planned.sightings
            run.progress(f"ready after {run.clock.now() - began:.1f} s")
            return


def expected_ports(interposed: Interposed, config: Mapping[str, Any]) -> dict[str, frozenset[int]]:
    """The ports on which each component must listen before it is ready.

    They are the ports that the user publishes or exposes. A port that is only a guess (from an
    image, a well-known number, another service's environment) is not waited for.
    """
    expected: dict[str, set[int]] = {}
    for placed in interposed.placed:
        if placed.link.consumer == OUTSIDE:
            expected.setdefault(placed.link.provider, set()).add(placed.link.port)
    providers = {placed.link.provider for placed in interposed.placed}
    for component in interposed.components:
        exposed = (config.get("services") or {}).get(component.service, {}).get("expose") or ()
        if component.name in providers:
            plain = {int(text) for each in exposed if (text := str(each).removesuffix("/tcp")).isdigit()}
            expected.setdefault(component.name, set()).update(plain)
    return {name: frozenset(ports) for name, ports in expected.items()}


def _ensure_images(run: StartedRun, system: System, resolved: Resolved) -> bool:
    def build(services: Sequence[str]) -> None:
        try:
            compose = _compose(run, system, system.compose, resolved.directory, system.profiles)
            compose.run("build", *services)
        except CalledProcessError as failed:
            raise ImageUnavailable(
                f"Compose could not build {', '.join(services)}",
                where=", ".join(map(str, system.compose)),
                evidence=_last_lines(failed.stderr),
                remedy=f"docker compose build {' '.join(services)} shows the full output",
            ) from None

    wanted = [TOXIPROXY_IMAGE, *images.wanted_images(resolved.config)]
    return images.ensure_images(run.client, wanted, build, run.progress)


def _compose(
    run: StartedRun, system: System, files: Sequence[Path], directory: Path, profiles: Sequence[str] = ()
) -> Compose:
    return Compose(
        directory,
        files,
        system.env_files,
        profiles,
        system.environment,
        project_directory=directory,
        spawned=run.spawned,
    )


def _up(run: StartedRun, system: System, planned: StartPlan) -> None:
    file = run.folder / "compose.json"
    file.write_text(json.dumps(planned.interposed.compose, indent=2), encoding="utf-8")
    # The resolved configuration already has the profiles applied.
    compose = _compose(run, system, [file], planned.resolved.directory)

    def work() -> None:
        try:
            # Readiness is waited for here, because Compose's --wait looks only twice a second.
            compose.run("up", "--detach")
        except CalledProcessError as failed:
            raise StartFailed(
                "Compose could not start the system",
                where=", ".join(map(str, system.compose)),
                evidence=_last_lines(failed.stderr),
                remedy="run `docker compose up` on the file to see whether it also fails without chaoskit",
            ) from None

    run.up = ComposeUp(work)
    run.up.start()


def _last_lines(output: bytes) -> str:
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    messages = [line for line in lines if not _PROGRESS_LINE.fullmatch(line)]
    return "\n".join((messages or lines)[-_COMPOSE_ERROR_LINES:])
