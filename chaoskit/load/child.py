"""The load process: ``python -m chaoskit.load.child`` with a file descriptor to write to.

Commands come in on standard input, one message a line. When that ends the harness is gone, and so
is this process at once; a thread looks after it, since a journey may block the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import resource
import select
import signal
import sys
import threading
from time import monotonic
from typing import Any

from chaoskit.load.eventloop import calm_the_collector, new_event_loop, sharpen_timers
from chaoskit.load.failures import of_the_user
from chaoskit.load.protocol import Setup, decode, decode_setup
from chaoskit.load.recorder import Recorder
from chaoskit.load.session import LoadSession
from chaoskit.load.source import fetch

PRIORITY = -10
"""The scheduling priority of the load process (nice): its own lateness spoils a measurement."""
REAL_TIME = 1
"""The lowest of the real-time priorities, taken where that is allowed: on a machine that other work
keeps busy, nice alone lets a request out a quarter of a second late. The kernel leaves ordinary
processes 5% of the time even if a journey never stops computing (sched_rt_runtime_us)."""


def main() -> None:
    """Serve one harness until it goes away; never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness decides
    faulthandler.register(signal.SIGUSR1, all_threads=False)  # where does it hang?
    out = int(sys.argv[1])
    _go_first()
    inbox = sys.stdin.buffer
    code = 0
    try:
        setup = decode_setup(inbox.readline())
        _more_files()
        sharpen_timers()
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(setup, out))
    except BaseException as error:  # noqa: BLE001 - these are its last words
        sys.stderr.write(of_the_user(error) + "\n")
        code = 1
    _leave(code)


async def _serve(setup: Setup, out: int) -> None:
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    recorder = Recorder(out)
    functions = {}
    for plan in setup.plans:
        try:
            verify = fetch(plan.verify, "verify") if plan.verify else None
            functions[plan.name] = (fetch(plan.run, "run"), verify)
        except Exception as error:  # noqa: BLE001 - the user's module; they get to see it
            recorder.say(
                "failed",
                what=f"the load process could not import journey {plan.name!r}",
                traceback=of_the_user(error),
                remedy="the module must import without what only the first process has",
            )
            recorder.drain()
            return
    listener = threading.Thread(
        target=_listen, args=(setup.max_duration, loop, commands), name="commands", daemon=True
    )
    listener.start()
    session = LoadSession(setup, functions, recorder)
    calm_the_collector()
    recorder.say("ready", pid=os.getpid())
    while True:
        command = await commands.get()
        match command["say"]:
            case "begin":
                session.begin(command["origin"])
            case "stop":
                await session.stop(command["grace"])
            case "verify":
                await session.verify(command["promises"], command["within"])
            case other:
                raise ValueError(f"no command is called {other!r}")


def _listen(
    max_duration: float, loop: asyncio.AbstractEventLoop, commands: asyncio.Queue[dict[str, Any]]
) -> None:
    """Hand on commands; end the process when they end, or when its time is up."""
    end = monotonic() + max_duration
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], max(0.0, end - monotonic()))
        if not readable:
            sys.stderr.write(
                f"the load process ended itself: it was there for {max_duration:g} s (max_duration)\n"
            )
            _leave(3)
        chunk = os.read(0, 65536)
        if not chunk:
            _leave(0)
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            message = decode(line)
            assert isinstance(message, dict)
            loop.call_soon_threadsafe(commands.put_nowait, message)


def _go_first() -> None:
    """The stopwatch goes before what it times, as far as this machine allows it."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # what a journey starts itself is ordinary again
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME))


def _more_files() -> None:
    """Every run in flight has a socket: allow as many as this machine lets a process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
