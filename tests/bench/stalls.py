"""What each load generator reports of a stall: 500 requests per second for ten seconds, for two of which
the server is stopped. A thousand users arrive during the stall, and the k-th of them waits 2 s - k · 2 ms,
so the truth is known.
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

RATE_PER_S, SECONDS = 500, 10.0
STALL_AT, STALL_SECONDS = 4.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one load generator reports. Latencies are in seconds, as it reports them.

    Attributes:
        generator: its name.
        sent: how many of the 5,000 requests it sent.
        accounted: how many requests have an outcome; ``None`` if it keeps no account.
        cpu_us: CPU time per request, in microseconds.
        p50, p90, p99, p999: its latencies.
        p99_error, p999_error: their relative error, compared with the truth of the stall as it really
            was: a busy machine stops and continues the server late.
        slow_share: the share of requests above 100 ms.
        in_stall: requests that it started while the server was stopped.
        lag_p50, lag_p99: seconds by which it sent late.
    """

    generator: str
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


def measure(generator: str, command: Command, server: Stopping) -> Account:
    """Send one load generator through the stall."""
    stood: list[float] = []
    figures = run(command("open", server.url), lambda: stood.append(server.stall(STALL_AT, STALL_SECONDS)))
    return _account(generator, figures, stood[0])


def _account(generator: str, figures: Mapping[str, Any], stood: float) -> Account:
    latency, lag = sorted(figures["latency"]), sorted(figures.get("lag", ()))
    true = waits(stood)
    p99, p999 = nearest_rank(latency, 0.99), nearest_rank(latency, 0.999)
    return Account(
        generator=generator,
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
        in_stall=sum(STALL_AT <= at < STALL_AT + STALL_SECONDS for at in figures["started"]),
        lag_p50=nearest_rank(lag, 0.5) if lag else None,
        lag_p99=nearest_rank(lag, 0.99) if lag else None,
    )


def waits(stall: float) -> list[float]:
    """How long each user waits, ascending, if the server stalls for so long and otherwise answers at once."""
    stalled = [stall - number / RATE_PER_S for number in range(int(stall * RATE_PER_S))]
    return [0.0] * (int(RATE_PER_S * SECONDS) - len(stalled)) + sorted(stalled)


def truth() -> Account:
    """What a load generator without any cost would report."""
    true = waits(STALL_SECONDS)
    return Account(
        generator="truth",
        sent=len(true),
        p50=nearest_rank(true, 0.5),
        p90=nearest_rank(true, 0.9),
        p99=nearest_rank(true, 0.99),
        p999=nearest_rank(true, 0.999),
        slow_share=sum(each > 0.1 for each in true) / len(true),
        in_stall=int(RATE_PER_S * STALL_SECONDS),
    )


def wrk2(server: Stopping) -> Account | str:
    """The account of wrk2, which corrects for coordinated omission: an independent view of the truth."""
    if not tool("wrk2"):
        return "wrk2 is not installed and not a Debian package; the truth is computed instead"
    command = ["wrk2", "-t1", "-c50", f"-d{SECONDS:.0f}s", f"-R{RATE_PER_S}", "--latency", f"{server.url}/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        server.stall(STALL_AT, STALL_SECONDS)
        said = client.communicate()[0]

    def quantile(name: str) -> float | None:
        found = re.search(rf"{re.escape(name)}%\s+([\d.]+)(us|ms|s)", said)
        return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]] if found else None

    names = {"p50": "50.000", "p90": "90.000", "p99": "99.000", "p999": "99.900"}
    return Account(generator="wrk2", **{key: quantile(name) for key, name in names.items()})  # type: ignore[arg-type]
