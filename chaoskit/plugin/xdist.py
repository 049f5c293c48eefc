"""A result as text, on its way from the process of an experiment to the process that reports.

With pytest-xdist experiments run in workers, and only plain data leaves a worker. The text has all of a
result but the requests, which stay in the journal.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from chaoskit.experiment.environment import ResetReport
from chaoskit.experiment.result import Result
from chaoskit.judge import Judgement

_KEPT_PARTS = ("origin", "outcomes", "errors", "marks")
"""The parts of a history that do not grow with the number of requests."""


def pack(result: Result) -> str:
    """The result as JSON; :func:`unpack` is the inverse."""
    history = {
        key: value if key in _KEPT_PARTS else type(value)()  # empty
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
    """The inverse of :func:`pack`; the history in the ``record`` has its marks, but no request."""
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
