"""The load engine beside others, in one run on one machine: what a request costs, and what is true.

``python -m tests.bench.load [FILE.json]`` measures two things with each engine that is there:

- ``closed``: 50 connections kept busy; CPU time of the client per request.
- ``open``: 500 requests per second for ten seconds, in which the server is stopped for two. A
  thousand users come in the stall, and the k-th of them waits 2 s - k · 2 ms; so the truth is known.

What a machine lacks is left out, and said. Locust is looked for in ``$BENCH_PYTHON``, in
``.venv-bench`` and beside this Python (``pip install chaoskit[bench]``). How to read it: docs/load.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaoskit.load.totals import nearest_rank
from tests.bench import judging

RATE, SECONDS, STALL_AT, STALL = 500, 10.0, 4.0, 2.0
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one engine did. Latencies in seconds, as that engine reports them.

    Attributes:
        engine: its name.
        cpu_us: CPU per request with 50 connections kept busy.
        rate_per_s: requests per second then.
        sent: requests of the open loop, of 5,000.
        open_cpu_us: CPU per request then.
        p50, p90, p99, p999: its latencies in the open loop.
        p99_error, p999_error: how far those are from the truth of the stall as it really was: a busy
            machine also stops and continues the server late.
        slow_share: the share above 100 ms.
        in_stall: requests that it started while the server was stopped.
        lag_p50, lag_p99: lateness of the engine, before the stall ends.
    """

    engine: str
    cpu_us: float | None = None
    rate_per_s: float | None = None
    sent: int | None = None
    open_cpu_us: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    p999: float | None = None
    p99_error: float | None = None
    p999_error: float | None = None
    slow_share: float | None = None
    in_stall: int | None = None
    lag_p50: float | None = None
    lag_p99: float | None = None


class Server:
    """The server's process."""

    def __enter__(self) -> Server:
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
        """Stop it, and let it go on; returns for how long it really stood still."""
        begin, moments = time.monotonic() + after, []
        with contextlib.suppress(PermissionError):  # where that is allowed: who keeps the time goes first
            os.setpriority(os.PRIO_PROCESS, 0, -15)
        for moment, what in ((begin, signal.SIGSTOP), (begin + seconds, signal.SIGCONT)):
            time.sleep(max(0.0, moment - time.monotonic()))
            self._process.send_signal(what)
            moments.append(time.monotonic())
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)
        return moments[1] - moments[0]


def measured(command: list[str], server: Server, *, stall: bool) -> dict[str, Any]:
    """What a client prints in the end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True) as client:
        assert client.stdout is not None
        last, stalled = "", 0.0
        for line in client.stdout:
            if stall and line.strip() == "begun":
                stalled = server.stall(STALL_AT, STALL)
            last = line
    if client.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return {**json.loads(last), "stalled": stalled}


def run_of(engine: str, closed: dict[str, Any], opened: dict[str, Any]) -> Run:
    """The figures of an engine."""
    latency, lag = sorted(opened["latency"]), sorted(opened.get("lag", ()))
    stalled = [at for at in opened["started"] if STALL_AT <= at < STALL_AT + STALL]
    true = waits(opened["stalled"])
    p99, p999 = nearest_rank(latency, 0.99), nearest_rank(latency, 0.999)
    return Run(
        engine=engine,
        cpu_us=closed["cpu_s"] / closed["requests"] * 1e6,
        rate_per_s=closed["requests"] / closed["seconds"],
        sent=len(latency),
        open_cpu_us=opened["cpu_s"] / max(1, opened["requests"]) * 1e6,
        p50=nearest_rank(latency, 0.5),
        p90=nearest_rank(latency, 0.9),
        p99=p99,
        p999=p999,
        p99_error=p99 / nearest_rank(true, 0.99) - 1,
        p999_error=p999 / nearest_rank(true, 0.999) - 1,
        slow_share=sum(each > 0.1 for each in latency) / len(latency),
        in_stall=len(stalled),
        lag_p50=nearest_rank(lag, 0.5) if lag else None,
        lag_p99=nearest_rank(lag, 0.99) if lag else None,
    )


def waits(stall: float) -> list[float]:
    """How long the users wait, ascending, if the server stands still for so long and else answers at once."""
    stalled = [stall - number / RATE for number in range(int(stall * RATE))]
    return [0.0] * (int(RATE * SECONDS) - len(stalled)) + sorted(stalled)


def truth() -> Run:
    """What an engine that costs nothing would see."""
    true = waits(STALL)
    return Run(
        engine="truth",
        sent=len(true),
        p50=nearest_rank(true, 0.5),
        p90=nearest_rank(true, 0.9),
        p99=nearest_rank(true, 0.99),
        p999=nearest_rank(true, 0.999),
        slow_share=sum(each > 0.1 for each in true) / len(true),
        in_stall=int(RATE * STALL),
    )


def wrk(server: Server) -> Run | str:
    """wrk, for the cost of a request in C; it knows no open loop."""
    if not shutil.which("wrk"):
        return "wrk is not installed"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["wrk", "-t1", "-c50", "-d4s", f"{server.url}/listings?page=2"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    requests = int(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]
    return Run(engine="wrk", cpu_us=spent / requests * 1e6, rate_per_s=requests / 4)


def wrk2(server: Server) -> Run | str:
    """wrk2, which corrects for coordinated omission: an independent look at the truth."""
    if not shutil.which("wrk2"):
        return "wrk2 is not installed (its open loop would be an independent look at the truth)"
    command = ["wrk2", "-t1", "-c50", "-d10s", f"-R{RATE}", "--latency", f"{server.url}/listings?page=2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        server.stall(STALL_AT, STALL)
        said = client.communicate()[0]

    def quantile(name: str) -> float | None:
        found = re.search(rf"{re.escape(name)}%\s+([\d.]+)(us|ms|s)", said)
        return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]] if found else None

    return Run(
        engine="wrk2",
        p50=quantile("50.000"),
        p90=quantile("90.000"),
        p99=quantile("99.000"),
        p999=quantile("99.900"),
    )


def locust_python() -> str | None:
    """A Python that has Locust."""
    for python in (os.environ.get("BENCH_PYTHON"), str(ROOT / ".venv-bench/bin/python"), sys.executable):
        if python and Path(python).exists():
            looked = subprocess.run([python, "-c", "import locust"], capture_output=True, check=False)
            if looked.returncode == 0:
                return python
    return None


def runs(server: Server) -> tuple[list[Run], list[str], dict[str, Any]]:
    """All engines, what was left out, and what the whole load process costs."""
    found, left = [truth()], []
    for engine in (wrk(server), wrk2(server)):
        if isinstance(engine, Run):
            found.append(engine)
        else:
            left.append(engine)
    ours = [sys.executable, "-m", "tests.bench.clients"]
    modes = ("closed", "open")
    commands = {name: [[*ours, name, mode, server.url] for mode in modes] for name in ("chaoskit", "httpx")}
    if python := locust_python():
        script = str(HERE / "locust_client.py")
        commands["locust FastHttpUser"] = [[python, script, mode, server.url] for mode in modes]
    else:
        left.append(
            "Locust is not installed (python -m venv .venv-bench; .venv-bench/bin/pip install locust)"
        )
    for name, (closed, opened) in commands.items():
        found.append(
            run_of(name, measured(closed, server, stall=False), measured(opened, server, stall=True))
        )
    return found, left, measured([*ours, "chaoskit", "full", server.url], server, stall=False)


def cell(value: object, digits: int = 0, factor: float = 1.0) -> str:
    """A figure, or a dash."""
    return "-" if value is None else f"{float(value) * factor:,.{digits}f}"  # type: ignore[arg-type]


def table(found: list[Run]) -> str:
    """What people look at."""
    head = (
        f"{'engine':<20} {'µs/req':>7} {'req/s':>8} │ {'sent':>6} {'µs/req':>7} {'p50 ms':>8} {'p90 s':>7} "
        f"{'p99 s':>7} {'error':>7} {'p99.9 s':>8} {'error':>7} {'>100 ms':>8} {'in stall':>8} "
        f"{'lag p50/p99 ms':>15}"
    )
    lines = [f"{'':<20} {'50 busy':>16} │ 500 per second, 2 s of stall", head, "─" * len(head)]
    for each in found:
        lag = f"{cell(each.lag_p50, 2, 1e3)}/{cell(each.lag_p99, 2, 1e3)}"
        lines.append(
            f"{each.engine:<20} {cell(each.cpu_us):>7} {cell(each.rate_per_s):>8} │ {cell(each.sent):>6} "
            f"{cell(each.open_cpu_us):>7} {cell(each.p50, 2, 1e3):>8} {cell(each.p90, 3):>7} "
            f"{cell(each.p99, 3):>7} {cell(each.p99_error, 1, 100):>6}% "
            f"{cell(each.p999, 3):>8} {cell(each.p999_error, 1, 100):>6}% "
            f"{cell(each.slow_share, 1, 100):>6} % "
            f"{cell(each.in_stall):>8} {lag:>15}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the figures down if a file is named."""
    with Server() as server:
        found, left, full = runs(server)
    judged, _ = judging.measure(1_000_000)
    print(table(found))
    process_us = full["cpu_s"] / full["requests"] * 1e6
    rate = full["requests"] / full["seconds"]
    print(f"\nthe whole load process at {rate:,.0f} per second: {process_us:.0f} µs per run")
    by_name = {run.engine: run for run in found}
    ours, theirs = by_name["chaoskit"], by_name.get("locust FastHttpUser")
    if theirs and ours.cpu_us and theirs.cpu_us:
        print(f"chaoskit to Locust, 50 connections busy: {ours.cpu_us / theirs.cpu_us:.2f}")
    print(
        f"judging {judged['samples']:,} requests: {judged['judge_s']:.2f} s of CPU, "
        f"{judged['memory_most_mb']:.0f} MB at most"
    )
    for text in left:
        print(f"left out: {text}")
    if len(sys.argv) > 1:
        record = {
            "runs": [asdict(run) for run in found],
            "judging": judged,
            "process_us": process_us,
            "left_out": left,
        }
        Path(sys.argv[1]).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
