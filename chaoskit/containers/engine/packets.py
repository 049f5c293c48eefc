"""A link's packets in Toxiproxy's network: dropping them, counting requests, and trying a connection.

Toxiproxy's own counters move only when a connection closes, and a component's network counters mix the
requests that it sends with those that it receives. So the kernel counts requests: each write of a
consumer ends with a segment that has the PSH flag (RFC 9293, section 3.9.1.2). Such a segment counts as
one request, whatever its size; this is right as long as a request is one write.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from chaoskit.containers.engine import exchanging
from chaoskit.containers.engine.nettools import Nettools
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import Placed
from chaoskit.runtime import Exchange, Executed, Until

RawOutcome = Literal["open", "refused", "silent", "quiet"]
"""What a new connection meets; ``quiet`` if it was accepted and no byte came, so that the link is either
open or hangs."""

_NFT_DEADLINE: Final = 10.0
"""Seconds for one call of ``nft``."""
_DROP_PREFIX: Final = "chaoskit_"
LISTEN_PERIOD: Final = 0.3
"""Seconds to wait for a first byte on a new connection, enough for a provider that speaks first."""

_EXCHANGE: Final = Path(exchanging.__file__)

# bash is on every Debian. ``read`` returns 0 for a byte, 1 for an end or a reset, more for a timeout.
_CONNECT_SCRIPT: Final = """
exec 3<>"/dev/tcp/$0/$1" || exit 3
IFS= read -r -t "$2" -N 1 -u 3
echo "accepted $?"
"""


class PacketDrops:
    """Drops the packets of links, with one nftables table for each link in Toxiproxy's network.

    Args:
        nettools: the sidecars in which ``nft`` runs.
    """

    def __init__(self, nettools: Nettools) -> None:
        self._nettools = nettools

    def add(self, container: str, proxy: str, listen: str) -> None:
        """Drop all packets to and from ``listen`` (``address:port``) from now on."""
        nft(self._nettools, container, drop_rules(proxy, listen))

    def remove(self, container: str, proxy: str) -> None:
        """Let the link's packets through again; a link without a table is not an error."""
        name = drop_table(proxy)
        nft(self._nettools, container, f"add table inet {name}; delete table inet {name}")

    def tables(self, container: str) -> frozenset[str]:
        """The tables (see :func:`drop_table`) that drop packets in both directions, read from the kernel."""
        return dropping_tables(listing(self._nettools, container, "list ruleset inet"))


def nft(nettools: Nettools, container: str, script: str, *options: str) -> str:
    """Run ``nft`` in the network of a container, and return its output.

    Raises:
        RuntimeFailure: it failed.
    """
    command = ["nft", *options, script]
    done = nettools.run(container, command, timeout=_NFT_DEADLINE, admin=True, prints="-j" in options)
    if done.exit_code != 0:
        raise RuntimeFailure(
            "nft failed in Toxiproxy's network",
            where=f"container {container[:12]}: nft {script}",
            limit=f"{_NFT_DEADLINE:g} s" if done.exit_code in (124, 137) else None,
            evidence=done.output,
            remedy="give the engine's kernel nf_tables (modprobe nf_tables), or cut with 'refuse' or 'hang'",
        )
    return done.output


def listing(nettools: Nettools, container: str, script: str) -> list[dict[str, Any]]:
    """The objects that ``nft -j list …`` prints.

    Raises:
        RuntimeFailure: it failed, or its output is not JSON.
    """
    output = nft(nettools, container, script, "-j")
    try:
        return list(json.loads(output)["nftables"])
    except ValueError:
        raise RuntimeFailure(
            "the output of nft cannot be read",
            where=f"container {container[:12]}: nft -j {script}",
            evidence=output or "no output",
            remedy="run it again on a machine that is less busy",
        ) from None


def drop_table(proxy: str) -> str:
    """The name of a link's nftables table: a hash, because a proxy's name may be too long."""
    return _DROP_PREFIX + hashlib.sha256(proxy.encode()).hexdigest()[:16]


def drop_rules(proxy: str, listen: str) -> str:
    """The nftables script, one transaction, that makes ``listen`` look like a port of a dead host.

    The hooks come before connection tracking. The first rule drops arriving packets. The second drops
    the packets that Toxiproxy still sends on open connections.
    """
    host, port = split_address(listen)
    family, name, comment = ("ip6" if host.version == 6 else "ip"), drop_table(proxy), proxy[:100]
    return "; ".join(
        [
            f"add table inet {name}",
            f"add chain inet {name} input {{ type filter hook input priority -300; }}",
            f"add chain inet {name} output {{ type filter hook output priority -300; }}",
            f'add rule inet {name} input {family} daddr {host} tcp dport {port} drop comment "{comment}"',
            f'add rule inet {name} output {family} saddr {host} tcp sport {port} drop comment "{comment}"',
        ]
    )


def dropping_tables(ruleset: Iterable[dict[str, Any]]) -> frozenset[str]:
    """chaoskit's tables that have both of their rules, in the output of ``nft -j list ruleset``."""
    seen: dict[str, set[str]] = {}
    for entry in ruleset:
        rule = entry.get("rule")
        if rule and rule["table"].startswith(_DROP_PREFIX) and any("drop" in each for each in rule["expr"]):
            seen.setdefault(rule["table"], set()).add(rule["chain"])
    return frozenset(name for name, chains in seen.items() if chains == {"input", "output"})


def try_connection(
    nettools: Nettools, containers: Iterable[str | None], listen: str, timeout: float
) -> RawOutcome:
    """What a new connection to ``listen`` meets, made in the network of the first container that runs."""
    host, port = split_address(listen)
    command = ["bash", "-c", _CONNECT_SCRIPT, str(host), str(port), f"{LISTEN_PERIOD:g}"]
    failure = None
    for container in filter(None, containers):
        try:
            return raw_outcome(
                nettools.run(container, command, timeout=timeout + LISTEN_PERIOD, prints=True), listen
            )
        except RuntimeFailure as error:
            failure = error
    raise failure or _no_container(listen)


def _no_container(listen: str) -> RuntimeFailure:
    return RuntimeFailure(
        f"no container can make a test connection to {listen}",
        evidence="neither the link's consumer nor its Toxiproxy has a container",
        remedy="start one of them",
    )


def exchanged(
    nettools: Nettools,
    containers: Iterable[str | None],
    listen: str,
    said: bytes,
    until: Until,
    patience: float,
) -> Exchange:
    """The outcome of an exchange with ``listen``, made in the network of the first container that runs."""
    host, _, port = listen.rpartition(":")
    arguments = [host.strip("[]"), port, said.hex(), until, f"{patience:g}"]
    command = ["python3", "-ISc", _EXCHANGE.read_text(encoding="utf-8"), *arguments]
    failure = None
    for container in filter(None, containers):
        try:
            done = nettools.run(container, command, timeout=patience + _NFT_DEADLINE, prints=True)
        except RuntimeFailure as error:
            failure = error
            continue
        found = done.output.partition("exchanged ")[2].split()
        if len(found) != 3:
            raise RuntimeFailure(
                f"an exchange with {listen} ended in a way that is not understood",
                evidence=f"exit code {done.exit_code}: {done.output}",
            )
        return Exchange(found[0], float(found[1]), int(found[2]))
    raise failure or _no_container(listen)


def raw_outcome(done: Executed, listen: str) -> RawOutcome:
    """What a connection met, from the output and exit code of :data:`_CONNECT_SCRIPT`."""
    if "accepted " in done.output:
        status = int(done.output.rpartition("accepted ")[2].split()[0])
        return "open" if status == 0 else "refused" if status == 1 else "quiet"
    if done.exit_code in (124, 137) or "timed out" in done.output or "No route to host" in done.output:
        # After three seconds the kernel reports a host that does not answer to ARP as "no route".
        return "silent"
    if "refused" in done.output:
        return "refused"
    raise RuntimeFailure(
        f"the outcome of a test connection to {listen} cannot be understood",
        evidence=f"exit code {done.exit_code}: {done.output}",
        remedy="build the sidecar's image again: docker rmi chaoskit/nettools:2 (the next run builds it)",
    )


def split_address(listen: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """The address and the port of ``10.0.0.2:80`` or ``[fd00::2]:80``."""
    host, _, port = listen.rpartition(":")
    return ipaddress.ip_address(host.strip("[]")), int(port)


_METER_PREFIX: Final = "chaoskit_meter_"


class LinkMeter:
    """A :class:`chaoskit.runtime.Meter`: one nftables table in each Toxiproxy that carries one of the links.

    Args:
        nettools: the sidecars in which ``nft`` runs.
        container: Toxiproxy's service name → its container's id.
        placed: the links, and where their proxies listen.

    Raises:
        RuntimeFailure: from every method, if ``nft`` or the engine fails, or if the count is lost
            because Toxiproxy was restarted.
    """

    def __init__(self, nettools: Nettools, container: Callable[[str], str], placed: Iterable[Placed]) -> None:
        self._nettools = nettools
        self._table = _METER_PREFIX + secrets.token_hex(4)
        listens: defaultdict[str, list[str]] = defaultdict(list)
        for each in placed:
            listens[each.toxiproxy].append(each.listen)
        self._containers = [container(name) for name in listens]
        for network, name in zip(self._containers, listens, strict=True):
            nft(nettools, network, meter_rules(self._table, listens[name]))

    def read(self) -> int:
        """The number of requests so far."""
        return sum(self._counted(container) for container in self._containers)

    def close(self) -> None:
        """Stop counting; may be called again."""
        while self._containers:
            nft(
                self._nettools,
                self._containers[-1],
                f"add table inet {self._table}; delete table inet {self._table}",
            )
            self._containers.pop()

    def _counted(self, container: str) -> int:
        return packet_count(listing(self._nettools, container, f"list counters table inet {self._table}"))


def meter_rules(table: str, listens: Iterable[str]) -> str:
    """The nftables script, one transaction, that counts the segments that end a write to ``listens``.

    Args:
        table: the name of the table.
        listens: each an ``address:port``.
    """
    script = [
        f"add table inet {table}",
        f"add chain inet {table} input {{ type filter hook input priority -200; }}",
        f"add counter inet {table} asked",
    ]
    for listen in sorted(set(listens)):
        host, port = split_address(listen)
        family = "ip6" if host.version == 6 else "ip"
        script.append(
            f"add rule inet {table} input {family} daddr {host} tcp dport {port} "
            "tcp flags & psh == psh counter name asked"
        )
    return "; ".join(script)


def packet_count(counters: Iterable[Mapping[str, Any]]) -> int:
    """The sum of the counters in the output of ``nft -j list counters``."""
    return sum(entry["counter"]["packets"] for entry in counters if "counter" in entry)
