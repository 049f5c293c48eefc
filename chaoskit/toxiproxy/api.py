"""One Toxiproxy server, through the public classes of toxiproxy-python.

chaoskit corrects the library in the following points, and only in this module:

1. One address for the whole process: the library's classes call ``APIConsumer``, whose host and port are
   class attributes. Here each :class:`Server` has its own subclass of that consumer. Each method that would
   call the library's consumer is overridden, or disabled (``None``) if chaoskit does not use it. So several
   servers and threads work at the same time, and no shared state changes.
2. No deadline in the library: every call here has one.
3. The environment: neither a proxy from ``HTTP_PROXY`` nor a password from ``~/.netrc`` is used.
4. Errors: the library turns 400, 404 and 409 into exceptions that hold bytes, takes every other status for
   a success, and passes on the errors of ``requests``. Each of these is a :class:`ToxiproxyFailure` here.
5. Answers of another program, and states that lack a field: Python errors there, failures here.
6. Listings: the library drops the toxics in them, and asks for all proxies to find one.
7. ``enable`` and ``disable`` use POST there, which is deprecated, and PATCH here.
8. ``create`` asks for all proxies first there; here the server itself refuses a name that is taken.
9. ``Proxy.down`` and ``Toxiproxy.reset`` also enable proxies that were disabled on purpose, so both are
   disabled here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import requests
from toxiproxy import Proxy, Toxiproxy
from toxiproxy.api import APIConsumer, validate_response
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from chaoskit.errors import ToxiproxyFailure
from chaoskit.runtime import Toxic
from chaoskit.toxiproxy.units import from_wire

_STATUS_OF_ERROR: Final = {InvalidToxic: 400, NotFound: 404, ProxyExists: 409}
"""The HTTP status for which the library raises each of its exceptions."""
_EVIDENCE_CHARACTERS: Final = 400
"""Characters of an answer that an error shows."""
_REPLACE_REMEDY: Final = (
    "if this persists, replace the Toxiproxy container (chaoskit clean, then start again)"
)
_BLOCKED_REMEDY: Final = f"removing a toxic can block Toxiproxy's API; {_REPLACE_REMEDY}"
_GONE_REMEDY: Final = f"check whether its container runs (docker ps); {_REPLACE_REMEDY}"
_OTHER_PROGRAM_REMEDY: Final = "check whether another program has taken the port"


class NotThere(ToxiproxyFailure):
    """The server has no such proxy or toxic (HTTP 404)."""


class _Consumer(APIConsumer):  # type: ignore[misc]
    @classmethod
    def patch(cls, url: str, **kwargs: Any) -> Any:
        return validate_response(requests.patch(f"http://{cls.host}:{cls.port}{url}", **kwargs))


class ServedProxy(Proxy):  # type: ignore[misc]
    """One proxy of one server. At first it has only a name; :meth:`read` fetches its state."""

    destroy = down = None

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name, self._path = server, name, f"/proxies/{name}"

    def read(self) -> ServedProxy:
        """Fetch the state; returns itself."""
        self.server.call("GET", self._path, self.take)
        return self

    def take(self, state: Mapping[str, Any]) -> ServedProxy:
        """Take over a state from the server's answer; returns itself."""
        super().__init__(**state)
        self._toxics = {each["name"]: from_wire(each) for each in state["toxics"]}
        return self

    def toxics(self) -> dict[str, Toxic]:
        """The toxics of the state by name, in chaoskit's units and in the order of each stream."""
        return self._toxics

    def add_toxic(self, **values: Any) -> None:
        """Add a toxic in Toxiproxy's units; an existing toxic with that name is an error."""
        self.server.call("POST", f"{self._path}/toxics", json=values)

    def destroy_toxic(self, toxic_name: str) -> bool:
        """Remove a toxic; returns whether it existed."""
        try:
            self.server.call("DELETE", f"{self._path}/toxics/{toxic_name}")
        except NotThere:
            return False
        return True

    def enable(self) -> None:
        """Let the proxy listen."""
        self.server.call("PATCH", self._path, json={"enabled": True})

    def disable(self) -> None:
        """Stop the proxy listening, and close its connections."""
        self.server.call("PATCH", self._path, json={"enabled": False})


class Server(Toxiproxy):  # type: ignore[misc]
    """One server. Every call that fails raises :class:`ToxiproxyFailure`.

    Args:
        name: its name in errors.
        host: the host on which its API listens.
        port: the API's port.
        deadline: seconds within which each call must connect, and again to be answered.
    """

    running = reset = update_api_consumer = None

    def __init__(self, name: str, host: str, port: int, deadline: float) -> None:
        self.name, self.where, self._deadline = name, f"http://{host}:{port}", deadline
        self._consumer = type("Consumer", (_Consumer,), {"host": host, "port": port})

    def version(self) -> str:
        """The server's version, which is the cheapest call of the API."""
        return str(self.call("GET", "/version", lambda answer: answer["version"]))

    def proxies(self) -> dict[str, ServedProxy]:
        """All proxies by name, with their states, in one call."""

        def take(answer: Mapping[str, Any]) -> dict[str, ServedProxy]:
            return {name: ServedProxy(self, name).take(state) for name, state in answer.items()}

        found: dict[str, ServedProxy] = self.call("GET", "/proxies", take)
        return found

    def create(self, upstream: str, name: str, listen: str, enabled: bool) -> ServedProxy:
        """Create a proxy; an existing proxy with that name is an error."""
        values = {"name": name, "listen": listen, "upstream": upstream, "enabled": enabled}
        self.call("POST", "/proxies", json=values)
        return ServedProxy(self, name)

    def call(
        self, method: str, path: str, take: Callable[[Any], Any] = lambda answer: None, **sent: Any
    ) -> Any:
        """Call the API on a new connection, because a connection kept alive would be dead after a restart.

        Args:
            method: the HTTP method, in capitals.
            path: the path after the server's address.
            take: makes the result from the decoded answer, which is ``None`` if the answer is empty.
            sent: the body, as ``json``.
        """
        where = f"{method} {self.where}{path} (Toxiproxy {self.name!r})"
        failure = partial(ToxiproxyFailure, where=where)
        try:
            answer = getattr(self._consumer, method.lower())(
                path,
                timeout=self._deadline,
                proxies={"http": ""},  # overrides the environment's; empty means no proxy
                auth=lambda request: request,  # overrides that of ~/.netrc
                **sent,
            )
            status, content = answer.status_code, answer.content
        except tuple(_STATUS_OF_ERROR) as error:
            status, content = _STATUS_OF_ERROR[type(error)], error.args[0]
        except requests.Timeout as error:
            limit = f"{self._deadline:g} s"
            raise failure(
                "Toxiproxy did not answer in time", limit=limit, evidence=str(error), remedy=_BLOCKED_REMEDY
            ) from None
        except requests.RequestException as error:
            raise failure("Toxiproxy cannot be reached", evidence=str(error), remedy=_GONE_REMEDY) from None
        text = content.decode(errors="replace").strip()
        if status >= requests.codes.bad_request:
            kind = NotThere if status == _STATUS_OF_ERROR[NotFound] else ToxiproxyFailure
            raise kind(
                "Toxiproxy refused a call", where=where, evidence=f"HTTP {status}: {_error_text(text)}"
            )
        try:
            return take(json.loads(text) if text else None)
        except (ValueError, LookupError, TypeError, AttributeError):
            evidence = text[:_EVIDENCE_CHARACTERS]
            raise failure(
                "what answers is not Toxiproxy", evidence=evidence, remedy=_OTHER_PROGRAM_REMEDY
            ) from None


def _error_text(text: str) -> str:
    try:
        return str(json.loads(text)["error"]) or "no text"
    except (ValueError, LookupError, TypeError):
        return text[:_EVIDENCE_CHARACTERS] or "no text"
