"""The load generators that are compared, each in a process of its own.

``python -m tests.bench.clients NAME MODE URL``: ``closed`` keeps 50 connections busy for some
seconds (the flood: as many as it has clients, at its highest rate); ``open`` sends 500 requests per
second for ten seconds; ``full`` is the whole load process at a high rate. It prints ``begun`` when the
clock of the stall starts, and at the end its figures as one line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable
from time import monotonic, process_time, sleep
from typing import Any

import httpx

from chaoskit.flood import MOST_REQUESTS_PER_S, FloodPlan
from chaoskit.flood.shipping import command
from chaoskit.load.eventloop import calm_the_collector, new_event_loop
from chaoskit.load.guard import Guard
from chaoskit.load.http.transport import Transport
from chaoskit.load.process import LoadProcess
from chaoskit.load.user import User
from chaoskit.record.history import History
from chaoskit.system import Journey, journey
from tests.bench.servers import libraries, tool

CONNECTIONS = 50
RATE_PER_S = 500
FULL_RATE_PER_S = 3000
BOTS = 5000
WARM_UP_SECONDS, CLOSED_SECONDS, OPEN_SECONDS = 0.5, 3.0, 10.0
PATH = "/listings?page=2"


@journey(rate=RATE_PER_S, timeout=30)
async def steady(user: User) -> None:
    """The journey of the open loop."""
    (await user.get(PATH)).raise_for_status()


@journey(rate=FULL_RATE_PER_S, timeout=30)
async def full(user: User) -> None:
    """The journey that shows the cost of the whole load process."""
    (await user.get(PATH)).raise_for_status()


def tell(**figures: Any) -> None:
    """Print the figures as the last line."""
    print(json.dumps(figures), flush=True)


def begun() -> None:
    """Start the clock of the stall."""
    print("begun", flush=True)


async def closed(clients: list[httpx.AsyncClient]) -> None:
    """Keep the clients busy, and print what it cost."""
    done, end = 0, monotonic() + WARM_UP_SECONDS

    async def work(client: httpx.AsyncClient) -> None:
        nonlocal done
        while monotonic() < end:
            (await client.get(PATH)).raise_for_status()
            done += 1

    await asyncio.gather(*map(work, clients))
    calm_the_collector()
    done, began, spent = 0, monotonic(), process_time()
    end = began + CLOSED_SECONDS
    await asyncio.gather(*map(work, clients))
    tell(requests=done, cpu_s=process_time() - spent, seconds=monotonic() - began)


async def chaoskit_closed(url: str) -> None:
    """Users of journeys over the transport of the load process."""
    transport = Transport(Guard.around([url]))
    first = User(
        0,
        journey="bench",
        seed=1,
        base_url=httpx.URL(url),
        transport=transport,
        acknowledged=lambda *acknowledgement: None,
        accessed=lambda *access: None,
    )
    await closed([first.another(number) for number in range(CONNECTIONS)])
    await transport.shut()


def chaoskit_open(url: str, what: Journey = steady, seconds: float = OPEN_SECONDS) -> None:
    """The load process, as an experiment uses it."""
    history = History()
    with LoadProcess([what], history, entries={what.name: url}, seed=1) as load:
        load.start()
        origin = load.begin()
        begun()
        sleep(max(0.0, origin + seconds - monotonic()))
        totals = load.stop()
    samples = history.samples
    tell(
        requests=totals.accounts[0].scheduled,
        accounted=totals.accounts[0].known,
        cpu_s=totals.cpu_seconds,
        seconds=seconds,
        started=[sample.started - origin for sample in samples if sample.started is not None],
        latency=[sample.latency for sample in samples if sample.latency is not None],
        lag=[sample.lag for sample in samples if sample.lag is not None],
    )


async def httpx_closed(url: str) -> None:
    """Plain httpx, with a pool of 50."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=None) as client:
        await closed([client] * CONNECTIONS)


async def httpx_open(url: str) -> None:
    """Plain httpx with a pool of 50, and a task for each request that is due."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    started: list[float] = []
    latency: list[float] = []
    lag: list[float] = []

    async def one(client: httpx.AsyncClient, due: float) -> None:
        now = monotonic()
        started.append(now - origin)
        lag.append(now - due)
        (await client.get(PATH)).raise_for_status()
        latency.append(monotonic() - due)

    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=None) as client:
        spent, origin = process_time(), monotonic()
        begun()
        async with asyncio.TaskGroup() as group:
            for number in range(int(RATE_PER_S * OPEN_SECONDS)):
                due = origin + number / RATE_PER_S
                await asyncio.sleep(max(0.0, due - monotonic()))
                group.create_task(one(client, due))
    tell(
        requests=len(latency),
        cpu_s=process_time() - spent,
        seconds=OPEN_SECONDS,
        started=started,
        latency=latency,
        lag=lag,
    )


def wrk_closed(url: str) -> None:
    """wrk, for the cost of a request in C; it has no open loop."""
    line = [tool("wrk") or "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{CLOSED_SECONDS:.0f}s", url + PATH]
    said = subprocess.run(line, capture_output=True, text=True, check=True, env=libraries()).stdout
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    requests = int(re.search(r"(\d+) requests in", said)[1])  # type: ignore[index]
    tell(requests=requests, cpu_s=spent.ru_utime + spent.ru_stime, seconds=CLOSED_SECONDS)


def flood_closed(url: str) -> None:
    """The source of a flood as it is shipped, each client with an address of its own."""
    target = httpx.URL(url)
    plan = FloodPlan(
        port=target.port or 80,
        rate_per_s=MOST_REQUESTS_PER_S,
        clients=BOTS,
        seconds=CLOSED_SECONDS,
        path=PATH,
    )
    program = command(plan, [target.host], sys.executable)
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as source:
        assert source.stdin is not None
        assert source.stdout is not None
        last = ""
        for line in source.stdout:  # it reports each second, and then waits for a sign of life
            last = line
            with contextlib.suppress(BrokenPipeError):
                source.stdin.write("still here\n")
                source.stdin.flush()
    total = json.loads(last)["total"]
    tell(
        requests=sum(total["answered"].values()),
        cpu_s=total["cpu_seconds"],
        seconds=total["seconds"],
        identities=BOTS,
    )


def on_load_loop(work: Callable[[str], Awaitable[None]], url: str) -> None:
    """Run something on the event loop of the load process."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work(url))  # type: ignore[arg-type]


def main() -> None:
    """Run one load generator."""
    name, mode, url = sys.argv[1:]
    match name, mode:
        case "chaoskit", "closed":
            on_load_loop(chaoskit_closed, url)
        case "chaoskit", "open":
            chaoskit_open(url)
        case "chaoskit", "full":
            chaoskit_open(url, full, CLOSED_SECONDS)
        case "httpx", "closed":
            asyncio.run(httpx_closed(url))
        case "httpx", "open":
            asyncio.run(httpx_open(url))
        case "wrk", "closed":
            wrk_closed(url)
        case "flood", "closed":
            flood_closed(url)


if __name__ == "__main__":
    main()
