"""Which engine: the one that the ``docker`` command would use."""

from __future__ import annotations

import os
from typing import Any

import docker
from docker.context import Context, ContextAPI
from docker.errors import ContextNotFound
from docker.tls import TLSConfig


def engine(**options: Any) -> docker.DockerClient:
    """A client for the engine of ``DOCKER_HOST``, else of the current context, else of the default socket.

    The SDK itself knows nothing of contexts, and with Docker Desktop or Colima there is often no
    default socket.

    Args:
        options: as :class:`docker.DockerClient` takes them: ``timeout``, ``max_pool_size``.

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
