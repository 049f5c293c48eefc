"""Which links are really used: by Toxiproxy's own counters, and by the connections that are open now.

Toxiproxy counts a connection's bytes when it closes, so a pool that stays open shows only in the
kernel's table of its network namespace, where that can be read.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from chaoskit.containers.engine.sockets import address_of, rows
from chaoskit.errors import ToxiproxyFailure

_BYTE_COUNTER = re.compile(
    r'toxiproxy_proxy_\w+_bytes_total\{[^}]*\bproxy="(?P<proxy>[^"]+)"[^}]*\} (?P<bytes>\S+)'
)
_METRICS_DEADLINE = 5.0
_ESTABLISHED_STATE = "01"


def counted(metrics: str) -> frozenset[str]:
    """The proxies that have carried bytes, in the text that Toxiproxy gives to Prometheus."""
    return frozenset(found["proxy"] for found in _BYTE_COUNTER.finditer(metrics) if float(found["bytes"]) > 0)


def connected(tcp: Iterable[str]) -> frozenset[str]:
    """The local ``address:port`` of each open connection in a ``/proc/<pid>/net/tcp``."""
    return frozenset(
        f"{address_of(address)}:{port}" for address, port, state in rows(tcp) if state == _ESTABLISHED_STATE
    )


def of_toxiproxy(host: str, port: int, pid: int) -> frozenset[str]:
    """The proxies of a Toxiproxy that were used, by name or by the ``address:port`` they listen on.

    Args:
        host, port: its API.
        pid: its process, as the engine numbers it.

    Raises:
        ToxiproxyFailure: it does not answer.
    """
    found = counted(_metrics(host, port))
    with suppress(OSError):  # the engine is on another machine: its counters have to do
        found |= connected(Path(f"/proc/{pid}/net/tcp").read_text().splitlines())
    return found


def _metrics(host: str, port: int) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by way of a web proxy
    try:
        with opener.open(f"http://{host}:{port}/metrics", timeout=_METRICS_DEADLINE) as answer:
            return str(answer.read().decode())
    except OSError as error:
        raise ToxiproxyFailure(
            "Toxiproxy does not tell its counters",
            where=f"{host}:{port}",
            limit=f"{_METRICS_DEADLINE:g} s",
            evidence=str(error),
        ) from None
