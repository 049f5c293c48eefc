"""A result as text: how it travels from the process of an experiment to the one that reports.

With pytest-xdist experiments happen in workers, and nothing but plain data leaves one. A parcel has
all of a result but the requests themselves, which stay in the journal.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from chaoskit.environment import Reset
from chaoskit.judge import Judgement
from chaoskit.result import Result


def pack(result: Result) -> str:
    """The result as JSON; :func:`unpack` is the inverse."""
    history = {**result.record["history"], "samples": {}, "acknowledgements": [], "checks": []}
    parcel = {
        "name": result.name,
        "fault": result.fault,
        "journal": str(result.journal),
        "reset": asdict(result.reset),
        "record": {**result.record, "history": history},
    }
    return json.dumps(parcel, ensure_ascii=False, separators=(",", ":"))


def unpack(text: str) -> Result:
    """The result again; its ``record`` is without samples, acknowledgements and checks."""
    parcel = json.loads(text)
    record = parcel["record"]
    return Result(
        name=parcel["name"],
        fault=parcel["fault"],
        judgement=Judgement.from_record(record["judgement"]),
        journal=Path(parcel["journal"]),
        record=record,
        reset=Reset(**parcel["reset"]),
    )
