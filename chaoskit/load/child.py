"""The load process: ``python -m chaoskit.load.child``, with a file descriptor to write to.

Commands come on standard input, one message a line. When standard input ends, the harness is gone, and
this process exits at once. A thread takes care of that, since a journey may block the event loop.
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
from chaoskit.load.failures import user_traceback
from chaoskit.load.protocol import Setup, decode, decode_setup
from chaoskit.load.recorder import Recorder
from chaoskit.load.session import LoadSession
from chaoskit.load.source import fetch

NICENESS = -10
"""The niceness of the load process: if it is late itself, the measurement is spoilt."""

REAL_TIME_PRIORITY = 1
"""The lowest real-time priority, taken if the machine allows it. On a busy machine niceness alone lets
requests go out a quarter of a second late. Even if a journey never stops computing, the kernel leaves
5% of the time to ordinary processes (sched_rt_runtime_us)."""


def main() -> None:
    """Serve one harness until it is gone; never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the harness ends this process
    faulthandler.register(signal.SIGUSR1, all_threads=False)  # prints where it hangs
    out = int(sys.argv[1])
    _raise_priority()
    inbox = sys.stdin.buffer
    code = 0
    try:
        setup = decode_setup(inbox.readline())
        _allow_more_files()
        sharpen_timers()
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(setup, out))
    except BaseException as error:  # noqa: BLE001 - the harness shows any error as the last output
        sys.stderr.write(user_traceback(error) + "\n")
        code = 1
    _exit(code)


async def _serve(setup: Setup, out: int) -> None:
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    recorder = Recorder(out)
    functions = {}
    for plan in setup.plans:
        try:
            verify = fetch(plan.verify, "verify") if plan.verify else None
            functions[plan.name] = (fetch(plan.run, "run"), verify)
        except Exception as error:  # noqa: BLE001 - an error of the user's module, for the user to see
            recorder.say(
                "failed",
                what=f"the load process could not import journey {plan.name!r}",
                traceback=user_traceback(error),
                remedy="the module must be importable in another process, without the state of the first one",
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
                await session.verify(command["acknowledgements"], command["within"])
            case other:
                raise ValueError(f"there is no command {other!r}")


def _listen(
    max_duration: float, loop: asyncio.AbstractEventLoop, commands: asyncio.Queue[dict[str, Any]]
) -> None:
    """Hand on commands. End the process when they end, or when its time is up."""
    end = monotonic() + max_duration
    pending = b""
    while True:
        readable, _, _ = select.select([0], [], [], max(0.0, end - monotonic()))
        if not readable:
            sys.stderr.write(f"the load process ended itself after {max_duration:g} s, its max_duration\n")
            _exit(3)
        chunk = os.read(0, 65536)
        if not chunk:
            _exit(0)
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            message = decode(line)
            assert isinstance(message, dict)
            loop.call_soon_threadsafe(commands.put_nowait, message)


def _raise_priority() -> None:
    """Run ahead of the system that is measured, as far as this machine allows it."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # processes that a journey starts are ordinary again
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(REAL_TIME_PRIORITY))


def _allow_more_files() -> None:
    """Allow as many open files as a process may have here: every run in flight has a socket."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _exit(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
