"""Subnets for the run's networks, in one block of private addresses that the machine does not route yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

ADDRESS_POOLS = tuple(
    IPv4Network(text)
    for text in ("10.128.0.0/9", "10.0.0.0/9", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15")
)
"""Private (RFC 1918) and benchmarking (RFC 2544) addresses, in the order in which they are tried."""

_RESERVED_ADDRESSES = 3
"""Addresses of a subnet that no container gets: the network's own, Docker's gateway (also reserved in
internal networks) and the broadcast address."""

_SPARE_ADDRESSES = 2
"""Free addresses for containers that join a network briefly, to look at a link from its consumer's side."""


class NoRoom(Exception):
    """No pool has a free block that is large enough."""


def allocate(
    hosts: Mapping[str, int], *, seed: str, taken: Iterable[IPv4Network] = ()
) -> dict[str, IPv4Network]:
    """Give every network a subnet inside one common free block.

    The position of the block depends only on ``seed`` as long as that position is free. So two runs
    that start at the same time look in different places, and one run always looks in the same place.

    Args:
        hosts: network → the number of its containers.
        seed: the run's id.
        taken: the networks that the machine already routes; default routes are ignored.

    Raises:
        NoRoom: every pool is taken.
    """
    if not hosts:
        return {}
    prefixes = {name: _prefix(count) for name, count in hosts.items()}
    total = sum(2 ** (32 - prefix) for prefix in prefixes.values())
    block = _free_block(32 - (total - 1).bit_length(), seed, [net for net in taken if net.prefixlen > 0])
    start = int(block.network_address)
    placed: dict[str, IPv4Network] = {}
    # Large subnets come first, so that each start is a multiple of the subnet's size.
    for name in sorted(prefixes, key=lambda each: prefixes[each]):
        placed[name] = IPv4Network((start, prefixes[name]))
        start += placed[name].num_addresses
    return {name: placed[name] for name in hosts}


def host(network: IPv4Network, number: int) -> IPv4Address:
    """The address of a network's container ``number``, counted from 0, after Docker's gateway."""
    return network.network_address + 2 + number


def _prefix(hosts: int) -> int:
    return 32 - (hosts + _RESERVED_ADDRESSES + _SPARE_ADDRESSES - 1).bit_length()


def _free_block(prefix: int, seed: str, taken: list[IPv4Network]) -> IPv4Network:
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    for pool in ADDRESS_POOLS:
        block = _block_in(pool, prefix, number, taken)
        if block is not None:
            return block
    raise NoRoom(f"no free /{prefix} in {', '.join(map(str, ADDRESS_POOLS))}")


def _block_in(pool: IPv4Network, prefix: int, number: int, taken: list[IPv4Network]) -> IPv4Network | None:
    """The first free block of a pool, searched in a circle from a position that ``number`` chooses."""
    if prefix < pool.prefixlen:
        return None
    size = 2 ** (32 - prefix)
    count = pool.num_addresses // size
    first = int(pool.network_address)
    inside = [net for net in taken if net.overlaps(pool)]
    position, seen = number % count, 0
    while seen < count:
        block = IPv4Network((first + position * size, prefix))
        clash = next((net for net in inside if net.overlaps(block)), None)
        if clash is None:
            return block
        # Continue after the clashing network, so that one step leaves a large one behind.
        ahead = max(1, (int(clash.broadcast_address) + 1 - int(block.network_address) + size - 1) // size)
        position, seen = (position + ahead) % count, seen + ahead
    return None
