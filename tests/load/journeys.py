"""The journeys that the load process drives in these tests."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from chaoskit.load.user import User
from chaoskit.system import System, journey


@journey(rate=100, timeout=5)
async def look(user: User) -> None:
    """Succeeds while the server answers."""
    (await user.get("/ok")).raise_for_status()


@journey(rate=50, timeout=5)
async def fail(user: User) -> None:
    """Gets an error for an answer."""
    (await user.get("/status/503")).raise_for_status()


@journey(rate=50, timeout=0.15)
async def hang(user: User) -> None:
    """Never gets an answer."""
    await user.get("/hang")


@journey(rate=100, timeout=5)
async def mistaken(user: User) -> None:
    """Has a mistake."""
    await user.get("/ok")
    unknown_name()  # type: ignore[name-defined]  # noqa: F821


@journey(rate=5, timeout=2)
async def sign_in_once(user: User) -> None:
    """Keeps its cookie and remembers it."""
    if not user.state.get("signed in"):
        await user.get("/cookie")
        user.state["signed in"] = True
    await user.get(f"/ok?user={user.id}")


async def _still_there(user: User, kind: str, id: str) -> None:
    number = int(id)
    if number % 3 == 0:
        (await user.get(f"/{kind}/{id}?user={user.id}")).raise_for_status()
    elif number % 3 == 1:
        (await user.get("/status/404")).raise_for_status()
    else:
        await user.get("/drop")


@journey(rate=30, timeout=2, verify=_still_there)
async def order(user: User) -> None:
    """Gets an acknowledgement each time."""
    await user.get("/ok")
    number = user.state["orders"] = user.state.get("orders", 0) + 1
    user.acknowledge("order", user.id * 1000 + number)


@journey(rate=5, timeout=2)
async def edit(user: User) -> None:
    """Writes the next revision of one page, and reads the revision before it."""
    await user.get("/ok")
    revision = user.state["revision"] = user.state.get("revision", 0) + 1
    user.wrote("page", 7, revision)
    user.read("page", 7, revision - 1 or None)


@journey(rate=20, timeout=0.2)
async def block(user: User) -> None:
    """Blocks the event loop, which no journey may do."""
    await user.get("/ok")
    time.sleep(60)  # noqa: ASYNC251


@journey(rate=20, timeout=5)
async def die(user: User) -> None:
    """Ends the load process."""
    await asyncio.sleep(0.05)
    sys.stdout.write("these are my last words\n")
    sys.stdout.flush()
    os._exit(7)


@journey(rate=50, timeout=5)
async def stray(user: User) -> None:
    """Requests a host outside the system."""
    await user.get("http://example.com/")


system = System.from_compose("compose.yaml", journeys=[look, fail])
