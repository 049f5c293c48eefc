"""What the user's compose file says, read through Compose itself, and how Compose is called.

``docker compose up`` in a thread of its own, which can be ended at any moment.
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

_QUESTION_DEADLINE = 10
"""Seconds for one question to the engine that Compose could do without."""


@dataclass(frozen=True, slots=True)
class Compose:
    """``docker compose`` for one project.

    testcontainers' :class:`DockerCompose` says, through its public ``docker_compose_command``, which program
    that is on this machine and how it is given files, profiles and env files. Its own ``start`` and ``stop``
    are not used, for four reasons, and :meth:`run` does the same without them:

    1. Compose would get no variables and no project name but those of this process.
    2. An interrupt would end Compose but leave its children, and nothing would know the process to kill.
    3. A missing ``docker`` would be a FileNotFoundError.
    4. A failure would be logged as an error, even where the caller deals with it.

    Args:
        context: the folder that Compose runs in.
        files: the compose files, later ones over earlier ones.
        env_files: variables that Compose interpolates, from files.
        profiles: the profiles that are on.
        environment: variables over those of this process: Compose interpolates them.
        project: the project's name; Compose finds it by itself if ``None``.
        project_directory: where relative paths and ``.env`` are; the first file's folder if ``None``.
        spawned: told the process id, which is the group's as well, as soon as there is one.
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
        """The words that every call of Compose begins with."""
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
        """Run a command of Compose to its end; whatever interrupts that kills it and its children.

        Raises:
            EngineUnavailable: there is no ``docker`` command.
            subprocess.CalledProcessError: with what Compose said on both streams.
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

    Compose needs no engine for this; without one, no image's EXPOSE is known.

    Raises:
        ComposeError: a file is missing, or Compose does not accept what is written; in its words.
        EngineUnavailable: there is no ``docker compose``.
    """
    files = ", ".join(map(str, system.compose))
    missing = [path for path in (*system.compose, *system.env_files) if not path.is_file()]
    if missing or not system.compose:
        raise ComposeError(
            "the compose file is missing" if system.compose else "the system names no compose file",
            where=files or None,
            evidence="\n".join(f"no such file: {path}" for path in missing),
            remedy="name it where the system is declared, relative to that Python file",
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
            remedy=f"mend the file until `docker compose -f {system.compose[0]} config` accepts it",
        ) from None
    config: dict[str, Any] = json.loads(said)
    return Resolved(config=config, directory=directory, exposed=_exposed(config))


def routed_networks() -> tuple[IPv4Network, ...]:
    """The networks that this machine routes: the engine's, and on Linux the kernel's own table.

    An engine that does not answer contributes nothing. The default route is left out.
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
    """The destinations in ``/proc/net/route``: little-endian hexadecimal numbers, in columns."""
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
    """Tell a file that Compose refuses from a ``docker`` command that has no Compose."""
    try:
        Compose(compose.context, environment=compose.environment).run("version")
    except subprocess.CalledProcessError as failed:
        raise _no_compose(failed.stderr.decode(errors="replace").strip()) from None


def _no_compose(evidence: str) -> EngineUnavailable:
    return EngineUnavailable(
        "there is no `docker compose` on this machine",
        evidence=evidence,
        remedy="install Docker with its Compose plugin, version 2.23.1 or later: https://docs.docker.com/compose/install/",
    )


class ComposeUp:
    """One call of Compose that goes on while other things happen.

    Args:
        work: the call; returns when Compose has done its part, raises what the user is to read.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._thread = threading.Thread(target=self._run, name="chaoskit-compose", daemon=True)
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._ended = False
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def spawned(self, pid: int) -> None:
        """Compose runs as this process, which leads a process group of its own."""
        with self._lock:
            self._pid = pid
            if self._ended:
                self._kill()

    @property
    def done(self) -> bool:
        """Whether Compose has come to its end."""
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise what Compose ended with, if it has failed."""
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Kill Compose, if it still runs, and wait until it has gone."""
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
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            self._error = error
