"""The commands for nft and bash, and the reading of their output.

The rules make the kernel count requests; tests/integration tests that it does.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from typing import Any

import pytest

from chaoskit.containers.engine.packets import (
    LinkMeter,
    drop_rules,
    drop_table,
    dropping_tables,
    exchanged,
    meter_rules,
    packet_count,
    raw_outcome,
    split_address,
    try_connection,
)
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import Placed
from chaoskit.runtime import Executed
from chaoskit.system import Link


@pytest.mark.parametrize(
    ("done", "word"),
    [
        (Executed(0, "accepted 0\n"), "open"),
        (Executed(0, "accepted 142\n"), "quiet"),
        (Executed(0, "bash: line 2: read: read error: 3: Connection reset by peer\naccepted 1\n"), "refused"),
        (
            Executed(3, "bash: connect: Connection refused\nbash: /dev/tcp/10.0.0.2/1: Connection refused"),
            "refused",
        ),
        (Executed(124, ""), "silent"),
        (Executed(137, ""), "silent"),
        (Executed(3, "bash: connect: No route to host"), "silent"),
        (Executed(3, "bash: connect: Connection timed out"), "silent"),
    ],
)
def test_the_words_of_bash(done: Executed, word: str) -> None:
    """The output and the exit codes of bash and timeout are understood."""
    assert raw_outcome(done, "10.0.0.2:1") == word


def test_words_that_are_not_understood_are_an_error() -> None:
    """A probe that could not work is never taken for a state of the link."""
    with pytest.raises(RuntimeFailure, match="cannot be understood") as caught:
        raw_outcome(Executed(127, "bash: not found"), "10.0.0.2:1")
    assert "bash: not found" in str(caught.value.evidence)


def test_a_probe_without_any_container_is_an_error() -> None:
    """Having no container to connect from is not a state of the link either."""
    nowhere: Any = None
    with pytest.raises(RuntimeFailure, match="no container can make a test connection"):
        try_connection(nowhere, [None], "10.0.0.2:1", 1.0)


class Sidecars:
    """Runs what would run in a sidecar on this machine; some containers do not run."""

    def run(self, container: str, command: list[str], *, timeout: float, prints: bool) -> Executed:
        if container == "gone":
            raise RuntimeFailure("container gone does not run")
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        return Executed(done.returncode, done.stdout + done.stderr)


def test_an_exchange_runs_as_a_program_of_its_own() -> None:
    """It needs nothing of this package, and is made in the first network that there is."""
    sidecars: Any = Sidecars()
    with socket.create_server(("127.0.0.1", 0)) as server:
        listen = f"127.0.0.1:{server.getsockname()[1]}"

        def greet() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"hello")

        greeter = threading.Thread(target=greet)
        greeter.start()
        found = exchanged(sidecars, [None, "gone", "here"], listen, b"PING\r\n", "answer", 5.0)
        greeter.join()
    assert (found.met, found.heard_bytes) == ("answered", 5)
    assert 0.0 < found.seconds < 5.0


def test_an_exchange_that_could_not_be_made_is_an_error() -> None:
    """Neither what is not understood nor a missing container is taken for a state of the link."""
    sidecars: Any = Sidecars()
    with pytest.raises(RuntimeFailure, match="not understood"):
        exchanged(sidecars, ["here"], "127.0.0.1:http", b"", "answer", 1.0)
    with pytest.raises(RuntimeFailure, match="container gone does not run"):
        exchanged(sidecars, ["gone"], "127.0.0.1:1", b"", "answer", 1.0)
    with pytest.raises(RuntimeFailure, match="no container can make a test connection"):
        exchanged(sidecars, [None], "127.0.0.1:1", b"", "answer", 1.0)


def test_rules_name_both_directions_and_no_more() -> None:
    """A link's own table drops what arrives at its address and port, and what leaves from there."""
    name = drop_table("api.db.5432")
    script = drop_rules("api.db.5432", "10.0.0.2:5432").split("; ")
    assert script[0] == f"add table inet {name}"
    assert any("input ip daddr 10.0.0.2 tcp dport 5432 drop" in line for line in script)
    assert any("output ip saddr 10.0.0.2 tcp sport 5432 drop" in line for line in script)
    assert all(name in line for line in script if line.startswith("add"))
    assert "ip6 daddr fd00::2 tcp dport 80" in drop_rules("p", "[fd00::2]:80")


def test_a_listening_address_that_is_none_never_reaches_nft() -> None:
    """Only an address and a number get into the script."""
    for listen in ("db; flush ruleset:1", "10.0.0.2:1; flush ruleset"):
        with pytest.raises(ValueError, match=r"does not appear|invalid literal"):
            split_address(listen)


def test_half_a_table_is_not_silence() -> None:
    """A table with only one rule, or of another program, is not taken for a cut."""
    ours, theirs = drop_table("p"), "firewall"

    def rule(name: str, chain: str, verdict: str = "drop") -> dict[str, Any]:
        return {"rule": {"table": name, "chain": chain, "expr": [{"match": {}}, {verdict: None}]}}

    assert dropping_tables([rule(ours, "input"), rule(ours, "output")]) == {ours}
    assert dropping_tables([rule(ours, "input")]) == frozenset()
    assert dropping_tables([rule(ours, "input"), rule(ours, "output", "accept")]) == frozenset()
    assert dropping_tables([rule(theirs, "input"), rule(theirs, "output")]) == frozenset()


class FakeNettools:
    """Notes the nft commands in each container, and counts 5 packets in each."""

    def __init__(self) -> None:
        self.scripts: list[tuple[str, str]] = []
        self.exit_code = 0
        self.silent = False

    def run(
        self, container: str, command: list[str], *, timeout: float, admin: bool, prints: bool
    ) -> Executed:
        assert admin
        assert prints == ("-j" in command)
        self.scripts.append((container, command[-1]))
        if self.silent:
            return Executed(self.exit_code, "")
        counters = {
            "nftables": [{"metainfo": {}}, {"counter": {"name": "asked", "packets": 5, "bytes": 900}}]
        }
        return Executed(self.exit_code, json.dumps(counters) if "-j" in command else "")


PLACED = [
    Placed(Link("gateway", "api", 8000), "toxiproxy", "10.0.0.2:8000", "10.0.1.3:8000"),
    Placed(Link("gateway", "auth", 9000), "toxiproxy", "10.0.0.2:9000", "10.0.2.3:9000"),
    Placed(Link("gateway", "search", 8000), "toxiproxy-2", "10.0.0.4:8000", "10.0.3.3:8000"),
]


@pytest.fixture
def nettools() -> FakeNettools:
    """The fake sidecars, without an engine."""
    return FakeNettools()


@pytest.fixture
def meter(nettools: FakeNettools) -> LinkMeter:
    """A meter on three links through two Toxiproxies."""
    given: Any = nettools
    return LinkMeter(given, lambda name: f"id-of-{name}", PLACED)


def test_links_are_counted_in_each_toxiproxy_that_has_some(nettools: FakeNettools, meter: LinkMeter) -> None:
    """Each Toxiproxy gets one transaction and one removal, and the counts are summed."""
    assert [container for container, _ in nettools.scripts] == ["id-of-toxiproxy", "id-of-toxiproxy-2"]
    assert meter.read() == 10
    meter.close()
    removed = [script for _, script in nettools.scripts if "delete table" in script]
    meter.close()
    assert len(removed) == len([script for _, script in nettools.scripts if "delete table" in script]) == 2


def test_what_ends_a_write_is_counted_where_the_proxy_listens() -> None:
    """Counting is by address and port, also over IPv6, once for each listener, and drops nothing."""
    script = meter_rules("t", ["10.0.0.2:80", "[fd00::2]:80", "10.0.0.2:80"])
    push = "tcp flags & psh == psh counter name asked"
    assert script.count("add rule") == 2
    assert f"ip daddr 10.0.0.2 tcp dport 80 {push}" in script
    assert f"ip6 daddr fd00::2 tcp dport 80 {push}" in script
    assert "drop" not in script


def test_a_meter_is_not_taken_for_a_cut() -> None:
    """A look for links whose packets are dropped ignores the meter's table."""
    expression = [{"match": {}}, {"counter": "asked"}]
    rule = {"rule": {"table": "chaoskit_meter_1", "chain": "input", "expr": expression}}
    assert dropping_tables([rule]) == frozenset()


def test_counters_are_summed() -> None:
    """The rest of nft's output is ignored."""
    assert packet_count([{"metainfo": {}}, {"counter": {"packets": 3}}, {"counter": {"packets": 4}}]) == 7


def test_a_count_that_is_lost_is_an_error(nettools: FakeNettools, meter: LinkMeter) -> None:
    """After a restart of Toxiproxy the table is gone, and nft says so."""
    nettools.exit_code = 1
    with pytest.raises(RuntimeFailure, match="nft failed"):
        meter.read()


def test_a_count_that_nobody_tells_is_an_error(nettools: FakeNettools, meter: LinkMeter) -> None:
    """Output that the engine has lost for good is not a count of zero."""
    nettools.silent = True
    with pytest.raises(RuntimeFailure, match="output of nft cannot be read"):
        meter.read()
