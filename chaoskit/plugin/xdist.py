"""A result as text: how it travels from the process of an experiment to the one that reports.

With pytest-xdist experiments happen in workers, and nothing but plain data leaves one. A parcel has
all of a result but the requests themselves, which stay in the journal.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from chaoskit.experiment.environment import ResetReport
from chaoskit.experiment.result import Result
from chaoskit.judge import Judgement

_SMALL = ("origin", "outcomes", "errors", "marks")
"""What of a history does not grow with the number of requests."""


def pack(result: Result) -> str:
    """The result as JSON; :func:`unpack` is the inverse."""
    history = {
        key: value if key in _SMALL else type(value)()  # empty
        for key, value in result.record["history"].items()
    }
    parcel = {
        "name": result.name,
        "fault": result.fault,
        "journal": str(result.journal),
        "reset": asdict(result.reset),
        "record": {**result.record, "history": history},
    }
    return json.dumps(parcel, ensure_ascii=False, separators=(",", ":"))


def unpack(text: str) -> Result:
    """The result again; its ``record`` has the marks of its history, and no request."""
    parcel = json.loads(text)
    record = parcel["record"]
    return Result(
        name=parcel["name"],
        fault=parcel["fault"],
        judgement=Judgement.from_record(record["judgement"]),
        journal=Path(parcel["journal"]),
        record=record,
        reset=ResetReport(**parcel["reset"]),
    )
