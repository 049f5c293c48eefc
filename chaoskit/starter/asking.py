"""Asks a published port whether it speaks HTTP, and for what."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace

import httpx

from chaoskit.clock import Clock

PATIENCE = 15.0
"""Seconds for which an entry may be asked again: an application may still be warming up."""

_TIMEOUT = 5.0
_HTTP = b"HTTP/"
_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Answer:
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


def ask(address: str, paths: Iterable[str], clock: Clock) -> Answer:
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


def _greeting(address: str) -> Answer | None:
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
        return Answer(None, f"says nothing within {_TIMEOUT:g} s")
    except ConnectionResetError:
        return Answer(None, "closes the connection without an answer", again=True)
    except OSError as error:
        return Answer(None, f"cannot be asked ({type(error).__name__})", again=True)
    if said == _HTTP:
        return None
    return Answer(
        None, "does not speak HTTP" if said else "closes the connection without an answer", again=not said
    )


def _round(client: httpx.Client, paths: tuple[str, ...], clock: Clock) -> Answer:
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
    return Answer(None, f"answers no path with success ({shown})", again=unsure)


def _one(client: httpx.Client, path: str, clock: Clock) -> Answer:
    """Ask for one path, and follow where it leads within the entry."""
    at = path
    for _ in range(_REDIRECTS):
        began = clock.now()
        try:
            answer = client.get(at)
        except httpx.TimeoutException:
            return Answer(None, f"says nothing within {_TIMEOUT:g} s")
        except httpx.HTTPError as error:
            return Answer(None, f"ends in {type(error).__name__}", again=True)
        if answer.is_success:
            how = f"{path} answers" if at == path else f"{path} leads to {at}, which answers"
            return Answer(at, f"{how} {answer.status_code}", clock.now() - began)
        if answer.next_request is None:
            return Answer(None, f"answers {answer.status_code}", again=answer.status_code >= 500)
        target = answer.next_request.url
        if (target.host, target.port) != (client.base_url.host, client.base_url.port):
            return Answer(None, f"leads away to {target.scheme}://{target.netloc.decode()}")
        at = target.raw_path.decode("ascii")
    return Answer(None, f"leads on and on ({_REDIRECTS} redirects)")
