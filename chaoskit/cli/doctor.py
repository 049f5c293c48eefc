"""``chaoskit doctor``: check what a run needs, and say how to get what is missing."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chaoskit.cli.finding import find_system, system_argument
from chaoskit.containers.compose import resolve
from chaoskit.containers.engine.client import connect
from chaoskit.containers.engine.images import is_present
from chaoskit.containers.leftovers import runs
from chaoskit.errors import ChaoskitError
from chaoskit.exitcodes import OK, PROBLEM
from chaoskit.interpose import interpose
from chaoskit.system import System
from chaoskit.system.mistakes import mistakes


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    system_argument(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; return the exit code."""
    well = True
    for finding in examine(options.system, Path.cwd(), find_system):
        well = well and finding.well
        print(f"{'ok' if finding.well else 'MISSING':<8} {finding.what}: {finding.says}")
        if finding.remedy and not finding.well:
            print(f"{'':<8} → {finding.remedy}")
    return OK if well else PROBLEM


MINIMUM_COMPOSE = (2, 24)
"""``configs: content:`` came with 2.23.1, ``start_interval`` with 2.20.2."""

MINIMUM_ENGINE = (25, 0)
"""``start_interval`` of health checks came with Engine 25."""

_IMAGES = {
    "chaoskit/toxiproxy:2.12.0": "the proxy of every link",
    "chaoskit/nettools:2": "cuts links silently, looks at them from the consumer's side, and floods",
}

MINIMUM_FREE_BYTES = 2 * 1024**3
"""Free disk space that a run needs."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check.

    Attributes:
        what: the subject of the check.
        well: whether the subject is as it must be.
        says: what was found.
        remedy: what the user can do if it is not well.
    """

    what: str
    well: bool
    says: str
    remedy: str = ""


def examine(
    named: str | None, root: Path, find_system: Callable[[str | None, Path], System]
) -> Iterator[Diagnosis]:
    """Check everything that a run needs, one subject after another.

    Args:
        named: the system as the user names it.
        root: the folder from which the search starts.
        find_system: finds the system by its name.
    """
    yield _python()
    yield _compose()
    yield from _engine()
    yield _disk(Path(tempfile.gettempdir()))
    yield _system(named, root, find_system)


def _python() -> Diagnosis:
    version = ".".join(map(str, sys.version_info[:3]))
    return Diagnosis("Python", sys.version_info >= (3, 11), version, "use Python 3.11 or newer")


def _compose() -> Diagnosis:
    remedy = "install the Docker Compose plugin: https://docs.docker.com/compose/install/"
    if shutil.which("docker") is None:
        return Diagnosis("Docker Compose", False, "no docker command is on the PATH", remedy)
    asked = subprocess.run(
        ["docker", "compose", "version", "--short"], capture_output=True, text=True, timeout=20, check=False
    )
    said = (asked.stdout or asked.stderr).strip().splitlines()
    version = said[0] if said else "no answer"
    if asked.returncode != 0:
        return Diagnosis("Docker Compose", False, version, remedy)
    well = _at_least(version, MINIMUM_COMPOSE)
    return Diagnosis(
        "Docker Compose", well, version, f"a run needs {_dotted(MINIMUM_COMPOSE)} or newer; {remedy}"
    )


def _engine() -> Iterator[Diagnosis]:
    try:
        client = connect()
    except ChaoskitError as error:
        yield Diagnosis(
            "Docker engine", False, error.evidence or error.what, error.remedy or "start the engine"
        )
        return
    try:
        version = str(client.version()["Version"])
        yield Diagnosis(
            "Docker engine",
            _at_least(version, MINIMUM_ENGINE),
            version,
            f"a run needs {_dotted(MINIMUM_ENGINE)} or newer; upgrade the engine",
        )
        for image, use in _IMAGES.items():
            there = is_present(client, image)
            says = f"{use}; {'present' if there else 'not present yet: pulled or built at first use'}"
            yield Diagnosis(f"image {image}", True, says)
        dead = [run.run_id for run in runs(client) if not run.alive]
        says = "dead runs have left nothing" if not dead else f"left by dead runs: {', '.join(dead)}"
        yield Diagnosis("leftovers", not dead, says, "run `chaoskit clean`")
    finally:
        client.close()


def _disk(folder: Path) -> Diagnosis:
    free = shutil.disk_usage(folder).free
    says = f"{free / 1024**3:.1f} GiB free at {folder}"
    return Diagnosis(
        "disk", free >= MINIMUM_FREE_BYTES, says, f"free {MINIMUM_FREE_BYTES / 1024**3:.0f} GiB or more"
    )


def _system(named: str | None, root: Path, find_system: Callable[[str | None, Path], System]) -> Diagnosis:
    try:
        system = find_system(named, root)
        planned = interpose(resolve(system), run_id="doctor", external=system.external)
    except ChaoskitError as error:
        says = error.what if not error.evidence else f"{error.what}: {error.evidence}"
        return Diagnosis("system", False, says, error.remedy or "correct the declaration")
    found = mistakes(system, planned.components, planned.entries) if system.journeys else []
    says = (
        f"{len(planned.components)} components, {len(planned.placed)} links, {len(system.journeys)} journeys"
    )
    return Diagnosis("system", not found, "; ".join(found) or says, "correct the declaration")


def _at_least(version: str, minimum: tuple[int, ...]) -> bool:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[: len(minimum)])
    return numbers >= minimum


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
