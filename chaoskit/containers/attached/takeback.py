"""Undoing a dead harness's changes to an attached system, by its reaper or by ``chaoskit clean``.

Nothing of that system is ever removed. The changes are read from two undo logs. One is the runtime's
ledger. The other is the faults' own log, of which only the restarts are taken: a fault may need a restart
of a component to be gone, and the ledger has no such step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import docker

from chaoskit.clock import Clock, MonotonicClock
from chaoskit.containers.attached.guest import Guest
from chaoskit.containers.attached.survey import survey
from chaoskit.containers.cleanup.owner import run_folder
from chaoskit.containers.engine.client import connect
from chaoskit.errors import ChaoskitError, EngineUnavailable, NotLifted, RuntimeFailure, UsageError
from chaoskit.runtime import Undo
from chaoskit.runtime.undolog import UndoLog, pending

REPLAY_FUNCTION: Final = "chaoskit.containers.attached.takeback:replay"
"""The function that an attached run's reaper calls when the harness has died."""
ENGINE_DEADLINE: Final = 30.0
"""Seconds within which an engine that does not answer must answer again."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """The system to which a run is attached, as needed to come back and clean up.

    Attributes:
        project: Compose's name of the project.
        toxiproxies: the Toxiproxy addresses that the user named.
        touch: the components that may be touched.
    """

    project: str
    toxiproxies: Sequence[str] = ()
    touch: Sequence[str] = ()

    def save(self, run_id: str) -> None:
        """Write the attachment into the run's folder.

        Raises:
            RuntimeFailure: it cannot be written.
        """
        path = _attachment_of(ledger_of(run_id))
        try:
            path.write_text(json.dumps(asdict(self)), encoding="utf-8")
            ledger_of(run_id).touch()  # from now on there may be changes to undo
        except OSError as error:
            raise RuntimeFailure(
                "the data for cleaning up after a crash cannot be written",
                where=str(path),
                evidence=str(error),
                remedy="free disk space there, or choose another place with XDG_STATE_HOME",
            ) from None


def ledger_of(run_id: str) -> Path:
    """The ledger of an attached run."""
    return run_folder(run_id) / "attached.jsonl"


def _attachment_of(ledger: Path) -> Path:
    return ledger.with_name("attached.json")


def restarts(ledger: Path, touch: Sequence[str]) -> dict[int, Undo]:
    """The pending restarts in the faults' own undo log, of components that may be touched."""
    steps = pending(ledger.with_name("undo.jsonl"))
    return {
        number: step for number, step in steps.items() if step.action == "restart" and step.target in touch
    }


def replay(ledger: Path) -> None:
    """Take all pending steps of an attached run.

    Raises:
        NotLifted: some steps failed; the others were taken.
        EngineUnavailable: no engine answers.
    """
    where = _attachment_of(ledger)
    if not where.exists():
        return  # the run had not attached yet
    attachment = Attachment(**json.loads(where.read_text(encoding="utf-8")))
    if not pending(ledger) and not restarts(ledger, attachment.touch):
        return
    clock = MonotonicClock()
    client = _connect_patiently(clock)
    try:
        try:
            found = survey(client, attachment.project, toxiproxies=attachment.toxiproxies, afterwards=True)
        except UsageError:
            return  # the project is gone, and every change with it
        guest = Guest(client, ledger.parent.name, found, ledger, clock)

        def needed(step: Undo) -> bool:
            if step.action in ("start", "resume"):
                return guest.containers.find(step.target) is not None
            return step.target in guest.placed or bool(found.silent)

        guest.acts.take_back(needed)
        restart(guest, attachment.touch)
    finally:
        client.close()


def restart(guest: Guest, touch: Sequence[str]) -> None:
    """Take the pending restarts in the faults' own undo log.

    Raises:
        NotLifted: a restart failed.
    """
    failed = []
    log = UndoLog(guest.ledger.path.with_name("undo.jsonl"))
    for number, step in restarts(guest.ledger.path, touch).items():
        try:
            if guest.containers.find(step.target) is not None:
                guest.acts.take(step)
            log.done([number])
        except ChaoskitError as error:
            failed.append(f"{step.action} {step.target}: {error.what}")
    if failed:
        raise NotLifted(
            "a component could not be restarted",
            where=str(log.path),
            evidence="\n".join(failed),
            remedy="restart it by hand, with docker compose restart",
        )


def _connect_patiently(clock: Clock) -> docker.DockerClient:
    until = clock.now() + ENGINE_DEADLINE
    while True:
        try:
            return connect()
        except EngineUnavailable:  # the engine may be restarting
            if clock.now() >= until:
                raise
            clock.sleep(0.5)
