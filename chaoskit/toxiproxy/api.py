"""One Toxiproxy server, through the public classes of toxiproxy-python.

This is all that chaoskit mends in the library, and it mends it nowhere else:

1. One address for the process: the library's classes call ``APIConsumer``, whose host and port are class
   attributes. Each :class:`Server` here has a subclass of that consumer for itself. Each method that would
   call the library's own consumer is overridden, or closed (``None``) if chaoskit does not use it.
   So several servers and threads work at a time, and nothing that others share is changed.
2. No deadline: every call has one.
3. The environment: neither a proxy from ``HTTP_PROXY`` nor a password from ``~/.netrc`` is used.
4. Errors: 400, 404 and 409 become exceptions that hold bytes, every other status counts as success, and
   the connection's errors are those of ``requests``. Each is a :class:`ToxiproxyFailure` here.
5. Answers of another program, and states that lack a field: an error of Python there, a failure here.
6. Listings: the library drops the toxics in them, and asks for all proxies to find one.
7. ``enable`` and ``disable`` use POST, which is deprecated: PATCH here.
8. ``create`` asks for all proxies first: here the server refuses a name that is taken.
9. ``Proxy.down`` and ``Toxiproxy.reset`` also enable what was disabled for a reason: both are closed.
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
_REPLACE_REMEDY: Final = (
    "if it goes on, the Toxiproxy container may need replacing (chaoskit clean, then start again)"
)
_BLOCKED_REMEDY: Final = f"removing a toxic can block Toxiproxy's API; {_REPLACE_REMEDY}"
_GONE_REMEDY: Final = f"see whether its container runs (docker ps); {_REPLACE_REMEDY}"
_OTHER_PROGRAM_REMEDY: Final = "another program may have taken the port"


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

    def take(self, told: Mapping[str, Any]) -> ServedProxy:
        """Take over the state that the server tells; returns itself."""
        super().__init__(**told)
        self._toxics = {each["name"]: from_wire(each) for each in told["toxics"]}
        return self

    def toxics(self) -> dict[str, Toxic]:
        """The toxics of the state by name, in chaoskit's units, each stream in its order."""
        return self._toxics

    def add_toxic(self, **values: Any) -> None:
        """Add a toxic in Toxiproxy's units; one of that name is an error."""
        self.server.call("POST", f"{self._path}/toxics", json=values)

    def destroy_toxic(self, toxic_name: str) -> bool:
        """Remove a toxic; returns whether there was one."""
        try:
            self.server.call("DELETE", f"{self._path}/toxics/{toxic_name}")
        except NotThere:
            return False
        return True

    def enable(self) -> None:
        """Let it listen."""
        self.server.call("PATCH", self._path, json={"enabled": True})

    def disable(self) -> None:
        """Stop listening and close its connections."""
        self.server.call("PATCH", self._path, json={"enabled": False})


class Server(Toxiproxy):  # type: ignore[misc]
    """One server. Every call that fails raises :class:`ToxiproxyFailure`.

    Args:
        name: how errors call it.
        host: where its API listens.
        port: the API's port.
        deadline: seconds within which each call must connect, and be answered.
    """

    running = reset = update_api_consumer = None

    def __init__(self, name: str, host: str, port: int, deadline: float) -> None:
        self.name, self.where, self._deadline = name, f"http://{host}:{port}", deadline
        self._consumer = type("Consumer", (_Consumer,), {"host": host, "port": port})

    def version(self) -> str:
        """The version that it tells: the cheapest call there is."""
        return str(self.call("GET", "/version", lambda told: told["version"]))

    def proxies(self) -> dict[str, ServedProxy]:
        """All proxies by name, with their states, in one call."""

        def take(told: Mapping[str, Any]) -> dict[str, ServedProxy]:
            return {name: ServedProxy(self, name).take(state) for name, state in told.items()}

        found: dict[str, ServedProxy] = self.call("GET", "/proxies", take)
        return found

    def create(self, upstream: str, name: str, listen: str, enabled: bool) -> ServedProxy:
        """Create a proxy; one of that name is an error."""
        values = {"name": name, "listen": listen, "upstream": upstream, "enabled": enabled}
        self.call("POST", "/proxies", json=values)
        return ServedProxy(self, name)

    def call(
        self, method: str, path: str, take: Callable[[Any], Any] = lambda told: None, **sent: Any
    ) -> Any:
        """Call the API, on a connection of its own: one kept alive would be dead after a restart.

        Args:
            method: the HTTP method, in capitals.
            path: what follows the server's address.
            take: makes the result of the decoded answer, which is ``None`` if the answer is empty.
            sent: the body, as ``json``.
        """
        where = f"{method} {self.where}{path} (Toxiproxy {self.name!r})"
        failure = partial(ToxiproxyFailure, where=where)
        try:
            answer = getattr(self._consumer, method.lower())(
                path,
                timeout=self._deadline,
                proxies={"http": ""},  # goes before the environment's; an empty one means none
                auth=lambda request: request,  # goes before that of ~/.netrc
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
