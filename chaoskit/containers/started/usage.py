"""Which links are used, from Toxiproxy's own counters and from the connections that are open now.

Toxiproxy counts a connection's bytes only when the connection closes. A pool that stays open shows
only in the kernel's table of Toxiproxy's network namespace, where chaoskit can read that table.
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
    """The proxies that have carried bytes, according to Toxiproxy's metrics in Prometheus format."""
    return frozenset(found["proxy"] for found in _BYTE_COUNTER.finditer(metrics) if float(found["bytes"]) > 0)


def connected(tcp: Iterable[str]) -> frozenset[str]:
    """The local ``address:port`` of each open connection in a ``/proc/<pid>/net/tcp``."""
    return frozenset(
        f"{address_of(address)}:{port}" for address, port, state in rows(tcp) if state == _ESTABLISHED_STATE
    )


def of_toxiproxy(host: str, port: int, pid: int) -> frozenset[str]:
    """The used proxies of a Toxiproxy, by name or by the ``address:port`` on which they listen.

    Args:
        host, port: the address of its API.
        pid: its process, as the engine numbers it.

    Raises:
        ToxiproxyFailure: it does not answer.
    """
    found = counted(_metrics(host, port))
    with suppress(OSError):  # the engine is on another machine, so only the counters are available
        found |= connected(Path(f"/proc/{pid}/net/tcp").read_text().splitlines())
    return found


def _metrics(host: str, port: int) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # use no web proxy
    try:
        with opener.open(f"http://{host}:{port}/metrics", timeout=_METRICS_DEADLINE) as answer:
            return str(answer.read().decode())
    except OSError as error:
        raise ToxiproxyFailure(
            "Toxiproxy's counters cannot be read",
            where=f"{host}:{port}",
            limit=f"{_METRICS_DEADLINE:g} s",
            evidence=str(error),
            remedy="check whether the Toxiproxy's container runs (docker ps)",
        ) from None
