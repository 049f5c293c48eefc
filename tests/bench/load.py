"""The load generator beside others, in one run on one machine: what a request costs, and what is true.

``python -m tests.bench.load [FILE.json]`` measures with each load generator that is installed

- what a request costs (:mod:`tests.bench.costs`), against a bare nginx on a core of its own;
- what it reports of a stall (:mod:`tests.bench.stalls`);

and what a million requests cost the harness (:mod:`tests.bench.harness`). It prints one table and which
promises were kept, and its exit code is 1 if one was broken. Load generators that are not installed are
skipped, and the output says so; ``make bench-load`` installs those that it can. docs/load.md explains the
table.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench import costs, harness, stalls
from tests.bench.costs import FLOOD, LOCUST, Cost
from tests.bench.promises import Promise, promises
from tests.bench.servers import Stopping, nginx
from tests.bench.stalls import Account

SAMPLE_COUNT = 1_000_000


@contextlib.contextmanager
def serving(left: list[str]) -> Iterator[str]:
    """The URL of a bare nginx, or of the server that can be stopped if there is none."""
    with contextlib.ExitStack() as stack:
        try:
            url = stack.enter_context(nginx())
        except LookupError as lack:
            left.append(f"{lack}: the cost of a request was measured against a server in Python")
            url = stack.enter_context(Stopping()).url
        yield url


def measure() -> tuple[dict[str, Cost], dict[str, Account], list[str]]:
    """Cost and account of each load generator, and what was left out."""
    commands, left = costs.generators()
    with serving(left) as url:
        cost = costs.measure(commands, url)
    accounts = {"truth": stalls.truth()}
    with Stopping() as server:
        independent = stalls.wrk2(server)
        if isinstance(independent, Account):
            accounts["wrk2"] = independent
        else:
            left.append(independent)
        for name, command in commands.items():
            if name not in ("wrk", FLOOD):  # a closed loop, and a source that lets turns pass
                accounts[name] = stalls.measure(name, command, server)
    return cost, accounts, left


def cell(value: object, digits: int = 0, factor: float = 1.0, unit: str = "") -> str:
    """A figure, or a dash."""
    return "-" if value is None else f"{float(value) * factor:,.{digits}f}{unit}"  # type: ignore[arg-type]


def table(cost: Mapping[str, Cost], accounts: Mapping[str, Account]) -> str:
    """The table for people."""
    locust = cost[LOCUST].cpu_us if LOCUST in cost else None
    head = (
        f"{'load generator':<21} {'µs/req':>7} {'of Locust':>9} {'req/s':>8} {'addresses':>9} │ {'sent':>6} "
        f"{'µs/req':>7} {'p50 ms':>8} {'p90 s':>7} {'p99 s':>7} {'error':>8} {'p99.9 s':>8} {'error':>8} "
        f"{'>100 ms':>8} {'in stall':>8} {'lag p50/p99 ms':>15}"
    )
    lines = [
        f"{'':<21} {'as fast as one core can':>36} │ 500 per second, 2 s of stall",
        head,
        "─" * len(head),
    ]
    for name in dict.fromkeys([*accounts, *cost]):
        c, a = cost.get(name), accounts.get(name, Account(generator=name))
        share = c.cpu_us / locust if c and locust else None
        lag = f"{cell(a.lag_p50, 2, 1e3)}/{cell(a.lag_p99, 2, 1e3)}"
        lines.append(
            f"{name:<21} {cell(c and c.cpu_us, 1):>7} {cell(share, 2):>9} {cell(c and c.rate_per_s):>8} "
            f"{cell(c and c.identities):>9} │ {cell(a.sent):>6} {cell(a.cpu_us):>7} "
            f"{cell(a.p50, 2, 1e3):>8} {cell(a.p90, 3):>7} {cell(a.p99, 3):>7} "
            f"{cell(a.p99_error, 1, 100, '%'):>8} {cell(a.p999, 3):>8} {cell(a.p999_error, 1, 100, '%'):>8} "
            f"{cell(a.slow_share, 1, 100, '%'):>8} {cell(a.in_stall):>8} {lag:>15}"
        )
    return "\n".join(lines)


def says(kept: Sequence[Promise]) -> str:
    """The promises, one line each."""
    return "\n".join(
        f"{'kept  ' if each.kept else 'BROKEN'}  {each.what}: {each.seen} ({each.limit})" for each in kept
    )


def main() -> int:
    """Measure, print, and write the figures to a file if one is named."""
    cost, accounts, left = measure()
    million = harness.measure(SAMPLE_COUNT)
    kept = list(promises(cost, accounts, million))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(table(cost, accounts))
    print(f"\nmedians of {costs.ROUNDS} rounds in turn; {os.cpu_count()} cores, load average {load}\n")
    print(says(kept))
    for text in left:
        print(f"left out: {text}")
    if len(sys.argv) > 1:
        record = {
            "costs": [asdict(each) for each in cost.values()],
            "stall": [asdict(each) for each in accounts.values()],
            "harness": million,
            "promises": [asdict(each) for each in kept],
            "left_out": left,
        }
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    return 0 if all(each.kept for each in kept) else 1


if __name__ == "__main__":
    sys.exit(main())
