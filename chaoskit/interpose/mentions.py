"""Finds ``host:port`` in what people write: environments, commands, health checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chaoskit.interpose.wellknown import CLIENTS, SCHEMES

_URL = re.compile(
    r"\b([a-z][a-z0-9]*)(?:\+[a-z0-9]+)*://(?:[^\s/@'\"]*@)?([A-Za-z0-9_][A-Za-z0-9_.-]*)(:\d)?"
)
_PAIR = re.compile(r"(?<![\w.-])([A-Za-z0-9_][A-Za-z0-9_.-]*):(\d{1,5})(?![\w.@])")
_BOUND = re.compile(r"(?:0\.0\.0\.0|\[::\]|(?<![^\s=,])):(\d{2,5})(?![\w.:@])")
_OPTION = re.compile(r"--(?:[a-z]+-)?port[= ](\d{2,5})(?!\w)")
_WAIT = re.compile(
    r"\b(?:nc|ncat|netcat|telnet)\s+(?:-\w+\s+(?:\d+\s+)?)*([A-Za-z0-9_][\w.-]*)\s+(\d{1,5})(?!\w)"
)
_TCP_DEVICE = re.compile(r"/dev/tcp/([A-Za-z0-9_][\w.-]*)/(\d{1,5})")
_HOST_VARIABLE = re.compile(r"^(.*)(?:HOSTNAME|HOST|ADDRESS|ADDR|SERVER|SERVICE|ENDPOINT)$", re.IGNORECASE)
_LOCAL = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "ip6-localhost"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A port that somebody writes down.

    Attributes:
        host: whose, by the writer's name for it; empty for the writer's own.
        port: the port.
    """

    host: str
    port: int


def in_text(text: str) -> Iterator[Mention]:
    """``host:port``, URLs by their scheme's port, and what wait scripts say (``nc -z db 5432``)."""
    for scheme, host, port in _URL.findall(text):
        if not port and scheme in SCHEMES:
            yield Mention(host, SCHEMES[scheme])
    for pattern in (_PAIR, _WAIT, _TCP_DEVICE):
        for host, port in pattern.findall(text):
            yield Mention(host, int(port))


def in_environment(environment: Mapping[str, str]) -> Iterator[Mention]:
    """In the values; ``DB_HOST=db`` together with ``DB_PORT=5432``; and ``PORT``, one's own."""
    by_key = {key.upper(): value for key, value in environment.items()}
    for key, value in environment.items():
        yield from in_text(value)
        for port in _BOUND.findall(value):
            yield Mention("", int(port))
        variable = _HOST_VARIABLE.match(key)
        if variable and variable[1]:
            port = by_key.get(f"{variable[1].upper()}PORT", "")
            if port.isdigit():
                yield Mention(value.strip(), int(port))
    if by_key.get("PORT", "").isdigit():
        yield Mention("", int(by_key["PORT"]))


def in_command(words: Sequence[str]) -> Iterator[Mention]:
    """Whom it dials, and where it says that it listens (``--port 8000``, ``-b 0.0.0.0:8000``)."""
    text = " ".join(words)
    yield from in_text(text)
    for pattern in (_BOUND, _OPTION):
        for port in pattern.findall(text):
            yield Mention("", int(port))


def in_health_check(words: Sequence[str]) -> Iterator[Mention]:
    """What is checked: by address, or by a client of which the port is known (``redis-cli ping``)."""
    text = " ".join(words[1:] if words[:1] and words[0] in ("CMD", "CMD-SHELL") else words)
    for mention in in_text(text):
        yield Mention("" if mention.host in _LOCAL else mention.host, mention.port)
    for port in _BOUND.findall(text):
        yield Mention("", int(port))
    for part in re.split(r"&&|\|\||[;|]", text):
        yield from _client(part.split())


def _client(words: Sequence[str]) -> Iterator[Mention]:
    for position, word in enumerate(words):
        known = CLIENTS.get(word.rpartition("/")[2].strip("'\"()"))
        if known is None:
            continue
        rest = words[position + 1 :]
        option, port = known
        given = _value(rest, ("--port", *((option,) if option else ())))
        host = _value(rest, ("--host", "-h")) or ""
        yield Mention("" if host in _LOCAL else host, int(given) if given and given.isdigit() else port)
        return


def _value(words: Sequence[str], options: Sequence[str]) -> str | None:
    for position, word in enumerate(words):
        for option in options:
            if word == option and position + 1 < len(words):
                return words[position + 1]
            if word.startswith(option) and len(word) > len(option):
                rest = word[len(option) :].removeprefix("=")
                if option.startswith("--") == word[len(option) :].startswith("="):
                    return rest
    return None
