"""The entries: which of them answer HTTP, on which path, and what their journeys are called.

Each published port is asked for paths, the most telling ones first, until one answers with success.
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

from chaoskit.clock import Clock
from chaoskit.runtime import Runtime
from chaoskit.starter.calm import RATES_PER_S
from chaoskit.starter.choice import POSTGRES_PORT, REDIS_PORT, Kind, Known, python_name, unique
from chaoskit.starter.model import HttpEntry, UnusedEntry

ASK_AGAIN_WITHIN = 15.0
"""Seconds in which an entry is asked again: the application may still be warming up."""

_ASK_AGAIN_EVERY = 0.5
_ANSWER_WITHIN = 5.0
_HTTP_START = b"HTTP/"
_MOST_REDIRECTS = 5
_MOST_ANSWERS_SHOWN = 3


Tell = Callable[[str], None]

_PROTOCOLS = {
    Kind.POSTGRES: {POSTGRES_PORT: "PostgreSQL"},
    Kind.STANDBY: {POSTGRES_PORT: "PostgreSQL"},
    Kind.REDIS: {REDIS_PORT: "Redis"},
}
"""Ports of known components whose protocol is known: they are not asked for a page."""


_URL = re.compile(r"https?://[^/\s'\"]+(/[^\s'\")\\;|]*)")
_PAGE_PATHS = ("/index.html", "/login", "/api", "/api/v1", "/docs")
_HEALTH_PATHS = (
    "/health",
    "/healthz",
    "/api/health",
    "/status",
    "/ping",
    "/ready",
    "/readyz",
    "/livez",
    "/version",
)


def candidates(service: str, config: Mapping[str, Any], given: Iterable[str] = ()) -> tuple[str, ...]:
    """The paths to try at an entry.

    A page that users see comes before a health check. The health checks of the services behind the entry
    come before the entry's own, since they lead further into the system.

    Args:
        service: the service behind the entry.
        config: what ``docker compose config`` says.
        given: the paths that the user names; tried first.
    """
    services: Mapping[str, Any] = config.get("services") or {}
    own = list(_health_paths(services.get(service) or {}))
    others = [path for name, each in services.items() if name != service for path in _health_paths(each)]
    return tuple(dict.fromkeys([*given, "/", *_PAGE_PATHS, *others, *_HEALTH_PATHS, *own]))


def _health_paths(service: Mapping[str, Any]) -> Iterable[str]:
    """The paths in a service's health check."""
    test = (service.get("healthcheck") or {}).get("test") or ()
    text = test if isinstance(test, str) else " ".join(map(str, test))
    return _URL.findall(text)


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """What an entry answered.

    Attributes:
        path: the path that answers with success; ``None`` if there is none.
        says: what was found, one clause that follows the entry's name.
        seconds: how long the answer took.
        again: whether another answer may come in a moment.
    """

    path: str | None
    says: str
    seconds: float = 0.0
    again: bool = False


def ask(address: str, paths: Iterable[str], clock: Clock) -> EntryAnswer:
    """Find a path that answers with success.

    Args:
        address: ``127.0.0.1:12345``.
        paths: the paths to try, in this order.
        clock: lets time pass between two rounds.
    """
    wanted = tuple(paths)
    until = clock.now() + ASK_AGAIN_WITHIN
    with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=_ANSWER_WITHIN) as client:
        while True:
            answer = _greeting(address) or _round(client, wanted, clock)
            if not answer.again or clock.now() > until:
                return answer
            clock.sleep(_ASK_AGAIN_EVERY)


def _greeting(address: str) -> EntryAnswer | None:
    """``None`` if the answer starts as HTTP does; otherwise what was found instead.

    An HTTP client waits for a whole head, so it could not tell a mail server from a slow page.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _ANSWER_WITHIN) as connection:
            connection.sendall(
                f"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode("ascii")
            )
            said = b""
            while len(said) < len(_HTTP_START) and (more := connection.recv(len(_HTTP_START) - len(said))):
                said += more
    except TimeoutError:
        return EntryAnswer(None, f"does not answer within {_ANSWER_WITHIN:g} s")
    except ConnectionResetError:
        return EntryAnswer(None, "closes the connection without an answer", again=True)
    except OSError as error:
        return EntryAnswer(None, f"cannot be asked ({type(error).__name__})", again=True)
    if said == _HTTP_START:
        return None
    return EntryAnswer(
        None, "does not speak HTTP" if said else "closes the connection without an answer", again=not said
    )


def _round(client: httpx.Client, paths: tuple[str, ...], clock: Clock) -> EntryAnswer:
    said: list[str] = []
    unsure = False
    for path in paths:
        answer = _one(client, path, clock)
        if answer.path is not None:
            again = _one(client, answer.path, clock)  # the first request may have filled a cache
            return again if again.path is None else replace(answer, seconds=again.seconds)
        if not said or answer.says not in said[-1]:
            said.append(f"{path} {answer.says}")
        unsure = unsure or answer.again
    shown = "; ".join([*said[:_MOST_ANSWERS_SHOWN], *(["…"] if len(said) > _MOST_ANSWERS_SHOWN else [])])
    return EntryAnswer(None, f"answers no path with success ({shown})", again=unsure)


def _one(client: httpx.Client, path: str, clock: Clock) -> EntryAnswer:
    """Ask for one path, and follow its redirects within the entry."""
    at = path
    for _ in range(_MOST_REDIRECTS):
        began = clock.now()
        try:
            answer = client.get(at)
        except httpx.TimeoutException:
            return EntryAnswer(None, f"does not answer within {_ANSWER_WITHIN:g} s")
        except httpx.HTTPError as error:
            return EntryAnswer(None, f"fails with {type(error).__name__}", again=True)
        if answer.is_success:
            how = f"{path} answers" if at == path else f"{path} leads to {at}, which answers"
            return EntryAnswer(at, f"{how} {answer.status_code}", clock.now() - began)
        if answer.next_request is None:
            return EntryAnswer(None, f"answers {answer.status_code}", again=answer.status_code >= 500)
        target = answer.next_request.url
        if (target.host, target.port) != (client.base_url.host, client.base_url.port):
            return EntryAnswer(None, f"redirects away to {target.scheme}://{target.netloc.decode()}")
        at = target.raw_path.decode("ascii")
    return EntryAnswer(None, f"redirects more than {_MOST_REDIRECTS} times")


def find(
    runtime: Runtime, known: Sequence[Known], config: Mapping[str, Any], given: Sequence[str], tell: Tell
) -> tuple[list[HttpEntry], list[UnusedEntry]]:
    """Ask every entry.

    Args:
        runtime: where the system runs.
        known: its components; a port that speaks another protocol is not asked.
        config: what ``docker compose config`` says.
        given: the paths that the user names.
        tell: takes progress, a line at a time.

    Returns:
        The entries that answer HTTP, and the others.
    """
    usable: list[HttpEntry] = []
    unused: list[UnusedEntry] = []
    protocols = {each.service: _PROTOCOLS.get(each.kind, {}) for each in known}
    asked: set[str] = set()
    for entry, address in runtime.entries.items():
        name = of_service(entry, runtime)
        if name in asked:
            continue
        asked.add(name)
        service, _, port = name.rpartition(":")
        if protocol := protocols.get(service, {}).get(int(port)):
            unused.append(UnusedEntry(name, f"speaks {protocol}, not HTTP"))
            continue
        answer = ask(address, candidates(service, config, given), runtime.clock)
        tell(f"{name}: {answer.says}")
        if answer.path is None:
            unused.append(UnusedEntry(name, answer.says))
        else:
            rate = _rate(answer.seconds)
            usable.append(
                HttpEntry(name=name, service=service, path=answer.path, says=answer.says, rate=rate)
            )
    return usable, unused


def of_service(entry: str, runtime: Runtime) -> str:
    """The entry's name by its service: to users, the replicas of a service are one entry."""
    component, _, port = entry.rpartition(":")
    service = next((each.service for each in runtime.components if each.name == component), component)
    return f"{service}:{port}"


def _rate(seconds: float) -> int:
    """Arrivals per second that a page which takes so long can surely answer."""
    return RATES_PER_S[0] if seconds < 0.3 else RATES_PER_S[1] if seconds < 1.0 else RATES_PER_S[2]


def named(entries: Sequence[HttpEntry]) -> Iterable[tuple[str, HttpEntry]]:
    """Each entry with its journey's name: that of its service, with the port if the service has several."""
    several = Counter(python_name(each.service) for each in entries)
    names = [
        python_name(each.service if several[python_name(each.service)] == 1 else each.name)
        for each in entries
    ]
    return zip(unique(f"visit_{name}" for name in names), entries, strict=True)
