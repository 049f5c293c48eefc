"""The Docker engine that the ``docker`` command would use, through its SDK.

Every call has a deadline, and the SDK's errors become chaoskit's own.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import docker
import requests.exceptions
from docker.context import Context, ContextAPI
from docker.errors import APIError, ContextNotFound, DockerException, NotFound
from docker.tls import TLSConfig

from chaoskit.errors import EngineUnavailable, RuntimeFailure
from chaoskit.interpose import COMPONENT_LABEL, RUN_LABEL
from chaoskit.runtime import State


def engine(**options: Any) -> docker.DockerClient:
    """A client for the engine of ``DOCKER_HOST``, of the current context, or of the default socket.

    The first of these that is set counts. The SDK's own ``from_env`` ignores contexts, and with Docker
    Desktop or Colima the default socket often does not exist.

    Args:
        options: options of :class:`docker.DockerClient`: ``timeout``, ``max_pool_size``.

    Raises:
        docker.errors.DockerException, OSError: there is no such context, or no engine answers.
    """
    if not os.environ.get("DOCKER_HOST"):
        name = os.environ.get("DOCKER_CONTEXT")
        context: Context | None = ContextAPI.get_context(name)
        if context is None:
            raise ContextNotFound(str(name))
        if context.name != "default":
            tls: TLSConfig | None = context.TLSConfig
            return docker.DockerClient(base_url=context.Host, tls=tls or False, **options)
    return docker.from_env(**options)


_SERVICE_LABEL = "com.docker.compose.service"

CALL_DEADLINE = 20
"""Seconds for one call to the engine; a call that waits by design gets its wait in addition."""

ENGINE_ERRORS = (DockerException, requests.exceptions.RequestException, OSError)
"""All that the SDK raises. urllib3 and its sockets raise their own errors while a body is read."""


def connect(deadline: int | None = CALL_DEADLINE) -> docker.DockerClient:
    """A client for the engine that the ``docker`` command would use; the engine has answered once.

    Args:
        deadline: seconds for each call; ``None`` for a client that only follows a stream.

    Raises:
        EngineUnavailable: no engine answers; with the address that was tried.
    """
    # After a failed connection the SDK leaves its socket to the garbage collector, which warns of it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        client = None
        try:
            # A timeout of None means no deadline to the SDK, although its type hints do not say so.
            client = engine(timeout=deadline, max_pool_size=32)
            client.ping()
            return client
        except ENGINE_ERRORS as error:
            failure = _unavailable(error)
        if client is not None:
            client.close()
        gc.collect()
    raise failure


def _unavailable(error: Exception) -> EngineUnavailable:
    if host := os.environ.get("DOCKER_HOST"):
        tried = f"DOCKER_HOST={host}"
    elif context := os.environ.get("DOCKER_CONTEXT"):
        tried = f"the docker context {context!r} (DOCKER_CONTEXT)"
    else:
        tried = "the current docker context, by default unix:///var/run/docker.sock"
    said = str(error).lower()
    if "permission denied" in said:
        remedy = "add this user to the engine's group (sudo usermod -aG docker $USER), then log in again"
    elif sys.platform == "darwin":
        remedy = "start Docker Desktop (open -a Docker) or Colima (colima start)"
    elif sys.platform == "win32":
        remedy = "start Docker Desktop"
    else:
        remedy = "start the engine (sudo systemctl start docker), or name another one with DOCKER_HOST"
    return EngineUnavailable(
        "no container engine answers", where=tried, evidence=last_line(str(error)), remedy=remedy
    )


def last_line(text: str) -> str:
    """The last line of a text that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


@contextmanager
def calling(doing: str, component: str | None = None) -> Iterator[None]:
    """Turn every error of the SDK inside into a :class:`RuntimeFailure`.

    Args:
        doing: the action, worded to follow "could not".
        component: the component that the action is on, if it is on one.
    """
    try:
        yield
    except ENGINE_ERRORS as error:
        said = error.explanation if isinstance(error, APIError) and error.explanation else str(error)
        slow = isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error).lower()
        raise RuntimeFailure(
            f"could not {doing}" + (f" {component}" if component else ""),
            where=f"component {component}" if component else "the container engine",
            limit=f"{CALL_DEADLINE:g} s for the engine's answer" if slow else None,
            evidence=last_line(str(said)),
            remedy="chaoskit doctor checks the engine",
        ) from error


def hang_up(stream: Any) -> None:
    """End a stream of the SDK from any thread; its reader sees the end of the stream."""
    # The SDK closes the socket below the response, which may already be closed.
    with suppress(*ENGINE_ERRORS, AttributeError, ValueError):
        stream.close()
    with suppress(*ENGINE_ERRORS, AttributeError, ValueError):
        stream._response.close()  # otherwise the socket is left to the garbage collector


def name_of(labels: Mapping[str, str] | None) -> str | None:
    """The name of a run's container: its component, or the service of a Toxiproxy.

    ``None`` for a container that Compose did not create.
    """
    labels = labels or {}
    return labels.get(COMPONENT_LABEL) or labels.get(_SERVICE_LABEL)


def containers(client: docker.DockerClient, run_id: str) -> dict[str, str]:
    """The containers of a run: component or Toxiproxy's service → full id.

    A component that is being replaced has two containers. The one that runs counts. Until the new one
    has been started for the first time, the old one counts, running or not.
    """
    found = client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={run_id}"})
    return by_name(found, name_of)


def by_name(
    listed: Iterable[Mapping[str, Any]], name: Callable[[Mapping[str, str] | None], str | None]
) -> dict[str, str]:
    """Listed containers as name → full id; of several with the same name, the one with the highest rank.

    Args:
        listed: the engine's data about each container.
        name: returns the name of a container with these labels, or ``None`` to leave it out.
    """
    ranked = sorted(
        listed, key=lambda each: (_STATE_RANK.get(each.get("State", ""), 1), each.get("Created", 0))
    )
    return {found: each["Id"] for each in ranked if (found := name(each.get("Labels"))) is not None}


_STATE_RANK = {"created": 0, "running": 2, "paused": 2, "restarting": 2}
"""State of a container → its rank; every other state has rank 1."""


def state_of(inspected: Mapping[str, Any]) -> State:
    """The output of ``inspect`` as chaoskit's :class:`State`."""
    state = inspected.get("State") or {}
    health = (state.get("Health") or {}).get("Status")
    status = str(state.get("Status", "missing"))
    return State(
        status="dead" if status == "removing" else status,
        started_at=str(state.get("StartedAt", "")),
        exit_code=None if status in ("running", "paused", "missing") else state.get("ExitCode"),
        health=None if health in (None, "", "none") else str(health),
        restarts=int(inspected.get("RestartCount", 0)),
        out_of_memory=bool(state.get("OOMKilled")),
        image=str((inspected.get("Config") or {}).get("Image", "")),
    )


class Containers:
    """Which container each component is; a name that is not known yet is looked up on the engine.

    Args:
        client: the engine.
        run_id: the run whose containers count; containers that are added to it carry its label.
        listing: returns name → full id of the containers that count, if they do not carry that label.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        run_id: str,
        listing: Callable[[], Mapping[str, str]] | None = None,
    ) -> None:
        self.client = client
        self.run_id = run_id
        self._listing = listing or (lambda: containers(client, run_id))
        self._known: dict[str, str] = {}
        self._former: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def list(self) -> Mapping[str, str]:
        """All containers that exist now: name → full id."""
        with calling("list the containers of this run"):
            found = dict(self._listing())
        with self._lock:
            for name in [name for name, each in found.items() if each in self._former]:
                found[name] = self._known[name]  # the engine listed it before it was replaced
            self._known = found
            return found

    def learn(self, component: str, container: str) -> None:
        """Note which container a component is, from an event; a late event of a replaced one is ignored."""
        with self._lock:
            if container not in self._former:
                self._known = {**self._known, component: container}

    def succeed(self, component: str, old: str, new: str) -> None:
        """Make the new container the component's, even if later events are about the old one."""
        with self._lock:
            self._former |= {old}
            self._known = {**self._known, component: new}

    def find(self, component: str) -> str | None:
        """The component's container id; ``None`` while it has no container."""
        return self._known.get(component) or self.list().get(component)

    def id(self, component: str) -> str:
        """The component's container id.

        Raises:
            RuntimeFailure: the component has no container.
        """
        found = self.find(component)
        if found is None:
            known = ", ".join(sorted(self._known)) or "none"
            raise RuntimeFailure(
                f"component {component} has no container",
                evidence=f"components with one: {known}",
                remedy="use one of these names",
            )
        return found

    def inspect(self, component: str) -> dict[str, Any]:
        """All of the engine's data about the component; empty if it has no container."""
        found = self.find(component)
        while found is not None:
            with calling("inspect", component):
                try:
                    return dict(self.client.api.inspect_container(found))
                except NotFound:
                    gone = found
            found = self.list().get(component)  # a new container, if it has just been replaced
            if found == gone:
                break
        return {}
