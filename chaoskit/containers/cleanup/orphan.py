"""Cleaning up a run whose harness is dead, in the reaper's process, where no user watches.

If the run started its system, the system is removed, or only its faults are lifted if the run is to be
kept. If the run was a guest in another system, its faults are lifted and only its own sidecars are removed.
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
"""Seconds within which the run must be removed; ``chaoskit clean`` removes the rest."""
EMPTY_LOOKS: Final = 5
"""Looks in a row that must find nothing, because an engine still finishes the calls of a dead client."""
LOOK_INTERVAL: Final = 0.4
"""Seconds between these looks."""


def clean_up(order: Mapping[str, Any]) -> None:
    """Remove the run; if its system stays, lift its faults first.

    A failure is written into the run's folder, where ``chaoskit clean`` finds it.

    Args:
        order: the order that :meth:`chaoskit.containers.cleanup.reaper.Reaper.start` makes.
    """
    folder = Path(order["folder"])
    try:
        if order["keep"] or order.get("attached"):
            _lift_faults(order["replay"], Path(order["undo"]))
        if not order["keep"]:
            _remove(order["run"])
            shutil.rmtree(folder, ignore_errors=True)
    except Exception as error:  # noqa: BLE001 - this process has no caller that could handle it
        text = f"the harness died, and the reaper could not clean up; chaoskit clean tries again\n{error}\n"
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
        except EngineUnavailable:  # the engine may be restarting
            if clock.now() >= until:
                raise
            clock.sleep(0.5)
    try:
        remove_run(
            client, run_id, deadline=until - clock.now(), looks=EMPTY_LOOKS, pause=LOOK_INTERVAL, clock=clock
        )
    finally:
        client.close()
