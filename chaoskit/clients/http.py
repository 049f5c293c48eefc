"""A component that speaks HTTP, asked once over the harness's own link."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

from chaoskit.errors import HarnessFailure
from chaoskit.runtime import Runtime

_MOST = 65_536
"""Bytes that are read of an answer."""


class NoAnswer(Exception):
    """Nothing that is HTTP came back; the text says what did."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A response: its status, and its body as text, at most 64 KiB of it."""

    status: int
    body: str


def get(runtime: Runtime, component: str, port: int, path: str, timeout: float = 2.0) -> HttpAnswer:
    """GET a path. No proxy, no redirect, no second try.

    Args:
        runtime: where the component runs.
        component, port: who is asked.
        path: the path, with its slash.
        timeout: seconds for connecting, and for each read.

    Raises:
        NoAnswer: it cannot be reached, is too slow, or speaks something else.
    """
    try:
        host, published = runtime.address(component, port)
        connection = http.client.HTTPConnection(host, published, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Host": component, "Connection": "close"})
            response = connection.getresponse()
            return HttpAnswer(response.status, response.read(_MOST).decode(errors="replace"))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, HarnessFailure) as error:
        raise NoAnswer(str(error).splitlines()[0] if str(error) else type(error).__name__) from error
