"""The source of a flood: a program of its own, bounded in number of requests and in time.

The loop is open: turn number k is due ``k / rate_per_s`` seconds after the start, and belongs to client
``k mod clients``. A client whose previous request has no answer yet lets its turn pass, which is counted. The
source does not make up for turns that it is too late for.

The source ends by itself: when its time is over, when its standard input ends because the process that held
it is dead, when standard input tells it to stop, or when no sign of life came there for some seconds. It
writes one JSON object a line: ``begin``, ``second`` after each second, and ``end`` with the total; or
``error``.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from chaoskit.flood import MOST_SILENT_SECONDS, STOP_MESSAGE, FloodPlan
from chaoskit.flood.accounts import Accounts
from chaoskit.flood.bots import Bot, request, source_address

_LATE_SECONDS = 0.1
"""Seconds after which a turn is no longer taken. Otherwise a source that was held up would send all that it
missed at once, which no plan asked for."""

_CHECK_SECONDS = 0.1
"""Seconds between two looks for clients that have waited too long."""

_TICK_SECONDS = 0.004
"""The least seconds between two looks at whose turn it is. To wake up costs more than to send, and the system
under test needs the processor as well."""

_SPARE_FILES = 32
"""Open files that the source needs besides its connections."""


class CannotBegin(Exception):
    """The source found no entry to flood, or may not open enough files."""


class Source:
    """A flood that runs.

    Args:
        plan: what the source is asked to do.
        target: the entry's address and port.
        tell: takes each message, a JSON-able object.
        lease: a file descriptor on which signs of life come; its end ends the flood.
        clock: returns the time, in seconds.
        cpu: returns the processor time that this process has used, in seconds.
        selector: waits for events on connections, and until the next turn.
    """

    def __init__(
        self,
        plan: FloodPlan,
        target: tuple[str, int],
        tell: Callable[[Mapping[str, Any]], None],
        lease: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
        selector: selectors.BaseSelector | None = None,
    ) -> None:
        self._plan, self._tell, self._lease, self._clock, self._cpu = plan, tell, lease, clock, cpu
        self._selector = selector or selectors.DefaultSelector()
        self._second, self._total = Accounts(), Accounts()
        host = f"{target[0]}:{target[1]}"
        own = plan.identity == "address"
        self._bots = [
            Bot(
                request(plan.method, plan.path, host, number),
                target,
                source_address(number) if own else "",
                self._second,
                self._selector,
                clock,
            )
            for number in range(plan.clients)
        ]
        self._turn = 0
        self._taken = 0.0
        self._turns = int(plan.rate_per_s * plan.seconds)
        self._why = ""
        self._heard = 0.0

    def run(self) -> str:
        """Flood until the end; returns why the flood ended."""
        began = self._heard = self._clock()
        used = told_used = self._cpu()
        last_look = told = began
        self._selector.register(self._lease, selectors.EVENT_READ, self._listen)
        try:
            while not self._why:
                now = self._clock()
                self._take_turns(now, began)
                if now - told >= 1.0:
                    cpu = self._cpu()
                    self._report("second", self._second, now - told, cpu - told_used)
                    self._total.take(self._second)
                    told, told_used = now, cpu
                for key, _ in self._selector.select(self._idle(now, began)):
                    key.data()
                # After the answers, so that one that waited for this process does not count as given up.
                if now - last_look >= _CHECK_SECONDS:
                    last_look = now
                    self._look_round(now, began)
            self._total.take(self._second)
            self._report("total", self._total, self._clock() - began, self._cpu() - used, end=self._why)
        finally:
            for bot in self._bots:
                bot.close()
            self._selector.close()
        return self._why

    def _take_turns(self, now: float, began: float) -> None:
        if now - self._taken < _TICK_SECONDS:
            return
        self._taken = now
        rate, bots = self._plan.rate_per_s, self._bots
        due = min(int((now - began) * rate) + 1, self._turns)
        missed = due - self._turn - max(1, int(rate * _LATE_SECONDS))
        if missed > 0:
            self._second.late += missed
            self._turn += missed
        for number in range(self._turn, due):
            bots[number % len(bots)].turn(now)
        self._turn = max(self._turn, due)

    def _look_round(self, now: float, began: float) -> None:
        for bot in self._bots:
            if bot.asked_at and now - bot.asked_at > self._plan.patience:
                bot.give_up()
        if now - began >= self._plan.seconds:
            self._why = "its time is over"
        elif now - self._heard > MOST_SILENT_SECONDS:
            self._why = f"no sign of life for {MOST_SILENT_SECONDS:g} s"

    def _idle(self, now: float, began: float) -> float:
        """Seconds until something is due; zero or less if something is due already."""
        next_turn = began + self._turn / self._plan.rate_per_s if self._turn < self._turns else now + 1
        return min(max(next_turn, self._taken + _TICK_SECONDS) - now, _CHECK_SECONDS)

    def _listen(self) -> None:
        try:
            said = os.read(self._lease, 4096)
        except BlockingIOError:
            return
        if not said:
            self._why = "the process that held it is gone"
        elif STOP_MESSAGE in said:
            self._why = "it was told to stop"
        self._heard = self._clock()

    def _report(self, name: str, counted: Accounts, seconds: float, cpu: float, **more: str) -> None:
        busy = [bot.connected for bot in self._bots if bot.asked_at]
        report = counted.report(
            seconds=round(seconds, 6),
            cpu_seconds=round(cpu, 6),
            unanswered=sum(busy),
            connecting=len(busy) - sum(busy),
            connections=sum(bot.connected for bot in self._bots),
        )
        self._tell({**more, name: report.as_json()})


def find(addresses: Sequence[str], port: int, patience: float) -> tuple[str, int]:
    """The first of the addresses that accepts a connection.

    Raises:
        CannotBegin: none of them does.
    """
    met = []
    for address in addresses:
        try:
            socket.create_connection((address, port), patience).close()
        except OSError as error:
            met.append(f"{address}:{port}: {error}")
        else:
            return address, port
    raise CannotBegin("; ".join(met))


def allow_files(clients: int) -> None:
    """Allow this process as many open files as the clients need connections.

    Raises:
        CannotBegin: the engine does not allow that many.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = clients + _SPARE_FILES
    if most != resource.RLIM_INFINITY and most < needed:
        raise CannotBegin(f"{clients} clients need {needed} open files, the engine allows {most}")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


def main(arguments: str) -> int:
    """Run the source with what :func:`chaoskit.flood.shipping.command` passes on; returns the exit code."""
    given = json.loads(arguments)
    addresses: list[str] = given.pop("addresses")
    plan = FloodPlan(**given)

    def tell(message: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # no process reads any more: the lease has ended too
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    try:
        allow_files(plan.clients)
        target = find(addresses, plan.port, plan.patience)
    except CannotBegin as error:
        tell({"error": str(error)})
        return 1
    os.set_blocking(0, False)
    tell({"begin": f"{target[0]}:{target[1]}"})
    Source(plan, target, tell, 0).run()
    return 0
