"""Which ports count as listening, from the kernel's own table."""

from __future__ import annotations

import ipaddress
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.containers.engine.sockets import Sockets, parse, parse_output, reader_of_process

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"


def row(address: str, port: int, state: str = "0A") -> str:
    """A line of /proc/net/tcp or tcp6 as this machine's kernel would write it."""
    packed = ipaddress.ip_address(address).packed
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    text = b"".join(words).hex().upper()
    unbound = "0" * len(text)
    return f"   0: {text}:{port:04X} {unbound}:0000 {state} 00000000:00000000 00:00000000 00000000  0 0 1 1 0"


@pytest.mark.parametrize(
    ("address", "reachable"),
    [
        ("0.0.0.0", True),
        ("10.213.0.3", True),
        ("127.0.0.1", False),
        ("127.0.0.11", False),
        ("::", True),
        ("::1", False),
        ("fd00::3", False),
        ("::ffff:10.213.0.3", True),
        ("::ffff:127.0.0.1", False),
    ],
)
def test_only_what_other_containers_reach_over_ipv4_counts(address: str, reachable: bool) -> None:
    """A socket that is bound to loopback or to one IPv6 address serves no other container."""
    lines = [HEAD, row(address, 5432)]
    tables = ((), lines) if ":" in address else (lines, ())
    assert (5432 in parse(*tables).listening) is reachable


@given(
    st.lists(
        st.tuples(
            st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
            st.integers(1, 65535),
            st.sampled_from(["01", "04", "05", "06", "08", "0A"]),
        )
    )
)
def test_listening_and_busy_ports_are_those_of_their_states(rows: list[tuple[str, int, str]]) -> None:
    """No port is invented, and a connection in TIME_WAIT keeps no port busy."""
    four = [row(*each) for each in rows if ":" not in each[0]]
    six = [row(*each) for each in rows if ":" in each[0]]
    found = parse([HEAD, *four], [HEAD, *six])
    assert found.listening <= {port for _, port, state in rows if state == "0A"}
    assert found.busy == {port for _, port, state in rows if state in ("01", "04", "05", "08")}


@given(st.text())
def test_foreign_text_is_no_socket(text: str) -> None:
    """An error message in place of the table reads as no listening socket."""
    assert not parse_output(f"cat: {text}").listening


def test_a_process_outside_the_container_is_not_read(tmp_path: Path) -> None:
    """The engine may be on another machine, so the process's control group must name the container."""
    home = tmp_path / "42"
    (home / "net").mkdir(parents=True)
    (home / "cgroup").write_text("0::/system.slice/docker-abc.scope\n")
    (home / "net/tcp").write_text(f"{HEAD}\n{row('0.0.0.0', 80)}\n")
    (home / "net/tcp6").write_text(HEAD)
    assert reader_of_process(42, "another", tmp_path) is None
    assert reader_of_process(43, "abc", tmp_path) is None
    reader = reader_of_process(42, "abc", tmp_path)
    assert reader is not None
    found = reader.read(frozenset())
    assert found is not None
    assert found.listening == {80}


def test_a_change_is_seen_by_the_number_of_sockets(tmp_path: Path) -> None:
    """The cheap counters tell when it is worth reading the expensive tables."""
    home = tmp_path / "42"
    (home / "net").mkdir(parents=True)
    (home / "cgroup").write_text("abc")
    (home / "net/tcp").write_text(HEAD)
    (home / "net/sockstat").write_text("sockets: used 3\nTCP: inuse 1 orphan 0 tw 7 alloc 4 mem 0\n")
    (home / "net/sockstat6").write_text("TCP6: inuse 1\n")
    reader = reader_of_process(42, "abc", tmp_path)
    assert reader is not None
    assert reader.changed()
    reader.read(frozenset())
    assert not reader.changed()
    (home / "net/sockstat").write_text("sockets: used 9\nTCP: inuse 1 orphan 0 tw 9 alloc 4 mem 0\n")
    assert not reader.changed()
    (home / "net/sockstat6").write_text("TCP6: inuse 2\n")
    assert reader.changed()


def test_connections_are_read_only_when_a_port_is_missing(tmp_path: Path) -> None:
    """Open connections are read only of a provider that no longer listens on a port."""
    home = tmp_path / "42"
    (home / "net").mkdir(parents=True)
    (home / "cgroup").write_text("abc")
    (home / "net/tcp").write_text("\n".join([HEAD, row("0.0.0.0", 80), row("10.0.0.3", 90, "01")]))
    (home / "net/tcp6").write_text(HEAD)
    reader = reader_of_process(42, "abc", tmp_path)
    assert reader is not None
    assert reader.read(frozenset({80})) == Sockets(frozenset({80}), frozenset())
    assert reader.read(frozenset({80, 90})) == Sockets(frozenset({80}), frozenset({90}))


def test_a_process_that_has_gone_reads_as_nothing(tmp_path: Path) -> None:
    """If the tables vanish before the engine's event, the component is down, which is not an error."""
    home = tmp_path / "42"
    home.mkdir()
    (home / "cgroup").write_text("abc")
    reader = reader_of_process(42, "abc", tmp_path)
    assert reader is not None
    assert reader.read(frozenset()) is None


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_the_kernels_own_table_is_understood() -> None:
    """A socket that this test opens is found, and is gone once it is closed."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        assert port in parse_output(Path("/proc/net/tcp").read_text()).listening
    assert port not in parse_output(Path("/proc/net/tcp").read_text()).listening
