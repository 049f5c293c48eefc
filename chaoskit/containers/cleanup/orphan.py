"""What becomes of a run whose harness is dead; runs in the reaper's process, and nobody watches.

A run that started its system is removed, or rid of its faults if it is to be kept. A run that is a
guest in somebody else's system is rid of its faults, and what is removed is its own sidecars.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from chaoskit.clock import Clock, MonotonicClock
from chaoskit.containers.cleanup.removal import remove_run
from chaoskit.containers.engine.client import connect
from chaoskit.errors import EngineUnavailable

REMOVAL_DEADLINE: Final = 60.0
"""Seconds in which the run is removed; what is left then is for ``chaoskit clean``."""
EMPTY_LOOKS: Final = 5
LOOK_INTERVAL: Final = 0.4
"""Seconds between the looks that must find nothing: an engine finishes the calls of dead clients."""


def clean_up(order: Mapping[str, Any]) -> None:
    """Remove the run, and take back first the faults of one whose system stays.

    Whatever fails is written into the run's folder, where ``chaoskit clean`` finds it.

    Args:
        order: as :meth:`chaoskit.containers.cleanup.reaper.Reaper.start` makes it.
    """
    folder = Path(order["folder"])
    try:
        if order["keep"] or order.get("attached"):
            _lift_faults(order["replay"], Path(order["undo"]))
        if not order["keep"]:
            _remove(order["run"])
            shutil.rmtree(folder, ignore_errors=True)
    except Exception as error:  # noqa: BLE001 - there is nobody else to tell it to
        text = f"the harness died, and cleaning up after it failed; chaoskit clean tries again\n{error}\n"
        (folder / "note.txt").write_text(text, encoding="utf-8")


def _lift_faults(replay: str | None, undo: Path) -> None:
    if replay and undo.exists():
        module, _, function = replay.partition(":")
        getattr(importlib.import_module(module), function)(undo)


def _remove(run_id: str, clock: Clock | None = None) -> None:
    clock = clock or MonotonicClock()
    until = clock.now() + REMOVAL_DEADLINE
    while True:
        try:
            client = connect()
            break
        except EngineUnavailable:  # perhaps it restarts
            if clock.now() >= until:
                raise
            clock.sleep(0.5)
    try:
        remove_run(
            client, run_id, deadline=until - clock.now(), looks=EMPTY_LOOKS, pause=LOOK_INTERVAL, clock=clock
        )
    finally:
        client.close()
