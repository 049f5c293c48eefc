"""The servers that load generators are measured against: a bare nginx, and one that can be stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".chaoskit/bench"
"""Where fixtures/setup/bench.sh unpacks the packages that it finds."""

CONFIG = """
daemon off;
worker_processes 1;
error_log stderr crit;
pid nginx.pid;
events {{ worker_connections 12000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ default_type application/json; return 200 '{{"id": 1, "name": "a thing"}}'; }}
    }}
}}
"""


def tool(name: str) -> str | None:
    """The path of a program of this machine, or of one that the set-up has unpacked."""
    unpacked = (TOOLS / folder / name for folder in ("usr/bin", "usr/sbin"))
    found = [
        *map(str, filter(Path.exists, unpacked)),
        shutil.which(name),
        shutil.which(name, path="/usr/sbin"),
    ]
    return next(filter(None, found), None)


def libraries() -> dict[str, str]:
    """An environment in which unpacked programs find their libraries."""
    folders = [*map(str, TOOLS.glob("usr/lib/*")), os.environ.get("LD_LIBRARY_PATH")]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, folders))}


@contextlib.contextmanager
def core(number: int) -> Iterator[None]:
    """Let processes that are started in the block run on one core alone, if there are at least two.

    Args:
        number: 0 for the client that is measured, 1 for the server.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        yield
        return
    os.sched_setaffinity(0, {cores[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def nginx() -> Iterator[str]:
    """Run a bare nginx with one worker on a core of its own; yields its URL.

    Raises:
        LookupError: nginx is not installed, or does not start.
    """
    program = tool("nginx")
    if program is None:
        raise LookupError("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        Path(folder, "nginx.conf").write_text(CONFIG.format(port=port), encoding="utf-8")
        command = [program, "-p", folder, "-c", "nginx.conf", "-e", "stderr"]
        with core(1):
            serving = subprocess.Popen(command, env=libraries(), stderr=subprocess.PIPE, text=True)
        try:
            _await(serving, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            serving.terminate()
            serving.communicate()


def _await(serving: subprocess.Popen[str], port: int) -> None:
    until = time.monotonic() + 10.0
    while serving.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        time.sleep(0.02)
    serving.kill()
    raise LookupError(f"nginx does not start: {serving.communicate()[1].strip()}")


class Stopping:
    """The server of :mod:`tests.bench.server` in a process that can be stopped."""

    def __enter__(self) -> Stopping:
        command = [sys.executable, "-m", "tests.bench.server"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.communicate()

    def stall(self, after: float, seconds: float) -> float:
        """Stop it and continue it; returns for how many seconds it really stood still."""
        begin, moments = time.monotonic() + after, []
        with contextlib.suppress(PermissionError):  # where that is allowed, since this process keeps the time
            os.setpriority(os.PRIO_PROCESS, 0, -15)
        for moment, what in ((begin, signal.SIGSTOP), (begin + seconds, signal.SIGCONT)):
            time.sleep(max(0.0, moment - time.monotonic()))
            self._process.send_signal(what)
            moments.append(time.monotonic())
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)
        return moments[1] - moments[0]
