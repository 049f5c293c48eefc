"""What each engine says of a stall: 500 requests per second for ten seconds, for two of which the
server is stopped. A thousand users come in the stall, and the k-th of them waits 2 s - k · 2 ms; so
the truth is known.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chaoskit.load.totals import nearest_rank
from tests.bench.costs import Command, run
from tests.bench.servers import Stopping, tool

RATE, SECONDS, STALL_AT, STALL = 500, 10.0, 4.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one engine says. Latencies in seconds, as that engine reports them.

    Attributes:
        engine: its name.
        sent: requests that it made, of 5,000.
        accounted: requests of which it says what became of them; ``None`` where it keeps no account.
        cpu_us: CPU per request.
        p50, p90, p99, p999: its latencies.
        p99_error, p999_error: how far those are from the truth of the stall as it really was: a busy
            machine also stops and continues the server late.
        slow_share: the share above 100 ms.
        in_stall: requests that it started while the server was stopped.
        lag_p50, lag_p99: lateness of the engine.
    """

    engine: str
    sent: int | None = None
    accounted: int | None = None
    cpu_us: float | None = None
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


def measure(engine: str, command: Command, server: Stopping) -> Account:
    """One engine through the stall."""
    stood: list[float] = []
    figures = run(command("open", server.url), lambda: stood.append(server.stall(STALL_AT, STALL)))
    return _account(engine, figures, stood[0])


def _account(engine: str, figures: Mapping[str, Any], stood: float) -> Account:
    latency, lag = sorted(figures["latency"]), sorted(figures.get("lag", ()))
    true = waits(stood)
    p99, p999 = nearest_rank(latency, 0.99), nearest_rank(latency, 0.999)
    return Account(
        engine=engine,
        sent=len(latency),
        accounted=figures.get("accounted"),
        cpu_us=figures["cpu_s"] / max(1, figures["requests"]) * 1e6,
        p50=nearest_rank(latency, 0.5),
        p90=nearest_rank(latency, 0.9),
        p99=p99,
        p999=p999,
        p99_error=p99 / nearest_rank(true, 0.99) - 1,
        p999_error=p999 / nearest_rank(true, 0.999) - 1,
        slow_share=sum(each > 0.1 for each in latency) / len(latency),
        in_stall=sum(STALL_AT <= at < STALL_AT + STALL for at in figures["started"]),
        lag_p50=nearest_rank(lag, 0.5) if lag else None,
        lag_p99=nearest_rank(lag, 0.99) if lag else None,
    )


def waits(stall: float) -> list[float]:
    """How long the users wait, ascending, if the server stands still for so long and else answers at once."""
    stalled = [stall - number / RATE for number in range(int(stall * RATE))]
    return [0.0] * (int(RATE * SECONDS) - len(stalled)) + sorted(stalled)


def truth() -> Account:
    """What an engine that costs nothing would see."""
    true = waits(STALL)
    return Account(
        engine="truth",
        sent=len(true),
        p50=nearest_rank(true, 0.5),
        p90=nearest_rank(true, 0.9),
        p99=nearest_rank(true, 0.99),
        p999=nearest_rank(true, 0.999),
        slow_share=sum(each > 0.1 for each in true) / len(true),
        in_stall=int(RATE * STALL),
    )


def wrk2(server: Stopping) -> Account | str:
    """wrk2, which corrects for coordinated omission: an independent look at the truth."""
    if not tool("wrk2"):
        return "wrk2 is not installed, and is no Debian package (the truth is worked out beside it)"
    command = ["wrk2", "-t1", "-c50", f"-d{SECONDS:.0f}s", f"-R{RATE}", "--latency", f"{server.url}/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        server.stall(STALL_AT, STALL)
        said = client.communicate()[0]

    def quantile(name: str) -> float | None:
        found = re.search(rf"{re.escape(name)}%\s+([\d.]+)(us|ms|s)", said)
        return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]] if found else None

    names = {"p50": "50.000", "p90": "90.000", "p99": "99.000", "p999": "99.900"}
    return Account(engine="wrk2", **{key: quantile(name) for key, name in names.items()})  # type: ignore[arg-type]
