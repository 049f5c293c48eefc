"""Finding ``host:port`` in environments, commands and health checks.

Where the port is not written, it is a well-known port: of a URL scheme, of a client in a health check, or
of an image that the engine does not have yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

SCHEME_PORTS: Mapping[str, int] = {
    "amqp": 5672,
    "amqps": 5671,
    "cassandra": 9042,
    "http": 80,
    "https": 443,
    "kafka": 9092,
    "ldap": 389,
    "ldaps": 636,
    "mariadb": 3306,
    "memcached": 11211,
    "mongodb": 27017,
    "mqtt": 1883,
    "mssql": 1433,
    "mysql": 3306,
    "nats": 4222,
    "pgsql": 5432,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "smtp": 25,
    "sqlserver": 1433,
    "valkey": 6379,
    "ws": 80,
    "wss": 443,
    "zookeeper": 2181,
}
"""URL scheme → the port of a URL without one. A driver (``postgresql+asyncpg``) is removed first."""

CLIENT_PORTS: Mapping[str, tuple[str, int]] = {
    "cqlsh": ("", 9042),
    "mariadb": ("-P", 3306),
    "mariadb-admin": ("-P", 3306),
    "mongo": ("", 27017),
    "mongosh": ("", 27017),
    "mysql": ("-P", 3306),
    "mysqladmin": ("-P", 3306),
    "pg_isready": ("-p", 5432),
    "psql": ("-p", 5432),
    "rabbitmq-diagnostics": ("", 5672),
    "rabbitmqctl": ("", 5672),
    "redis-cli": ("-p", 6379),
    "valkey-cli": ("-p", 6379),
}
"""Command → its option for the port in addition to ``--port``, and its default port."""

_IMAGE_PORTS: Mapping[str, tuple[int, ...]] = {
    "caddy": (80, 443),
    "clickhouse": (8123, 9000),
    "consul": (8500,),
    "elasticsearch": (9200,),
    "etcd": (2379,),
    "httpd": (80,),
    "kafka": (9092,),
    "keydb": (6379,),
    "mariadb": (3306,),
    "memcached": (11211,),
    "minio": (9000,),
    "mongo": (27017,),
    "mongodb": (27017,),
    "mysql": (3306,),
    "nats": (4222,),
    "nginx": (80,),
    "opensearch": (9200,),
    "pgbouncer": (6432, 5432),
    "postgis": (5432,),
    "postgres": (5432,),
    "postgresql": (5432,),
    "rabbitmq": (5672,),
    "redis": (6379,),
    "redis-stack": (6379,),
    "timescaledb": (5432,),
    "valkey": (6379,),
    "zookeeper": (2181,),
}
"""Last part of an image's name → the ports of that engine."""


def image_ports(image: str) -> tuple[int, ...]:
    """The ports of a well-known image, by the last part of its name without the tag.

    They are used only if the Docker engine does not have the image: its EXPOSE is the better source.
    """
    name = re.sub(r"[:@].*$", "", image.rpartition("/")[2])
    return _IMAGE_PORTS.get(name, ())


_URL = re.compile(
    r"\b([a-z][a-z0-9]*)(?:\+[a-z0-9]+)*://(?:[^\s/@'\"]*@)?([A-Za-z0-9_][A-Za-z0-9_.-]*)(:\d)?"
)
_HOST_AND_PORT = re.compile(r"(?<![\w.-])([A-Za-z0-9_][A-Za-z0-9_.-]*):(\d{1,5})(?![\w.@])")
_BOUND_ADDRESS = re.compile(r"(?:0\.0\.0\.0|\[::\]|(?<![^\s=,])):(\d{2,5})(?![\w.:@])")
_PORT_OPTION = re.compile(r"--(?:[a-z]+-)?port[= ](\d{2,5})(?!\w)")
_WAIT_COMMAND = re.compile(
    r"\b(?:nc|ncat|netcat|telnet)\s+(?:-\w+\s+(?:\d+\s+)?)*([A-Za-z0-9_][\w.-]*)\s+(\d{1,5})(?!\w)"
)
_TCP_DEVICE = re.compile(r"/dev/tcp/([A-Za-z0-9_][\w.-]*)/(\d{1,5})")
_HOST_VARIABLE = re.compile(r"^(.*)(?:HOSTNAME|HOST|ADDRESS|ADDR|SERVER|SERVICE|ENDPOINT)$", re.IGNORECASE)
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "ip6-localhost"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A port that a service's configuration mentions.

    Attributes:
        host: the host with that port, by the name that the service uses; empty for the service itself.
        port: the port.
    """

    host: str
    port: int


def in_text(text: str) -> Iterator[Mention]:
    """The mentions as ``host:port``, in URLs (by their scheme) and in wait scripts (``nc -z db 5432``)."""
    for scheme, host, port in _URL.findall(text):
        if not port and scheme in SCHEME_PORTS:
            yield Mention(host, SCHEME_PORTS[scheme])
    for pattern in (_HOST_AND_PORT, _WAIT_COMMAND, _TCP_DEVICE):
        for host, port in pattern.findall(text):
            yield Mention(host, int(port))


def in_environment(environment: Mapping[str, str]) -> Iterator[Mention]:
    """The mentions in the values, in pairs (``DB_HOST=db``, ``DB_PORT=5432``), and in ``PORT``, its own."""
    by_key = {key.upper(): value for key, value in environment.items()}
    for key, value in environment.items():
        yield from in_text(value)
        for port in _BOUND_ADDRESS.findall(value):
            yield Mention("", int(port))
        variable = _HOST_VARIABLE.match(key)
        if variable and variable[1]:
            port = by_key.get(f"{variable[1].upper()}PORT", "")
            if port.isdigit():
                yield Mention(value.strip(), int(port))
    if by_key.get("PORT", "").isdigit():
        yield Mention("", int(by_key["PORT"]))


def in_command(words: Sequence[str]) -> Iterator[Mention]:
    """The hosts that a command dials, and its own ports (``--port 8000``, ``-b 0.0.0.0:8000``)."""
    text = " ".join(words)
    yield from in_text(text)
    for pattern in (_BOUND_ADDRESS, _PORT_OPTION):
        for port in pattern.findall(text):
            yield Mention("", int(port))


def in_health_check(words: Sequence[str]) -> Iterator[Mention]:
    """The ports that a health check tests, by address or by a well-known client (``redis-cli ping``)."""
    text = " ".join(words[1:] if words[:1] and words[0] in ("CMD", "CMD-SHELL") else words)
    for mention in in_text(text):
        yield Mention("" if mention.host in _LOCAL_HOSTS else mention.host, mention.port)
    for port in _BOUND_ADDRESS.findall(text):
        yield Mention("", int(port))
    for part in re.split(r"&&|\|\||[;|]", text):
        yield from _client(part.split())


def _client(words: Sequence[str]) -> Iterator[Mention]:
    for position, word in enumerate(words):
        known = CLIENT_PORTS.get(word.rpartition("/")[2].strip("'\"()"))
        if known is None:
            continue
        rest = words[position + 1 :]
        option, port = known
        given = _value(rest, ("--port", *((option,) if option else ())))
        host = _value(rest, ("--host", "-h")) or ""
        yield Mention("" if host in _LOCAL_HOSTS else host, int(given) if given and given.isdigit() else port)
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
