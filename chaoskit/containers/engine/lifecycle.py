"""Acting on components, and asking about them, by name and through the engine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker.errors import APIError

from chaoskit.clock import Clock
from chaoskit.containers.engine.client import (
    CALL_DEADLINE,
    ENGINE_ERRORS,
    Containers,
    calling,
    hang_up,
    state_of,
)
from chaoskit.errors import RuntimeFailure
from chaoskit.runtime import Executed, State

_DOWN_STATUSES = frozenset({"created", "exited", "dead", "missing"})


class Lifecycle:
    """Acts on components.

    Each call has a deadline, returns when the engine confirms the new state, and may be repeated.

    Args:
        containers: which container each component is.
        clock: times the confirmations.

    Raises:
        RuntimeFailure: from every method, if the engine refuses or the new state is not confirmed.
    """

    def __init__(self, containers: Containers, clock: Clock) -> None:
        self._containers = containers
        self._api = containers.client.api
        self._clock = clock

    def state(self, component: str) -> State:
        """What the engine says of it now."""
        return state_of(self._containers.inspect(component))

    def kill(self, component: str) -> None:
        """Kill it with SIGKILL.

        Whatever its restart policy, the engine does not restart it: a kill through the API counts as
        a stop by hand.
        """
        container = self._containers.id(component)
        with calling("kill", component):
            try:
                self._api.kill(container, signal="SIGKILL")
            except APIError as error:
                # 409: it is already down. But a container between two restarts still has to be stopped.
                if error.status_code != 409:
                    raise
                self._api.stop(container, timeout=0)
        self._confirm(component, "down", _DOWN_STATUSES)

    def stop(self, component: str, timeout: float = 10.0) -> None:
        """Send its stop signal, and SIGKILL after ``timeout`` seconds."""
        container = self._containers.id(component)
        with calling("stop", component):
            self._api.stop(container, timeout=round(timeout))
        self._confirm(component, "down", _DOWN_STATUSES)

    def start(self, component: str) -> None:
        """Start it, unless it already runs."""
        container = self._containers.id(component)
        with calling("start", component):
            self._api.start(container)

    def restart(self, component: str, timeout: float = 10.0) -> None:
        """Stop and start it."""
        container = self._containers.id(component)
        with calling("restart", component):
            self._api.restart(container, timeout=round(timeout))

    def pause(self, component: str) -> None:
        """Freeze all of its processes."""
        if self.state(component).status != "paused":
            container = self._containers.id(component)
            with calling("pause", component):
                self._api.pause(container)
        self._confirm(component, "paused", {"paused"})

    def resume(self, component: str) -> None:
        """Let its processes run again; a component that is not paused is not an error."""
        if self.state(component).status != "paused":
            return
        container = self._containers.id(component)
        with calling("resume", component):
            self._api.unpause(container)
        if self.state(component).status == "paused":
            raise RuntimeFailure(
                f"{component} is still paused after the engine resumed it",
                where=f"component {component}",
                remedy="read the engine's own log (journalctl -u docker)",
            )

    def logs(self, component: str, lines: int = 20) -> str:
        """The last lines of its output, both streams."""
        container = self._containers.find(component)
        if container is None:
            return ""
        with calling("read the output of", component):
            text: bytes = self._api.logs(container, stdout=True, stderr=True, tail=lines)
        return text.decode(errors="replace").rstrip()

    def stats(self, component: str) -> Mapping[str, float]:
        """``cpu_seconds``, ``memory_bytes`` (without idle page cache) and ``processes`` of it now."""
        container = self._containers.id(component)
        with calling("read the statistics of", component):
            stats: dict[str, Any] = self._api.stats(container, stream=False, one_shot=True)
        memory = stats.get("memory_stats") or {}
        detail = memory.get("stats") or {}
        cache = detail.get("inactive_file", detail.get("total_inactive_file", 0))
        return {
            "cpu_seconds": ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage", 0)
            / 1e9,
            "memory_bytes": float(max(0, memory.get("usage", 0) - cache)),
            "processes": float((stats.get("pids_stats") or {}).get("current", 0)),
        }

    def environment(self, component: str) -> Mapping[str, str]:
        """The environment that it was started with."""
        entries = (self._containers.inspect(component).get("Config") or {}).get("Env") or ()
        return dict(entry.partition("=")[::2] for entry in entries)

    def execute(self, component: str, command: Sequence[str], timeout: float = 10.0) -> Executed:
        """Run a command inside it; a command that takes too long is killed if this process may do so."""
        container = self._containers.id(component)
        chunks: list[bytes] = []
        with calling(f"run {command[0]!r} in", component):
            execution = self._api.exec_create(container, list(command))["Id"]
            stream = self._api.exec_start(execution, stream=True)
        reader = threading.Thread(target=_collect, args=(stream, chunks), name="chaoskit-exec", daemon=True)
        reader.start()
        reader.join(timeout)
        late = reader.is_alive()
        with calling(f"run {command[0]!r} in", component):
            ended = self._api.exec_inspect(execution)
        if late:
            _kill_process(int(ended.get("Pid") or 0), container)
        hang_up(stream)
        reader.join(1.0)
        output = b"".join(chunks).decode(errors="replace")
        if late:
            raise RuntimeFailure(
                f"a command in {component} did not end in time: {' '.join(command)}",
                where=f"component {component}",
                limit=f"{timeout:g} s",
                evidence="\n".join(output.splitlines()[-5:]) or "it printed nothing",
                remedy=f"run it by hand to see why: docker exec {container[:12]} {' '.join(command)}",
            )
        return Executed(exit_code=int(ended["ExitCode"]), output=output)

    def _confirm(self, component: str, expected: str, statuses: frozenset[str] | set[str]) -> None:
        began = self._clock.now()
        while (state := self.state(component)).status not in statuses:
            if self._clock.now() - began > CALL_DEADLINE:
                raise RuntimeFailure(
                    f"{component} was not {expected} in time",
                    where=f"component {component}",
                    limit=f"{CALL_DEADLINE:g} s",
                    evidence=f"its state is {state.status}",
                    remedy="read the engine's own log (journalctl -u docker)",
                )
            self._clock.sleep(0.01)


def _collect(stream: Any, chunks: list[bytes]) -> None:
    with suppress(*ENGINE_ERRORS, ValueError):  # the stream is closed after the limit
        for chunk in stream:
            chunks.append(chunk)  # noqa: PERF402  # the output before the limit is evidence


def _kill_process(pid: int, container: str) -> None:
    """Kill a process of the container, if it runs on this machine and this user is allowed to."""
    try:
        if pid and container in Path(f"/proc/{pid}/cgroup").read_text():
            os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
