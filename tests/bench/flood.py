"""What a flood's source can do, and what it costs: against a bare nginx, in that nginx's network.

``python -m tests.bench.flood [SECONDS]`` floods an nginx (one worker, no log) that answers 429 or a
small page, each row for SECONDS (5 by default), and prints a table, then the same as JSON. Processor
time is the source's own, as the kernel counts it, without its start (Python, making its clients).
The machine is shared with nginx: a rate that is not reached says ``held back`` where nginx was
too slow, and ``late`` where the source was.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from chaoskit.flood import Plan, Report
from chaoskit.runtime.docker import DockerRuntime
from chaoskit.system import System

LIMIT = 70.0
"""Microseconds of processor time for a request: a quarter of the 278 us of Locust's FastHttpUser."""

CONFIG = """
worker_processes 1;
error_log /dev/stderr crit;
pid /tmp/nginx.pid;
events { worker_connections 12000; }
http {
    access_log off;
    keepalive_requests 1000000;
    server {
        listen 80 backlog=1024;
        location /refused { return 429; }
        location /page { return 200 "a small page\\n"; }
    }
}
"""

ENOUGH = 5_000
"""Requests a second that it must reach on one core."""

ROWS: tuple[tuple[str, str, float, int], ...] = (
    ("429", "/refused", 2_000, 50),
    ("429", "/refused", 5_000, 50),
    ("page", "/page", 5_000, 50),
    ("429", "/refused", 5_000, 5_000),
    ("429", "/refused", 10_000, 200),
    ("429", "/refused", 20_000, 200),
)
"""What is answered, the path, the rate in requests a second, and the clients."""


def flood(runtime: DockerRuntime, path: str, rate_per_s: float, clients: int, seconds: float) -> Report:
    """One flood; its total."""
    plan = Plan(port=80, rate_per_s=rate_per_s, clients=clients, seconds=seconds, path=path)
    flood = runtime.flood("web", plan)
    try:
        while not flood.ended():
            time.sleep(0.1)
    finally:
        flood.stop()
    total = flood.total()
    assert total is not None, flood.ended()
    return total


def main() -> int:
    """Measure, and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    start = 'printf "%s" "$$CONF" >/tmp/nginx.conf; exec nginx -c /tmp/nginx.conf -g "daemon off;"'
    web = {
        "image": "marketplace/gateway:1",
        "entrypoint": ["sh", "-c", start],
        "environment": {"CONF": CONFIG},
        "ports": ["80"],
    }
    rows, costs, reached = [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        compose = Path(folder) / "compose.json"
        compose.write_text(json.dumps({"services": {"web": web}}), encoding="utf-8")
        with DockerRuntime(System(compose=(compose,), journeys=())) as runtime:
            print("answer  asked/s  clients    sent/s  us/request     p50     p99  held back  late")
            for answer, path, rate_per_s, clients in ROWS:
                total = flood(runtime, path, rate_per_s, clients, seconds)
                sent_per_s = total.sent / seconds
                cost = total.cpu_seconds / total.sent * 1e6
                row = {"answer": answer, "asked_per_s": rate_per_s, "clients": clients}
                row |= {"sent_per_s": round(sent_per_s), "cpu_us_per_request": round(cost, 1)}
                rows.append({**row, "total": total.as_json()})
                costs.append(cost)
                reached = max(reached, sent_per_s)
                latency = {name: f"{value * 1e3:.1f} ms" for name, value in total.latency.items()}
                print(
                    f"{answer:<6} {rate_per_s:>8,.0f} {clients:>8,} {sent_per_s:>9,.0f} "
                    f"{cost:>11.1f} {latency['p50']:>7} {latency['p99']:>7} "
                    f"{total.held_back:>10,} {total.late:>5,}",
                    flush=True,
                )
    print(json.dumps(rows))
    return 0 if max(costs) <= LIMIT and reached >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
