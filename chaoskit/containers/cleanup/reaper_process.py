"""The reaper's process: waits for the harness to end, and removes what a dead one has left.

It is run by its path, and until the harness is dead it imports nothing but a little of the
standard library: every run starts one, and waits for it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

READY_MESSAGE = b"ready\n"


def started(pid: int) -> str:
    """When a process was started, in the system's own words; empty if there is none.

    Two processes that had the same number differ in it: clock ticks since boot on Linux (proc(5),
    field 22 of ``stat``), elsewhere what ``ps`` tells.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - importing pathlib takes too long
            return file.read().rpartition(b")")[2].split()[19].decode()
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):  # noqa: PTH110
            return ""
    except (OSError, IndexError):
        return ""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return told.stdout.strip().replace(" ", "_")


def listen(channel: socket.socket) -> dict[int, str] | None:
    """Wait for the harness to say goodbye (``None``) or to die (the process groups to kill)."""
    groups: dict[int, str] = {}
    text = b""
    while True:
        try:
            more = channel.recv(4096)
        except OSError:
            more = b""
        if not more:
            return groups
        *lines, text = (text + more).split(b"\n")
        for line in lines:
            verb, *rest = line.decode().split()
            if verb == "goodbye":
                return None
            if verb == "group":
                groups[int(rest[0])] = rest[1] if len(rest) > 1 else ""


def kill(groups: dict[int, str]) -> None:
    """SIGKILL to each process group, unless its number belongs to another process by now."""
    for pid, when in groups.items():
        now = started(pid)
        try:
            if now not in ("", when):
                continue
            if not now or os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)  # without its leader, a group keeps its number to itself
            else:
                os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def main() -> None:
    """See the module; the one argument is JSON, made by ``Reaper.start`` of ``reaper.py``."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):  # whoever ends the harness may mean all
        signal.signal(number, signal.SIG_IGN)
    order = json.loads(sys.argv[1])
    channel = socket.socket(fileno=0)
    channel.sendall(READY_MESSAGE)
    groups = listen(channel)
    if groups is not None:
        kill(groups)
        _clean_up(order)


def _clean_up(order: dict[str, Any]) -> None:
    """From here on time does not matter so much: import what is needed to remove a run."""
    sys.path[:] = order["path"]
    package = type(sys)("chaoskit")  # found by its place, however it was installed
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))]  # noqa: PTH100, PTH120
    sys.modules["chaoskit"] = package
    from chaoskit.containers.cleanup import orphan  # noqa: PLC0415

    orphan.clean_up(order)


if __name__ == "__main__":
    main()
