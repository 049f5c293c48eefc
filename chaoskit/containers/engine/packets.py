"""Packets on their way to a link: dropping them in Toxiproxy's network, and trying to connect.

How much consumers ask over their links, counted in Toxiproxy's network.

Toxiproxy's own counters move only when a connection closes, and a component's network counters mix
what it asks with what it is asked. The kernel counts for us: each write of a consumer ends with a
segment that has the PSH flag (RFC 9293, section 3.9.1.2), so such segments are requests,
whatever their size, as long as a request is one write.
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

Quiet = Literal["open", "refused", "silent", "quiet"]
"""What a fresh connection meets; ``quiet`` if it was accepted and nothing was said, so that it may be
open or hang."""

_DEADLINE: Final = 10.0
_PREFIX: Final = "chaoskit_"
LISTEN: Final = 0.3
"""Seconds for which a fresh connection is listened to: a provider that speaks first has spoken."""

_EXCHANGE: Final = Path(exchanging.__file__)

# bash is on every Debian. ``read`` returns 0 for a byte, 1 for an end or a reset, more for silence.
_CONNECT: Final = """
exec 3<>"/dev/tcp/$0/$1" || exit 3
IFS= read -r -t "$2" -N 1 -u 3
echo "accepted $?"
"""


class Dropped:
    """The links whose packets are dropped, one nftables table for each, in Toxiproxy's network.

    Args:
        nettools: the sidecars in which ``nft`` runs.
    """

    def __init__(self, nettools: Nettools) -> None:
        self._nettools = nettools

    def add(self, container: str, proxy: str, listen: str) -> None:
        """Drop everything to and from ``listen`` (``address:port``), from now on."""
        nft(self._nettools, container, rules(proxy, listen))

    def remove(self, container: str, proxy: str) -> None:
        """Let it through again; nothing to remove is no error."""
        name = table(proxy)
        nft(self._nettools, container, f"add table inet {name}; delete table inet {name}")

    def tables(self, container: str) -> frozenset[str]:
        """The tables (see :func:`table`) that drop in both directions, as the kernel tells it."""
        return dropping(listing(self._nettools, container, "list ruleset inet"))


def nft(nettools: Nettools, container: str, script: str, *options: str) -> str:
    """What ``nft`` prints in the network of a container.

    Raises:
        RuntimeFailure: it failed.
    """
    command = ["nft", *options, script]
    done = nettools.run(container, command, timeout=_DEADLINE, admin=True, speaks="-j" in options)
    if done.exit_code != 0:
        raise RuntimeFailure(
            "nft failed in Toxiproxy's network",
            where=f"container {container[:12]}: nft {script}",
            limit=f"{_DEADLINE:g} s" if done.exit_code in (124, 137) else None,
            evidence=done.output,
            remedy="the engine's kernel must have nf_tables (modprobe nf_tables); "
            "cut by 'refuse' or 'hang' where it has not",
        )
    return done.output


def listing(nettools: Nettools, container: str, script: str) -> list[dict[str, Any]]:
    """The objects that ``nft -j list …`` tells of.

    Raises:
        RuntimeFailure: it failed, or told nothing that can be read.
    """
    told = nft(nettools, container, script, "-j")
    try:
        return list(json.loads(told)["nftables"])
    except ValueError:
        raise RuntimeFailure(
            "nft told nothing that can be read",
            where=f"container {container[:12]}: nft -j {script}",
            evidence=told or "no output",
            remedy="run it again on a machine that is less busy",
        ) from None


def table(proxy: str) -> str:
    """The name of a link's nftables table; a proxy's name may be too long for one."""
    return _PREFIX + hashlib.sha256(proxy.encode()).hexdigest()[:16]


def rules(proxy: str, listen: str) -> str:
    """The nftables script, one transaction, that makes ``listen`` a dead host's port.

    The hooks come before connection tracking. The first rule drops what arrives, the second what
    Toxiproxy still has to send on open connections.
    """
    host, port = split(listen)
    family, name, comment = ("ip6" if host.version == 6 else "ip"), table(proxy), proxy[:100]
    return "; ".join(
        [
            f"add table inet {name}",
            f"add chain inet {name} input {{ type filter hook input priority -300; }}",
            f"add chain inet {name} output {{ type filter hook output priority -300; }}",
            f'add rule inet {name} input {family} daddr {host} tcp dport {port} drop comment "{comment}"',
            f'add rule inet {name} output {family} saddr {host} tcp sport {port} drop comment "{comment}"',
        ]
    )


def dropping(ruleset: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The tables of ours that have both of their rules in what ``nft -j list ruleset`` tells."""
    seen: dict[str, set[str]] = {}
    for entry in ruleset:
        rule = entry.get("rule")
        if rule and rule["table"].startswith(_PREFIX) and any("drop" in each for each in rule["expr"]):
            seen.setdefault(rule["table"], set()).add(rule["chain"])
    return frozenset(name for name, chains in seen.items() if chains == {"input", "output"})


def connected(nettools: Nettools, containers: Iterable[str | None], listen: str, timeout: float) -> Quiet:
    """What a fresh connection to ``listen`` meets in the network of the first container that runs."""
    host, port = split(listen)
    command = ["bash", "-c", _CONNECT, str(host), str(port), f"{LISTEN:g}"]
    failure = None
    for container in filter(None, containers):
        try:
            return met(nettools.run(container, command, timeout=timeout + LISTEN, speaks=True), listen)
        except RuntimeFailure as error:
            failure = error
    raise failure or RuntimeFailure(f"there is no container to connect to {listen} from")


def exchanged(
    nettools: Nettools,
    containers: Iterable[str | None],
    listen: str,
    said: bytes,
    until: Until,
    patience: float,
) -> Exchange:
    """What came of saying something to ``listen`` in the network of the first container that runs."""
    host, _, port = listen.rpartition(":")
    arguments = [host.strip("[]"), port, said.hex(), until, f"{patience:g}"]
    command = ["python3", "-ISc", _EXCHANGE.read_text(encoding="utf-8"), *arguments]
    failure = None
    for container in filter(None, containers):
        try:
            done = nettools.run(container, command, timeout=patience + _DEADLINE, speaks=True)
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
    raise failure or RuntimeFailure(f"there is no container to connect to {listen} from")


def met(done: Executed, listen: str) -> Quiet:
    """What the attempt to connect says."""
    if "accepted " in done.output:
        status = int(done.output.rpartition("accepted ")[2].split()[0])
        return "open" if status == 0 else "refused" if status == 1 else "quiet"
    if done.exit_code in (124, 137) or "timed out" in done.output or "No route to host" in done.output:
        return "silent"  # a host that does not answer to ARP is "no route" to the kernel, after three seconds
    if "refused" in done.output:
        return "refused"
    raise RuntimeFailure(
        f"trying to connect to {listen} ended in a way that is not understood",
        evidence=f"exit code {done.exit_code}: {done.output}",
    )


def split(listen: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """``10.0.0.2:80`` or ``[fd00::2]:80`` in its parts."""
    host, _, port = listen.rpartition(":")
    return ipaddress.ip_address(host.strip("[]")), int(port)


_METER_PREFIX: Final = "chaoskit_meter_"


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
        self._table = _METER_PREFIX + secrets.token_hex(4)
        listens: defaultdict[str, list[str]] = defaultdict(list)
        for each in placed:
            listens[each.toxiproxy].append(each.listen)
        self._containers = [container(name) for name in listens]
        for number, name in zip(self._containers, listens, strict=True):
            nft(nettools, number, meter_rules(self._table, listens[name]))

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
        return packets(listing(self._nettools, container, f"list counters table inet {self._table}"))


def meter_rules(table: str, listens: Iterable[str]) -> str:
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


def packets(counters: Iterable[Mapping[str, Any]]) -> int:
    """The sum of the counters in what ``nft -j list counters`` tells."""
    return sum(entry["counter"]["packets"] for entry in counters if "counter" in entry)
