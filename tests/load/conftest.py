"""A local server, and a load process over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chaoskit.load.process import LoadProcess
from chaoskit.record.history import History
from chaoskit.system import Journey
from tests.load.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A local server."""
    with Server() as running:
        yield running


@pytest.fixture
def load(server: Server) -> Iterator[Callable[..., tuple[LoadProcess, History]]]:
    """Makes load processes on the local server, and closes them at the end."""
    made: list[LoadProcess] = []

    def make(*journeys: Journey, **options: Any) -> tuple[LoadProcess, History]:
        history = History()
        entries = {each.name: server.url for each in journeys}
        process = LoadProcess(journeys, history, entries=entries, seed=1, **options)
        made.append(process)
        return process, history

    yield make
    for process in made:
        process.close()
