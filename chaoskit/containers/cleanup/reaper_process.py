"""The reaper's process: it waits for the harness to end, and cleans up after a harness that died.

It is run by its path, and until the harness is dead it imports only a few modules of the standard
library, because every run starts a reaper and waits for it.
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
    """The start time of a process, as the system writes it; empty if there is no such process.

    It tells two processes with the same number apart. On Linux it is in clock ticks since boot
    (proc(5), field 22 of ``stat``); elsewhere it is the output of ``ps``.
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
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return listed.stdout.strip().replace(" ", "_")


def listen(channel: socket.socket) -> dict[int, str] | None:
    """Wait until the harness says goodbye or dies.

    Returns:
        ``None`` after a goodbye; after a death, the process groups to kill, each with its start time.
    """
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
    """Send SIGKILL to each process group, unless its number now belongs to another process."""
    for pid, when in groups.items():
        now = started(pid)
        try:
            if now not in ("", when):
                continue
            if not now or os.getpgid(pid) == pid:
                # The kernel does not reuse the number of a group that has lost its leader.
                os.killpg(pid, signal.SIGKILL)
            else:
                os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def main() -> None:
    """Wait and clean up, as the module says; the one argument is JSON from ``Reaper.start``."""
    # A signal that ends the harness may be sent to the reaper as well, which must survive it.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    order = json.loads(sys.argv[1])
    channel = socket.socket(fileno=0)
    channel.sendall(READY_MESSAGE)
    groups = listen(channel)
    if groups is not None:
        kill(groups)
        _clean_up(order)


def _clean_up(order: dict[str, Any]) -> None:
    """Import the modules that clean up a run, now that start-up time no longer matters, and run them."""
    sys.path[:] = order["path"]
    package = type(sys)("chaoskit")  # located by this file's path, however it was installed
    package.__path__ = [os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))]  # noqa: PTH100, PTH120
    sys.modules["chaoskit"] = package
    from chaoskit.containers.cleanup import orphan  # noqa: PLC0415

    orphan.clean_up(order)


if __name__ == "__main__":
    main()
