"""The engine's events about the containers of a run, as the names of those that something befell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import docker

from chaoskit.errors import ChaoskitError
from chaoskit.interpose import RUN_LABEL
from chaoskit.runtime.engine import ENGINE_ERRORS, Containers, calling, connect, hang_up, name_of

_RECONNECT = 0.5
"""Seconds between two attempts to follow an engine that has closed the stream."""


class Events:
    """Follows the engine in a thread of its own.

    Args:
        containers: those of the run.
        tell: takes a component's name, from that thread; called once for each container that is
            already there, too.
    """

    def __init__(self, containers: Containers, tell: Callable[[str], None]) -> None:
        self._containers = containers
        self._tell = tell
        self._stopping = threading.Event()
        self._client: docker.DockerClient | None = None
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="chaoskit-events", daemon=True)

    def start(self) -> None:
        """When this returns no later event can be missed.

        Raises:
            EngineUnavailable, RuntimeFailure: the engine does not let itself be followed.
        """
        self._client = connect(None)
        self._follow()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        self._hang_up()
        if self._thread.is_alive():
            self._thread.join(5.0)
        if self._client is not None:
            self._client.close()

    def _follow(self) -> None:
        assert self._client is not None
        with calling("follow the engine's events"):
            self._stream = self._client.api.events(
                decode=True,
                filters={
                    "type": "container",
                    "label": f"{RUN_LABEL}={self._containers.run_id}",
                    # kill: a signal was sent, so it may cease to listen long before it dies.
                    "event": ["start", "kill", "die", "pause", "unpause", "health_status"],
                },
            )
        for name in self._containers.list():
            self._tell(name)

    def _hang_up(self) -> None:
        if self._stream is not None:
            hang_up(self._stream)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with suppress(*ENGINE_ERRORS, AttributeError, ValueError):
                for event in self._stream:
                    if name := name_of(event["Actor"]["Attributes"]):
                        self._containers.learn(name, event["Actor"]["ID"])
                        self._tell(name)
            while not self._stopping.wait(_RECONNECT):
                with suppress(ChaoskitError):
                    self._follow()
                    break
