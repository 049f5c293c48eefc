"""Calling Docker Compose: to read the user's compose file, and to start a system.

``docker compose up`` runs in a thread of its own, which can be ended at any moment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import docker
import requests.exceptions
from docker.errors import DockerException
from testcontainers.compose import DockerCompose

from chaoskit.containers.engine import client
from chaoskit.errors import ChaoskitError, ComposeError, EngineUnavailable
from chaoskit.interpose.model import Resolved
from chaoskit.system import System

_ROUTE_TABLE = Path("/proc/net/route")
"""The kernel's own table of IPv4 routes, on Linux."""

_QUESTION_DEADLINE = 10
"""Seconds for one optional question to the engine, whose answer is not needed to go on."""


@dataclass(frozen=True, slots=True)
class Compose:
    """``docker compose`` for one project.

    The public ``docker_compose_command`` of testcontainers' :class:`DockerCompose` says which program Compose
    is on this machine, and how it takes files, profiles and env files. chaoskit does not use the library's
    ``start`` and ``stop``, for four reasons; :meth:`run` takes their place:

    1. Compose would get only the variables and the project name of this process.
    2. An interrupt would end Compose but not its children, and no caller would know the process to kill.
    3. A missing ``docker`` would raise FileNotFoundError.
    4. A failure would be logged as an error even if the caller handles it.

    Args:
        context: the folder that Compose runs in.
        files: the compose files; later ones override earlier ones.
        env_files: files with variables that Compose interpolates.
        profiles: the active profiles.
        environment: variables that Compose interpolates; they override those of this process.
        project: the project's name; if ``None``, Compose chooses it.
        project_directory: the base of relative paths and of ``.env``; the first file's folder if ``None``.
        spawned: takes the process id, which is also the id of the process group, as soon as it exists.
    """

    context: Path
    files: Sequence[Path] = ()
    env_files: Sequence[Path] = ()
    profiles: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    project: str | None = None
    project_directory: Path | None = None
    spawned: Callable[[int], None] | None = None

    @property
    def command(self) -> list[str]:
        """The words with which every call of Compose begins."""
        library = DockerCompose(
            context=self.context,
            compose_file_name=[str(path) for path in self.files],
            env_file=[str(path) for path in self.env_files],
            profiles=list(self.profiles),
        )
        program, compose, *rest = library.docker_compose_command()
        ours = ["--project-name", self.project] if self.project else []
        if self.project_directory is not None:
            ours += ["--project-directory", str(self.project_directory)]
        return [program, compose, *ours, *rest]

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command of Compose to its end; an interrupt kills it and its children.

        Raises:
            EngineUnavailable: there is no ``docker`` command.
            subprocess.CalledProcessError: Compose failed; with its output on both streams.
        """
        command = [*self.command, *words]
        try:
            process = subprocess.Popen(
                command,
                cwd=self.context,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as missing:
            if not self.context.is_dir():
                raise
            raise _no_compose(f"{missing.filename}: no such command") from None
        with process:
            try:
                if self.spawned is not None:
                    self.spawned(process.pid)
                stdout, stderr = process.communicate()
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, stdout, stderr)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def resolve(system: System) -> Resolved:
    """Read a system's compose files.

    Compose needs no engine for this. Without an engine, the ports that the images EXPOSE stay unknown.

    Raises:
        ComposeError: a file is missing, or Compose rejects it; with Compose's own words.
        EngineUnavailable: there is no ``docker compose``.
    """
    files = ", ".join(map(str, system.compose))
    missing = [path for path in (*system.compose, *system.env_files) if not path.is_file()]
    if missing or not system.compose:
        raise ComposeError(
            "the compose file is missing" if system.compose else "the system names no compose file",
            where=files or None,
            evidence="\n".join(f"no such file: {path}" for path in missing),
            remedy="give its path in the system's declaration, relative to that Python file",
        )
    directory = system.compose[0].parent
    compose = Compose(directory, system.compose, system.env_files, system.profiles, system.environment)
    try:
        said = compose.run("config", "--format", "json").stdout
    except subprocess.CalledProcessError as failed:
        _check_compose(compose)
        raise ComposeError(
            "Compose does not accept the file",
            where=files,
            evidence=failed.stderr.decode(errors="replace").strip(),
            remedy=f"correct the file until `docker compose -f {system.compose[0]} config` accepts it",
        ) from None
    config: dict[str, Any] = json.loads(said)
    return Resolved(config=config, directory=directory, exposed=_exposed(config))


def routed_networks() -> tuple[IPv4Network, ...]:
    """The networks that this machine routes: the engine's and, on Linux, those in the kernel's table.

    The engine's networks are left out if it does not answer. The default route is always left out.
    """
    found: set[IPv4Network] = set()
    with suppress(DockerException, requests.exceptions.RequestException, OSError), _engine() as engine:
        for network in engine.networks.list():
            for pool in (network.attrs.get("IPAM") or {}).get("Config") or ():
                with suppress(ValueError):
                    found.add(IPv4Network(pool.get("Subnet", "")))
    with suppress(OSError):
        found.update(parse_routes(_ROUTE_TABLE.read_text(encoding="ascii")))
    return tuple(sorted(found))


def parse_routes(table: str) -> Iterator[IPv4Network]:
    """The destinations in ``/proc/net/route``, whose columns are little-endian hexadecimal numbers."""
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) > 7 and columns[7] != "00000000":
            address, mask = (int.from_bytes(bytes.fromhex(columns[place]), "little") for place in (1, 7))
            yield IPv4Network((address, mask.bit_count()))


def _exposed(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    with suppress(DockerException, requests.exceptions.RequestException, OSError), _engine() as engine:
        for name, service in (config.get("services") or {}).items():
            image = service.get("image") or f"{config.get('name')}-{name}"
            with suppress(DockerException):
                ports = (engine.images.get(image).attrs.get("Config") or {}).get("ExposedPorts") or {}
                found[name] = tuple(
                    sorted(int(port.partition("/")[0]) for port in ports if port.endswith("/tcp"))
                )
    return found


@contextmanager
def _engine() -> Iterator[docker.DockerClient]:
    engine = client.engine(timeout=_QUESTION_DEADLINE)
    try:
        yield engine
    finally:
        engine.close()


def _check_compose(compose: Compose) -> None:
    """Raise if the ``docker`` command has no Compose, which is not a mistake in the file."""
    try:
        Compose(compose.context, environment=compose.environment).run("version")
    except subprocess.CalledProcessError as failed:
        raise _no_compose(failed.stderr.decode(errors="replace").strip()) from None


def _no_compose(evidence: str) -> EngineUnavailable:
    return EngineUnavailable(
        "there is no `docker compose` on this machine",
        evidence=evidence,
        remedy="install Docker with its Compose plugin, version 2.24 or later: https://docs.docker.com/compose/install/",
    )


class ComposeUp:
    """One call of ``docker compose up`` that runs while the caller does other work.

    Args:
        work: the call; returns when Compose has finished, or raises the error for the user.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run, name="chaoskit-compose", daemon=True)
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._ended = False
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the call."""
        self._thread.start()

    def spawned(self, pid: int) -> None:
        """Note Compose's process, which leads a process group of its own."""
        with self._lock:
            self._pid = pid
            if self._ended:
                self._kill()

    @property
    def done(self) -> bool:
        """Whether Compose has ended."""
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise Compose's error, if Compose has failed."""
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Kill Compose if it still runs, and wait until it has ended."""
        with self._lock:
            self._ended = True
            if self._thread.is_alive():
                self._kill()
        if self._thread.ident is not None:
            self._thread.join(10.0)

    def _kill(self) -> None:
        if self._pid is not None:
            with suppress(OSError):
                os.killpg(self._pid, signal.SIGKILL)

    def _run(self) -> None:
        try:
            if not self._ended:
                self._work()
        except ChaoskitError as error:
            self._error = error
        except BaseException as error:  # noqa: BLE001  # check() raises it again in the caller's thread
            self._error = error
