"""The sources of floods: each a container of its own, in the network of the component that it floods.

There 127.0.0.0/8 gives any number of source addresses without privileges, nothing leaves the
namespace, and neither Toxiproxy nor a published port stands in the way. The container's standard
input is the lease: it ends with the process that holds it, and the source ends with it.
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

_LAST_WORDS: Final = 2.0
"""Seconds that a source has for its total after it was told to stop."""

_MEMORY: Final = "512m"
_LOOPBACK: Final = "127.0.0.1"


class DockerFlood:
    """A :class:`chaoskit.flood.Flood` in a container.

    Args:
        client: the engine.
        run_id: the run whose label it carries.
        component, container: whom it floods, and that component's container.
        plan: what is asked.
        clock: the time.

    Raises:
        ImageUnavailable: the sidecar's image is neither here nor can it be built.
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
        self._told = clock.now()
        with calling("start a flood at", component):
            seen = client.api.inspect_container(container)
            made = create(
                client,
                run_id,
                container,
                command(plan, addresses(seen)),
                labels={TARGET_LABEL: f"{container}@{seen['State']['StartedAt']}"},
                stdin_open=True,
                mem_limit=_MEMORY,
                memswap_limit=_MEMORY,
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
        # Some of the SDK's sockets are wrapped, and only what is inside can write, too.
        self._socket: Any = getattr(self._stream, "_sock", self._stream)
        self._thread = threading.Thread(target=self._follow, name="chaoskit-flood", daemon=True)
        self._thread.start()

    @property
    def target(self) -> str:
        """Where it found the entry; empty until it has."""
        return self._target

    def reports(self) -> Sequence[Report]:
        """What it told of each whole second so far."""
        return tuple(self._reports)

    def total(self) -> Report | None:
        """What it told at its end."""
        return self._total

    def silent_for(self) -> float:
        """Seconds since it last told anything."""
        return self._clock.now() - self._told

    def ended(self) -> str:
        """Why it has ended; empty while it runs."""
        return self._ended

    def stop(self) -> None:
        """Tell it to end, hear its total, and remove its container."""
        with suppress(*ENGINE_ERRORS, ValueError):  # it has ended already
            self._socket.sendall(STOP_MESSAGE + b"\n")
        self._thread.join(_LAST_WORDS)
        self._remove()
        self._thread.join(_LAST_WORDS)

    def left(self) -> str:
        """Its container, as long as the engine knows it."""
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
        """Take what it tells, and give it a sign of life each second."""
        frames, lines = Frames(), b""
        beat = self._clock.now()
        last_error = ""
        with suppress(*ENGINE_ERRORS, ValueError):  # the stream has gone: so has the source
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
        self._ended = self._ended or last_error or "it ended without a word"

    def _hear(self, line: bytes) -> None:
        message = json.loads(line)
        self._told = self._clock.now()
        if "begin" in message:
            self._target = message["begin"]
        elif "second" in message:
            self._reports.append(Report.from_json(message["second"]))
        elif "end" in message:
            self._total = Report.from_json(message["total"])
            self._ended = message["end"]
        else:
            self._ended = f"it could not begin: {message['error']}"


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
        """Start one."""
        run = self._containers
        made = DockerFlood(run.client, run.run_id, component, run.id(component), plan, self._clock)
        self._started.append(made)
        return made

    def close(self) -> None:
        """End all of them."""
        while self._started:
            self._started.pop().stop()


class Frames:
    """Takes apart what the engine sends of a container: a header of eight bytes before each piece.

    The format is that of the engine's API, ``ContainerAttach``, "Stream format".
    """

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> list[tuple[bool, bytes]]:
        """Whole pieces: whether they are of standard error, and what they say."""
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
    """Where a component may answer in its own network: on loopback, else on an address of its own."""
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    own = [each["IPAddress"] for each in networks.values() if each.get("IPAddress")]
    return [_LOOPBACK, *sorted(own)]
