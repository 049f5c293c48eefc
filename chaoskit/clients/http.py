"""A client for components that speak HTTP: one request over the harness's own link."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

from chaoskit.errors import HarnessFailure
from chaoskit.runtime import Runtime

_MOST_BODY_BYTES = 65_536
"""The most bytes that are read of an answer's body."""


class NoAnswer(Exception):
    """The component gave no answer in HTTP; the text says what happened instead."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer: its status, and up to 64 KiB of its body as text."""

    status: int
    body: str


def get(runtime: Runtime, component: str, port: int, path: str, timeout: float = 2.0) -> HttpAnswer:
    """GET a path once: without a proxy, without following redirects, without a second try.

    Args:
        runtime: the runtime of the system.
        component, port: the component to ask, and its port.
        path: the path, beginning with a slash.
        timeout: seconds for connecting, and for each read.

    Raises:
        NoAnswer: the component cannot be reached, is too slow, or does not speak HTTP.
    """
    try:
        host, published = runtime.address(component, port)
        connection = http.client.HTTPConnection(host, published, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Host": component, "Connection": "close"})
            response = connection.getresponse()
            return HttpAnswer(response.status, response.read(_MOST_BODY_BYTES).decode(errors="replace"))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, HarnessFailure) as error:
        raise NoAnswer(str(error).splitlines()[0] if str(error) else type(error).__name__) from error
