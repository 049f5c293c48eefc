"""Sidecars: chaoskit's own containers inside the network namespace of another, to look and act there.

An application's image may contain nothing but the application. So a command that concerns its network
runs in a sidecar, a container that shares the other container's network and nothing else.
Sidecars start on first use (0.2 s), are kept for the run, and carry the run's label.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import docker
from docker.errors import BuildError, DockerException, ImageNotFound, NotFound

from chaoskit.containers.engine.client import calling, last_line
from chaoskit.errors import ImageUnavailable, RuntimeFailure
from chaoskit.interpose import RUN_LABEL
from chaoskit.runtime import Executed

IMAGE: Final = "chaoskit/nettools:2"
TARGET_LABEL: Final = "org.chaoskit.sidecar"
"""The label on a sidecar with the container whose network it shares, and that container's start time."""
ADMIN_LABEL: Final = "org.chaoskit.sidecar.admin"
"""The label on a sidecar that says whether it may change that network."""
_EXEC_ATTEMPTS: Final = 5
"""Attempts to run one command in a sidecar."""
_EXEC_FAILED_MESSAGE: Final = b"OCI runtime exec failed"
"""The start of the engine's message that a command could not be started.

On a busy machine this is temporary: the sidecar runs, and the same command starts a moment later. The
engine also occasionally loses the output of a command.
"""
_RECIPE_FOLDER: Final = Path(__file__).parents[2] / "images" / "nettools"
_BASE_IMAGES: Final = ("chaoskit/base:bookworm", "debian:12.11-slim")


@dataclass(slots=True)
class _Sidecar:
    lock: threading.Lock = field(default_factory=threading.Lock)
    id: str = ""
    beside: str = ""


class Nettools:
    """The sidecars of a run; safe to use from several threads.

    Args:
        client: the engine.
        run_id: the run whose label they carry.
    """

    def __init__(self, client: docker.DockerClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._lock = threading.Lock()
        self._sidecars: dict[tuple[str, bool], _Sidecar] = {}

    def run(
        self,
        container: str,
        command: Sequence[str],
        *,
        timeout: float,
        admin: bool = False,
        prints: bool = False,
    ) -> Executed:
        """Run a command in the network of a container, for at most ``timeout`` seconds.

        Args:
            container: the full id of the container whose network it is.
            command: the program and its arguments.
            timeout: seconds after which it is killed; its exit code is then 124.
            admin: whether it may change that network (NET_ADMIN, for this network namespace only).
            prints: whether it always prints something when it succeeds, and changes nothing. Such a
                command is run again if the engine has lost its output.

        Raises:
            ImageUnavailable: the sidecar's image is not on the engine and cannot be built.
            RuntimeFailure: the container does not run, or the engine fails.
        """
        slot = self._slot(container, admin)
        with slot.lock:
            beside = _beside(self._client, container)
            if slot.beside != beside:  # a container that was started again has a new network namespace
                self._remove(slot.id)
                slot.id, slot.beside = self._start(container, beside, admin), beside
        bounded = ["timeout", "--kill-after=1", f"{timeout:.3f}", *command]
        with calling(f"run {command[0]} beside container {container[:12]}"):
            for _ in range(_EXEC_ATTEMPTS):
                execution = self._client.api.exec_create(slot.id, bounded)["Id"]
                output: bytes = self._client.api.exec_start(execution)
                code = self._client.api.exec_inspect(execution)["ExitCode"]
                lost = prints and code == 0 and not output
                if not lost and not (code and output.startswith(_EXEC_FAILED_MESSAGE)):
                    break
        return Executed(exit_code=code, output=output.decode(errors="replace"))

    def known(self, container: str) -> bool:
        """Whether a sidecar that may change the network was started beside the container's present run.

        A sidecar of another process of the same run counts too.
        """
        slot = self._slot(container, admin=True)
        with slot.lock:
            if not slot.id:
                self._adopt(slot, container)
            return bool(slot.id) and slot.beside == _beside(self._client, container)

    def forget(self, container: str) -> None:
        """Remove the sidecars beside a container that no longer exists."""
        with self._lock:
            slots = [self._sidecars.pop((container, admin), None) for admin in (False, True)]
        for slot in filter(None, slots):
            self._remove(slot.id)

    def close(self) -> None:
        """Remove all sidecars."""
        with self._lock:
            slots, self._sidecars = list(self._sidecars.values()), {}
        if slots:
            with ThreadPoolExecutor(max_workers=8, thread_name_prefix="chaoskit-sidecars") as pool:
                list(pool.map(lambda slot: self._remove(slot.id), slots))

    def _slot(self, container: str, admin: bool) -> _Sidecar:
        with self._lock:
            return self._sidecars.setdefault((container, admin), _Sidecar())

    def _adopt(self, slot: _Sidecar, container: str) -> None:
        labels = [f"{RUN_LABEL}={self._run_id}", f"{ADMIN_LABEL}=yes"]
        with calling("list the sidecars of this run"):
            for each in self._client.api.containers(filters={"label": labels}):
                beside = each["Labels"].get(TARGET_LABEL, "")
                if beside.startswith(f"{container}@"):
                    slot.id, slot.beside = each["Id"], beside

    def _start(self, container: str, beside: str, admin: bool) -> str:
        with calling(f"start a sidecar beside container {container[:12]}"):
            created = create(
                self._client,
                self._run_id,
                container,
                ["sleep", "infinity"],
                cap_add=["NET_ADMIN"] if admin else [],
                labels={TARGET_LABEL: beside, ADMIN_LABEL: "yes" if admin else "no"},
            )
            created.start()
        return str(created.id)

    def _remove(self, sidecar: str) -> None:
        if sidecar:
            with calling("remove a sidecar"), suppress(NotFound):
                self._client.api.remove_container(sidecar, force=True, v=True)


def create(
    client: docker.DockerClient, run_id: str, container: str, command: Sequence[str], **options: Any
) -> Any:
    """Create a sidecar of a run beside a container, and do not start it; a missing image is built.

    Args:
        client: the engine.
        run_id: the run whose label it carries.
        container: the full id of the container whose network it shares.
        command: the command that it runs.
        options: more options of the container; ``labels`` are added to the run's.

    Raises:
        ImageUnavailable: the image is not on the engine and cannot be built.
    """
    fixed: dict[str, Any] = {
        "command": list(command),
        "network_mode": f"container:{container}",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        **options,
        "labels": {RUN_LABEL: run_id, **options.get("labels", {})},
    }
    try:
        return client.containers.create(IMAGE, **fixed)
    except ImageNotFound:
        build(client)
        return client.containers.create(IMAGE, **fixed)


def _beside(client: docker.DockerClient, container: str) -> str:
    with calling(f"inspect container {container[:12]}"):
        state = client.api.inspect_container(container)["State"]
    if not state["Running"]:
        raise RuntimeFailure(
            f"container {container[:12]} is not running, so chaoskit cannot act in its network",
            evidence=f"it is {state['Status']}",
            remedy="start it first",
        )
    return f"{container}@{state['StartedAt']}"


def build(client: docker.DockerClient) -> None:
    """Build the sidecars' image from the recipe in this package, on the first base image that exists.

    Raises:
        ImageUnavailable: it cannot be built.
    """
    base = next((name for name in _BASE_IMAGES if _present(client, name)), _BASE_IMAGES[-1])
    try:
        client.images.build(path=str(_RECIPE_FOLDER), tag=IMAGE, buildargs={"BASE": base}, rm=True)
    except (BuildError, DockerException, TypeError) as error:  # TypeError: the folder does not exist
        raise ImageUnavailable(
            f"image {IMAGE} is not on this engine and cannot be built",
            where=f"{_RECIPE_FOLDER} on {base}",
            evidence=last_line(str(error)),
            remedy="let the engine reach Debian's servers, or run `make images` in a checkout of chaoskit",
        ) from None


def _present(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True
