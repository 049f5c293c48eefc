from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from chaoskit.interpose.subnets import ADDRESS_POOLS, NoRoom, allocate, host


def test_a_subnet_holds_its_containers_and_what_docker_needs() -> None:
    """After the gateway it has room for every container and for two that join to look."""
    for count in (1, 2, 3, 4, 30, 200):
        network = allocate({"one": count}, seed="x")["one"]
        assert host(network, count - 1 + 2) < network.broadcast_address
        assert host(network, 0) == network.network_address + 2


def test_runs_look_in_different_places() -> None:
    """Two runs that start at the same time choose different blocks, and one run always the same block."""
    blocks = {str(allocate({"one": 2}, seed=f"run{number}")["one"]) for number in range(50)}
    assert len(blocks) == 50
    assert allocate({"one": 2}, seed="a") == allocate({"one": 2}, seed="a")


def test_what_is_taken_is_gone_round() -> None:
    """A block that is routed, in part or within a larger network, is not used; the default route takes no
    block.
    """
    first = allocate({"one": 2, "two": 9}, seed="a")
    again = allocate({"one": 2, "two": 9}, seed="a", taken=[IPv4Network("0.0.0.0/0")])
    assert again == first
    other = allocate({"one": 2, "two": 9}, seed="a", taken=[first["one"]])
    assert not any(net.overlaps(first["one"]) for net in other.values())
    away = allocate({"one": 2}, seed="a", taken=[IPv4Network("10.0.0.0/8")])["one"]
    assert away.subnet_of(IPv4Network("172.16.0.0/12"))


def test_the_last_free_block_is_found() -> None:
    """The only free block of a pool is found, wherever the search begins."""
    free = IPv4Network("198.18.64.8/29")
    taken = [*ADDRESS_POOLS[:-1], *ADDRESS_POOLS[-1].address_exclude(free)]
    for seed in "abcdefgh":
        assert allocate({"one": 2}, seed=seed, taken=taken) == {"one": free}


def test_no_room_is_said() -> None:
    """If the machine routes every private network, the error says so."""
    with pytest.raises(NoRoom, match=r"no free /29"):
        allocate({"one": 2}, seed="a", taken=ADDRESS_POOLS)
