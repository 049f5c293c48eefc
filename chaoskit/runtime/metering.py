"""How much consumers ask over their links, counted in Toxiproxy's network.

Toxiproxy's own counters move only when a connection closes, and a component's network counters mix
what it asks with what it is asked. The kernel counts for us: each write of a consumer ends with a
segment that has the PSH flag (RFC 9293, section 3.9.1.2), so such segments are requests,
whatever their size, as long as a request is one write.
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from chaoskit.interpose import Placed
from chaoskit.runtime.nettools import Nettools
from chaoskit.runtime.packets import nft, split

_PREFIX: Final = "chaoskit_meter_"


class LinkMeter:
    """A :class:`chaoskit.runtime.Meter`: one nftables table in each Toxiproxy that has one of the links.

    Args:
        nettools: the sidecars in which ``nft`` runs.
        container: Toxiproxy's service name → its container's id.
        placed: the links, and where their proxies listen.

    Raises:
        RuntimeFailure: from every method, where ``nft`` or the engine fails; after a restart of
            Toxiproxy the count is lost.
    """

    def __init__(self, nettools: Nettools, container: Callable[[str], str], placed: Iterable[Placed]) -> None:
        self._nettools = nettools
        self._table = _PREFIX + secrets.token_hex(4)
        listens: defaultdict[str, list[str]] = defaultdict(list)
        for each in placed:
            listens[each.toxiproxy].append(each.listen)
        self._containers = [container(name) for name in listens]
        for number, name in zip(self._containers, listens, strict=True):
            nft(nettools, number, rules(self._table, listens[name]))

    def read(self) -> int:
        """Requests so far."""
        return sum(self._counted(container) for container in self._containers)

    def close(self) -> None:
        """Count no more; may be called again."""
        while self._containers:
            nft(
                self._nettools,
                self._containers[-1],
                f"add table inet {self._table}; delete table inet {self._table}",
            )
            self._containers.pop()

    def _counted(self, container: str) -> int:
        return packets(nft(self._nettools, container, f"list counters table inet {self._table}", "-j"))


def rules(table: str, listens: Iterable[str]) -> str:
    """The nftables script, one transaction, that counts what ends a write to one of ``address:port``."""
    script = [
        f"add table inet {table}",
        f"add chain inet {table} input {{ type filter hook input priority -200; }}",
        f"add counter inet {table} asked",
    ]
    for listen in sorted(set(listens)):
        host, port = split(listen)
        family = "ip6" if host.version == 6 else "ip"
        script.append(
            f"add rule inet {table} input {family} daddr {host} tcp dport {port} "
            "tcp flags & psh == psh counter name asked"
        )
    return "; ".join(script)


def packets(counters: str) -> int:
    """The sum of the counters in what ``nft -j list counters`` prints."""
    return sum(
        entry["counter"]["packets"] for entry in json.loads(counters)["nftables"] if "counter" in entry
    )
