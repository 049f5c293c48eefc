"""Redis and what speaks like it (Valkey, KeyDB), by redis-py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chaoskit.runtime import Runtime

PORT = 6379


@contextlib.contextmanager
def client(
    runtime: Runtime, component: str, password: str | None = None, timeout: float = 2.0
) -> Iterator[redis.Redis]:
    """A client over the harness's own link, for the length of a ``with`` block.

    redis-py 8 retries ten times by default, with five seconds for each: the harness wants to see
    what is there now, so it tries once.

    Args:
        runtime: where the component runs.
        component: the server.
        password: taken from the component's ``REDIS_PASSWORD`` or ``VALKEY_PASSWORD`` if not given.
        timeout: seconds for connecting and for each command.

    Raises:
        redis.RedisError: from the commands, as redis-py has them.
    """
    host, port = runtime.address(component, PORT)
    given = runtime.environment(component)
    opened = redis.Redis(
        host=host,
        port=port,
        password=password or given.get("REDIS_PASSWORD") or given.get("VALKEY_PASSWORD"),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield opened
    finally:
        opened.close()
