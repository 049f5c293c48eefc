"""One Toxiproxy server through toxiproxy-python, whose address is the library's only global.

The library looks its ``APIConsumer``, a class with a host and a port, up in its modules. Here
each server has a consumer of its own, and copies of the library's classes that look up that one:
nothing that others share is changed, so several servers and threads can be used at a time.
"""

from __future__ import annotations

import json
from types import FunctionType
from typing import Any

import requests
from toxiproxy.api import APIConsumer
from toxiproxy.proxy import Proxy
from toxiproxy.server import Toxiproxy

from chaoskit.errors import ToxiproxyFailure

_REPLACE = "if it goes on, the Toxiproxy container may need replacing (chaoskit clean, then start again)"


class Refused(ToxiproxyFailure):
    """The server answered with an error; ``status`` is its HTTP status."""

    status: int = 0


class Listed(Proxy):  # type: ignore[misc]
    """The library's proxy, with the toxics that come with a listing and that it forgets."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.listed: list[dict[str, Any]] = values.get("toxics") or []


class _Consumer(APIConsumer):  # type: ignore[misc]
    """The library's HTTP calls, with a deadline, typed errors and no proxy from the environment."""

    server = ""
    deadline = 5.0

    @classmethod
    def get(cls, url: str, params: Any = None, **kwargs: Any) -> requests.Response:
        return cls.call("GET", url, params=params, **kwargs)

    @classmethod
    def post(cls, url: str, data: Any = None, json: Any = None, **kwargs: Any) -> requests.Response:
        return cls.call("POST", url, data=data, json=json, **kwargs)

    @classmethod
    def patch(cls, url: str, json: Any) -> requests.Response:
        """What the library lacks: updating by POST is deprecated."""
        return cls.call("PATCH", url, json=json)

    @classmethod
    def delete(cls, url: str, **kwargs: Any) -> requests.Response:
        return cls.call("DELETE", url, **kwargs)

    @classmethod
    def call(cls, method: str, url: str, **kwargs: Any) -> requests.Response:
        """One call, on a connection of its own: one kept alive would be dead after a restart."""
        where = f"{method} http://{cls.host}:{cls.port}{url} (Toxiproxy {cls.server!r})"
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.headers["Connection"] = "close"
                answer = session.request(
                    method, f"http://{cls.host}:{cls.port}{url}", timeout=cls.deadline, **kwargs
                )
        except requests.Timeout as error:
            raise ToxiproxyFailure(
                "Toxiproxy did not answer in time",
                where=where,
                limit=f"{cls.deadline:g} s",
                evidence=str(error),
                remedy=f"removing a toxic can block Toxiproxy's API; {_REPLACE}",
            ) from None
        except requests.RequestException as error:
            raise ToxiproxyFailure(
                "Toxiproxy cannot be reached",
                where=where,
                evidence=str(error),
                remedy=f"see whether its container runs (docker ps); {_REPLACE}",
            ) from None
        return _checked(answer, where)


def _checked(answer: requests.Response, where: str) -> requests.Response:
    """The answer if it is a good one: the library takes a 500 for JSON and fails on it."""
    text = answer.text.strip()
    if answer.ok:
        try:
            if text:
                json.loads(text)
            return answer
        except ValueError:
            raise ToxiproxyFailure(
                "what answers is not Toxiproxy",
                where=where,
                evidence=text[:400],
                remedy="another program may have taken the port",
            ) from None
    try:
        said = str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        said = text[:400]
    error = Refused(
        "Toxiproxy refused a call", where=where, evidence=f"HTTP {answer.status_code}: {said or 'no text'}"
    )
    error.status = answer.status_code
    raise error


def _looking_up(library: type[Any], **names: Any) -> type[Any]:
    """A copy of a class of the library whose methods find ``names`` in place of its module's globals."""
    methods = {
        name: FunctionType(
            value.__code__, {**value.__globals__, **names}, name, value.__defaults__, value.__closure__
        )
        for name, value in vars(library).items()
        if isinstance(value, FunctionType)
    }
    return type(library.__name__, (library,), methods)


class Server:
    """One server: the library's objects, and the calls that it lacks.

    Args:
        name: how errors call it.
        host: where its API listens.
        port: the API's port.
        deadline: seconds within which each call must connect, and be answered.
    """

    def __init__(self, name: str, host: str, port: int, deadline: float) -> None:
        members = {"host": host, "port": port, "server": name, "deadline": deadline}
        self._api: type[_Consumer] = type("Consumer", (_Consumer,), members)
        # ``Listed`` is copied from the library's own ``Proxy``, where the methods are.
        self._proxy = type("Proxy", (Listed, _looking_up(Proxy, APIConsumer=self._api)), {})
        self._library = _looking_up(Toxiproxy, APIConsumer=self._api, Proxy=self._proxy)()

    @property
    def where(self) -> str:
        """The API's address, for people."""
        return f"http://{self._api.host}:{self._api.port}"

    def version(self) -> str:
        """What it says of itself: the cheapest call there is."""
        return self._api.get("/version").text

    def proxies(self) -> dict[str, Any]:
        """All proxies by name, with their toxics, in one call."""
        proxies: dict[str, Any] = self._library.proxies()
        return proxies

    def proxy(self, name: str) -> Any:
        """One proxy, without fetching all of them as the library does."""
        return self._proxy(**self._api.get(f"/proxies/{name}").json())

    def create(self, name: str, listen: str, upstream: str, enabled: bool) -> None:
        """Create a proxy; one of that name is an error."""
        values = {"name": name, "listen": listen, "upstream": upstream, "enabled": enabled}
        self._api.post("/proxies", json=values)

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Take a proxy up or down; the library would POST, which is deprecated."""
        self._api.patch(f"/proxies/{name}", json={"enabled": enabled})
