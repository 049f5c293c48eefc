"""Each sheet as a system that chaoskit can start; each question is a journey of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from chaoskit import System, User, journey
from chaoskit.system import Journey
from tests.exam.questions import ANSWERS, RECOVERY, UNDER_THE_FAULT, UNTRIED, Question, Sheet

FILE = Path(__file__).with_name("compose.yaml")

REMOTE_BASE = "debian:12.11-slim"
LOCAL_BASE = "chaoskit/base:bookworm"
"""The image that the set-up builds where no container registry answers."""


def _base_image() -> str:
    """The image that the set-up has built, where there is one; else what a registry has."""
    if named := os.environ.get("BASE_IMAGE"):
        return named
    try:
        found = subprocess.run(["docker", "image", "inspect", LOCAL_BASE], capture_output=True, check=False)
    except OSError:  # these tests are collected without Docker, too
        return REMOTE_BASE
    return LOCAL_BASE if found.returncode == 0 else REMOTE_BASE


BASE_IMAGE = _base_image()


class Lie(Exception):
    """The answer was good by its status, and its body said otherwise."""


def system_of(sheet: Sheet) -> System:
    """The examinee with the plan of a sheet."""
    plan = {each.name: each.rules for each in sheet.questions}
    return System.from_compose(
        FILE,
        journeys=[journey_of(each) for each in sheet.questions],
        environment={
            "PLAN": json.dumps(plan).replace("$", "$$"),
            "BASE_IMAGE": BASE_IMAGE,
        },
    )


def journey_of(question: Question) -> Journey:
    """The journey of a question: what users do at its path, and what they are promised."""
    run = _order(question.name) if question.kind == "order" else _visit(question.name)
    return journey(
        name=question.name,
        rate=question.rate,
        needs=["front", *question.needs],
        uses=list(question.uses),
        slo=question.slo,
        degraded=question.degraded,
        timeout=5.0,
        verify=_verify if question.kind == "order" else None,
    )(run)


def _visit(name: str) -> Callable[[User], Awaitable[None]]:
    async def visit(user: User) -> None:
        """Open the page as one of very many users."""
        answer = await user.get(f"/{name}", headers={"X-Key": str(user.random.random())})
        answer.raise_for_status()
        if answer.json() != {"ok": True}:
            raise Lie(answer.text)

    return visit


def _order(name: str) -> Callable[[User], Awaitable[None]]:
    async def order(user: User) -> None:
        """Place an order, and record its confirmation as an acknowledgement."""
        number = f"{user.id}-{user.random.getrandbits(48):012x}"
        headers = {"X-Key": str(user.random.random())}
        answer = await user.post(f"/{name}/orders", json={"id": number}, headers=headers)
        answer.raise_for_status()
        user.acknowledge(name, number)

    return order


async def _verify(user: User, kind: str, id: str) -> None:
    """The order exists exactly once."""
    answer = await user.get(f"/{kind}/orders/{id}")
    answer.raise_for_status()
    count = answer.json()["count"]
    assert count == 1, f"it exists {count} times"


recovery = system_of(RECOVERY)
under_the_fault = system_of(UNDER_THE_FAULT)
answers = system_of(ANSWERS)
untried = system_of(UNTRIED)
