"""The sources of floods, each a container in the network namespace of the component that it floods.

In that namespace, 127.0.0.0/8 gives any number of source addresses without privileges, no packet leaves
the namespace, and the requests pass neither Toxiproxy nor a published port. The container's standard
input is a lease: it closes when the process that holds it ends, and then the source ends too.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import docker
from docker.errors import NotFound

from chaoskit.clock import Clock
from chaoskit.containers.engine.client import ENGINE_ERRORS, Containers, calling, hang_up
from chaoskit.containers.engine.nettools import TARGET_LABEL, create
from chaoskit.flood import HEARTBEAT_SECONDS, STOP_MESSAGE, FloodPlan, Report
from chaoskit.flood.shipping import command

_TOTAL_DEADLINE: Final = 2.0
"""Seconds within which a source must report its total after it was told to stop."""

_MEMORY_LIMIT: Final = "512m"
"""The memory limit of a source's container, as Docker writes it."""
_LOOPBACK: Final = "127.0.0.1"


class DockerFlood:
    """A :class:`chaoskit.flood.Flood` in a container.

    Args:
        client: the engine.
        run_id: the run whose label the flood's container carries.
        component, container: the component that it floods, and that component's container.
        plan: the requests to send.
        clock: the time.

    Raises:
        ImageUnavailable: the sidecar's image is not on the engine and cannot be built.
        RuntimeFailure: the container does not run, or the engine fails.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        run_id: str,
        component: str,
        container: str,
        plan: FloodPlan,
        clock: Clock,
    ) -> None:
        self._client, self._clock, self._component = client, clock, component
        self._reports: list[Report] = []
        self._total: Report | None = None
        self._target = self._ended = ""
        self._stream: Any = None
        self._heard_at = clock.now()
        with calling("start a flood at", component):
            seen = client.api.inspect_container(container)
            made = create(
                client,
                run_id,
                container,
                command(plan, addresses(seen)),
                labels={TARGET_LABEL: f"{container}@{seen['State']['StartedAt']}"},
                stdin_open=True,
                mem_limit=_MEMORY_LIMIT,
                memswap_limit=_MEMORY_LIMIT,
                pids_limit=16,
            )
            self._container = str(made.id)
            try:
                wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                self._stream = client.api.attach_socket(self._container, params=wanted)
                made.start()
            except BaseException:
                self._remove()
                raise
        # Some of the SDK's sockets are wrappers, and only the wrapped socket can write.
        self._socket: Any = getattr(self._stream, "_sock", self._stream)
        self._thread = threading.Thread(target=self._follow, name="chaoskit-flood", daemon=True)
        self._thread.start()

    @property
    def target(self) -> str:
        """The address at which the source found the entry; empty until it has found one."""
        return self._target

    def reports(self) -> Sequence[Report]:
        """The source's report for each whole second so far."""
        return tuple(self._reports)

    def total(self) -> Report | None:
        """The source's report at its end; ``None`` until then."""
        return self._total

    def silent_for(self) -> float:
        """Seconds since the source's last report."""
        return self._clock.now() - self._heard_at

    def ended(self) -> str:
        """Why the source ended; empty while it runs."""
        return self._ended

    def stop(self) -> None:
        """Tell the source to end, wait for its total, and remove its container."""
        with suppress(*ENGINE_ERRORS, ValueError):  # the source has already ended
            self._socket.sendall(STOP_MESSAGE + b"\n")
        self._thread.join(_TOTAL_DEADLINE)
        self._remove()
        self._thread.join(_TOTAL_DEADLINE)

    def left(self) -> str:
        """Evidence that the flood's container still exists; empty once it is gone."""
        with calling("look for the flood at", self._component):
            try:
                status = self._client.api.inspect_container(self._container)["State"]["Status"]
            except NotFound:
                return ""
        return f"the flood's container {self._container[:12]} is {status}"

    def _remove(self) -> None:
        with calling("remove the flood at", self._component), suppress(NotFound):
            self._client.api.remove_container(self._container, force=True, v=True)
        if self._stream is not None:
            hang_up(self._stream)

    def _follow(self) -> None:
        """Read the source's reports, and send it a heartbeat each second."""
        frames, lines = Frames(), b""
        beat = self._clock.now()
        last_error = ""
        with suppress(*ENGINE_ERRORS, ValueError):  # the stream is closed, so the source has ended
            self._socket.settimeout(HEARTBEAT_SECONDS / 4)
            while True:
                if self._clock.now() - beat >= HEARTBEAT_SECONDS / 2:
                    beat = self._clock.now()
                    self._socket.sendall(b"\n")
                try:
                    data = self._socket.recv(65_536)
                except TimeoutError:
                    continue
                if not data:
                    break
                for is_error, text in frames.feed(data):
                    if is_error:
                        last_error = text.decode(errors="replace").strip()[-500:] or last_error
                    else:
                        *whole, lines = (lines + text).split(b"\n")
                        for line in whole:
                            self._hear(line)
        self._ended = self._ended or last_error or "it ended without a message"

    def _hear(self, line: bytes) -> None:
        message = json.loads(line)
        self._heard_at = self._clock.now()
        if "begin" in message:
            self._target = message["begin"]
        elif "second" in message:
            self._reports.append(Report.from_json(message["second"]))
        elif "end" in message:
            self._total = Report.from_json(message["total"])
            self._ended = message["end"]
        else:
            self._ended = f"it could not start: {message['error']}"


class Floods:
    """The floods of a run.

    Args:
        containers: which container a component is.
        clock: the time.
    """

    def __init__(self, containers: Containers, clock: Clock) -> None:
        self._containers, self._clock = containers, clock
        self._started: list[DockerFlood] = []

    def start(self, component: str, plan: FloodPlan) -> DockerFlood:
        """Start a flood of a component."""
        run = self._containers
        made = DockerFlood(run.client, run.run_id, component, run.id(component), plan, self._clock)
        self._started.append(made)
        return made

    def close(self) -> None:
        """End all floods."""
        while self._started:
            self._started.pop().stop()


class Frames:
    """Splits the engine's stream of a container's output, in which eight bytes precede each piece.

    The format is documented in the engine's API under ``ContainerAttach``, "Stream format".
    """

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[tuple[bool, bytes]]:
        """The pieces that are now complete: whether each is from standard error, and its text."""
        self._data += data
        found = []
        while len(self._data) >= 8:
            end = 8 + int.from_bytes(self._data[4:8], "big")
            if len(self._data) < end:
                break
            found.append((self._data[0] == 2, self._data[8:end]))
            self._data = self._data[end:]
        return found


def addresses(inspected: dict[str, Any]) -> list[str]:
    """The addresses at which a component may answer in its own network: loopback first, then its own."""
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    own = [each["IPAddress"] for each in networks.values() if each.get("IPAddress")]
    return [_LOOPBACK, *sorted(own)]
