"""Locust's FastHttpUser in its usual form, for ``tests.bench.load``; it needs Locust.

``python locust_client.py MODE URL`` prints the same as ``tests/bench/clients.py``. ``latency`` is what
Locust reports: it counts from when a user really sent the request.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import gevent
from locust import FastHttpUser, constant, constant_throughput, task
from locust.env import Environment

MODE, URL = sys.argv[1:]
USERS, RATE_PER_S = 50, 500
WARM_UP_SECONDS, CLOSED_SECONDS, OPEN_SECONDS = 0.5, 3.0, 10.0


class Visitor(FastHttpUser):  # type: ignore[misc]
    """One of fifty users."""

    host = URL
    wait_time = constant(0) if MODE == "closed" else constant_throughput(RATE_PER_S / USERS)
    network_timeout = connection_timeout = 60.0

    @task  # type: ignore[untyped-decorator]
    def look(self) -> None:
        """Send the same request as the other load generators."""
        self.client.get("/listings?page=2")


def main() -> None:
    """Run Locust, and print its figures."""
    environment = Environment(user_classes=[Visitor])
    times: list[tuple[float, float]] = []

    def note(response_time: float, start_time: float, **_: Any) -> None:
        times.append((start_time, response_time / 1000))

    if MODE == "open":
        environment.events.request.add_listener(note)
    runner = environment.create_local_runner()
    runner.start(USERS, spawn_rate=USERS)
    if MODE == "closed":
        gevent.sleep(WARM_UP_SECONDS)
    total = environment.stats.total
    done, spent, began, since = total.num_requests, time.process_time(), time.monotonic(), time.time()
    print("begun", flush=True)
    gevent.sleep(CLOSED_SECONDS if MODE == "closed" else OPEN_SECONDS)
    figures: dict[str, Any] = {
        "requests": environment.stats.total.num_requests - done,
        "cpu_s": time.process_time() - spent,
        "seconds": time.monotonic() - began,
    }
    if MODE == "open":
        figures["started"] = [start - since for start, _ in times]
        figures["latency"] = [latency for _, latency in times]
    print(json.dumps(figures), flush=True)
    runner.quit()


main()
