"""The command that carries the source of a flood: it needs nothing but Python."""

from __future__ import annotations

import json
import subprocess
import sys

from chaoskit.flood import MOST_CLIENTS, FloodPlan
from chaoskit.flood.bots import claimed_address, request, source_address
from chaoskit.flood.shipping import command
from tests.flood.server import answering, serving


def test_the_command_floods_without_the_package(tmp_path: object) -> None:
    """An interpreter without site packages begins, floods, and ends when its standard input does."""
    plan_of = {"rate_per_s": 50.0, "clients": 2, "seconds": 30.0}
    with serving(answering(b"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n")) as server:
        line = command(FloodPlan(port=server.address[1], **plan_of), ["127.0.0.1"], sys.executable)  # type: ignore[arg-type]
        with subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=str(tmp_path), text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert json.loads(process.stdout.readline()) == {"begin": f"127.0.0.1:{server.address[1]}"}
            second = json.loads(process.stdout.readline())["second"]
            process.stdin.close()
            last = json.loads(process.stdout.readline())
        assert process.returncode == 0
    assert second["answered"]["429"] > 0
    assert last["end"] == "the process that held it is gone"


def test_the_command_says_when_no_address_accepts() -> None:
    """The command prints one line with the address it tried, and exits with 1."""
    line = command(FloodPlan(port=1, rate_per_s=1, clients=1, seconds=1), ["127.0.0.1"], sys.executable)
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "127.0.0.1:1: " in json.loads(done.stdout)["error"]
    assert not done.stderr


def test_an_argument_is_no_longer_than_the_kernel_takes() -> None:
    """Each argument is well below the 128 KiB that Linux allows."""
    line = command(FloodPlan(port=80, rate_per_s=1, clients=1, seconds=1), ["127.0.0.1"])
    assert max(map(len, line)) < 100_000


def test_no_two_clients_are_the_same() -> None:
    """Each client has its own loopback address and its own claimed address, from a range for tests."""
    sources = {source_address(number) for number in range(MOST_CLIENTS)}
    claims = {claimed_address(number) for number in range(MOST_CLIENTS)}
    assert len(sources) == len(claims) == MOST_CLIENTS
    assert all(each.startswith("127.") and not each.startswith("127.0.0.") for each in sources)
    assert all(each.startswith("198.18.") for each in claims)
    assert not any(each.endswith((".0", ".255")) for each in sources | claims)


def test_a_request_is_whole() -> None:
    """A request ends with an empty line, and has a length if a server could expect a body."""
    assert request("GET", "/a?b=c", "127.0.0.1:80", 0) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: chaoskit-flood\r\nAccept: */*\r\n"
        b"X-Forwarded-For: 198.18.0.1\r\n\r\n"
    )
    assert b"Content-Length: 0\r\n\r\n" in request("POST", "/", "127.0.0.1:80", 0)
