"""Which paths are worth asking an entry for, the most telling ones first.

Asks a published port whether it speaks HTTP, and for what.

The published ports: which of them answer HTTP, and what the journeys over them are called.
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
from chaoskit.starter.calm import RATES
from chaoskit.starter.choice import Kind, Known, apart, python_name
from chaoskit.starter.model import Door, Shut

_URL = re.compile(r"https?://[^/\s'\"]+(/[^\s'\")\\;|]*)")
_PAGES = ("/index.html", "/login", "/api", "/api/v1", "/docs")
_HEALTH = (
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

    A page that users see comes before a health check, and a health check of what is behind the entry
    before the entry's own, since it leads further into the system.

    Args:
        service: the service behind the entry.
        config: what ``docker compose config`` says.
        given: what the user names; tried first.
    """
    services: Mapping[str, Any] = config.get("services") or {}
    own = list(_checked(services.get(service) or {}))
    others = [path for name, each in services.items() if name != service for path in _checked(each)]
    return tuple(dict.fromkeys([*given, "/", *_PAGES, *others, *_HEALTH, *own]))


def _checked(service: Mapping[str, Any]) -> Iterable[str]:
    """The paths in a service's health check."""
    test = (service.get("healthcheck") or {}).get("test") or ()
    text = test if isinstance(test, str) else " ".join(map(str, test))
    return _URL.findall(text)


PATIENCE = 15.0
"""Seconds for which an entry may be asked again: an application may still be warming up."""

_TIMEOUT = 5.0
_HTTP = b"HTTP/"
_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """What an entry said.

    Attributes:
        path: what answers; ``None`` if nothing does.
        says: how that was found, one clause.
        seconds: how long the answer took.
        again: whether it may be another answer in a moment.
    """

    path: str | None
    says: str
    seconds: float = 0.0
    again: bool = False


def ask(address: str, paths: Iterable[str], clock: Clock) -> EntryAnswer:
    """Find a path that answers with success.

    Args:
        address: ``127.0.0.1:12345``.
        paths: what to try, in this order.
        clock: by which time passes between two rounds.
    """
    wanted = tuple(paths)
    until = clock.now() + PATIENCE
    with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=_TIMEOUT) as client:
        while True:
            answer = _greeting(address) or _round(client, wanted, clock)
            if not answer.again or clock.now() > until:
                return answer
            clock.sleep(0.5)


def _greeting(address: str) -> EntryAnswer | None:
    """Nothing, if the first bytes are those of HTTP; else what is there instead.

    An HTTP client waits for a whole head, and could not tell a mail server from a slow page.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _TIMEOUT) as way:
            way.sendall(f"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode("ascii"))
            said = b""
            while len(said) < len(_HTTP) and (more := way.recv(len(_HTTP) - len(said))):
                said += more
    except TimeoutError:
        return EntryAnswer(None, f"says nothing within {_TIMEOUT:g} s")
    except ConnectionResetError:
        return EntryAnswer(None, "closes the connection without an answer", again=True)
    except OSError as error:
        return EntryAnswer(None, f"cannot be asked ({type(error).__name__})", again=True)
    if said == _HTTP:
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
            again = _one(client, answer.path, clock)  # the first one to ask may have filled a cache
            return again if again.path is None else replace(answer, seconds=again.seconds)
        if not said or answer.says not in said[-1]:
            said.append(f"{path} {answer.says}")
        unsure = unsure or answer.again
    shown = "; ".join([*said[:3], *(["…"] if len(said) > 3 else [])])
    return EntryAnswer(None, f"answers no path with success ({shown})", again=unsure)


def _one(client: httpx.Client, path: str, clock: Clock) -> EntryAnswer:
    """Ask for one path, and follow where it leads within the entry."""
    at = path
    for _ in range(_REDIRECTS):
        began = clock.now()
        try:
            answer = client.get(at)
        except httpx.TimeoutException:
            return EntryAnswer(None, f"says nothing within {_TIMEOUT:g} s")
        except httpx.HTTPError as error:
            return EntryAnswer(None, f"ends in {type(error).__name__}", again=True)
        if answer.is_success:
            how = f"{path} answers" if at == path else f"{path} leads to {at}, which answers"
            return EntryAnswer(at, f"{how} {answer.status_code}", clock.now() - began)
        if answer.next_request is None:
            return EntryAnswer(None, f"answers {answer.status_code}", again=answer.status_code >= 500)
        target = answer.next_request.url
        if (target.host, target.port) != (client.base_url.host, client.base_url.port):
            return EntryAnswer(None, f"leads away to {target.scheme}://{target.netloc.decode()}")
        at = target.raw_path.decode("ascii")
    return EntryAnswer(None, f"leads on and on ({_REDIRECTS} redirects)")


Tell = Callable[[str], None]

_SPOKEN = {
    Kind.POSTGRES: {5432: "PostgreSQL"},
    Kind.STANDBY: {5432: "PostgreSQL"},
    Kind.REDIS: {6379: "Redis"},
}
"""Ports of components that are known: asking them for a page would tell nothing."""


def find(
    runtime: Runtime, known: Sequence[Known], config: Mapping[str, Any], given: Sequence[str], tell: Tell
) -> tuple[list[Door], list[Shut]]:
    """Ask every published port.

    Args:
        runtime: where the system runs.
        known: its components: what speaks another protocol is not asked.
        config: what ``docker compose config`` says.
        given: the paths that the user names.
        tell: takes what was found, a line at a time.

    Returns:
        The entries of journeys, and the ports without one.
    """
    doors: list[Door] = []
    shut: list[Shut] = []
    spoken = {each.service: _SPOKEN.get(each.kind, {}) for each in known}
    asked: set[str] = set()
    for entry, address in runtime.entries.items():
        name = of_service(entry, runtime)
        if name in asked:
            continue
        asked.add(name)
        service, _, port = name.rpartition(":")
        if protocol := spoken.get(service, {}).get(int(port)):
            shut.append(Shut(name, f"speaks {protocol}, not HTTP"))
            continue
        answer = ask(address, candidates(service, config, given), runtime.clock)
        tell(f"{name}: {answer.says}")
        if answer.path is None:
            shut.append(Shut(name, answer.says))
        else:
            rate = _rate(answer.seconds)
            doors.append(Door(entry=name, service=service, path=answer.path, says=answer.says, rate=rate))
    return doors, shut


def of_service(entry: str, runtime: Runtime) -> str:
    """An entry by its service: the replicas of a service are one entry to its users."""
    component, _, port = entry.rpartition(":")
    service = next((each.service for each in runtime.components if each.name == component), component)
    return f"{service}:{port}"


def _rate(seconds: float) -> int:
    """Arrivals per second that cannot trouble a page that takes so long."""
    return RATES[0] if seconds < 0.3 else RATES[1] if seconds < 1.0 else RATES[2]


def named(doors: Sequence[Door]) -> Iterable[tuple[str, Door]]:
    """Each entry with the name of its journey: by its service, and its port where there are several."""
    several = Counter(python_name(door.service) for door in doors)
    names = [
        python_name(door.service if several[python_name(door.service)] == 1 else door.entry) for door in doors
    ]
    return zip(apart(f"visit_{name}" for name in names), doors, strict=True)
