"""The journal of an experiment: what goes into it, and under which name.

Among it are the lines that the components logged around the moments that matter: few, and the nearest to
those moments. A log is not evidence and decides nothing; it helps the reader who asks why a promise broke.
So a failure to read a log is written down, and has no other effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, cast

from chaoskit.experiment.environment import Environment, ResetReport
from chaoskit.experiment.timing import Timing
from chaoskit.faults.base import Fault
from chaoskit.judge import DECISIVE, Judgement, JudgeSettings, moments, phases
from chaoskit.record import journal
from chaoskit.record.history import History
from chaoskit.record.journal_types import (
    ComponentLogRecord,
    ExperimentRecord,
    FaultRecord,
    Journal,
    LogsRecord,
)
from chaoskit.record.masking import Masker, compose_secrets, secrets_of
from chaoskit.runtime import LogLine, Runtime
from chaoskit.system import Impact


def record_of(
    name: str,
    *,
    about: Mapping[str, Any],
    environment: Environment,
    faults: Sequence[Fault],
    impact: Impact,
    timing: Timing,
    settings: JudgeSettings,
    reset: ResetReport | None,
    history: History,
    judgement: Judgement,
) -> Journal:
    """Everything that the verdict was decided from, as ``journal.schema.json`` describes it."""
    system, runtime = environment.system, environment.runtime
    return {
        "version": journal.VERSION,
        "experiment": cast(ExperimentRecord, {"name": name, **about}),
        "run": {
            "id": runtime.run_id,
            "seed": environment.seed,
            "turn": environment.turn,
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        "system": {
            "compose": [str(path) for path in system.compose],
            "components": [journal.component_to_record(each) for each in runtime.components],
            "links": [link.name for link in runtime.links],
            "journeys": [journal.terms_to_record(each.terms) for each in system.journeys],
        },
        "faults": [cast(FaultRecord, fault.describe()) for fault in faults],
        "impact": journal.impact_to_record(impact),
        "timing": asdict(timing),
        "settings": asdict(settings),
        "reset": None if reset is None else reset.to_record(),
        "history": journal.history_to_record(history),
        "judgement": judgement.to_record(),
        "logs": _logs(environment, history, judgement),
    }


def _logs(environment: Environment, history: History, judgement: Judgement) -> LogsRecord:
    """The lines that the components logged around the moments at which a fault acted or a promise broke."""
    try:
        last = max((column.intended[-1] for column in history.columns().values()), default=0.0)
        found = moments(history.marks, phases(history.marks, last), judgement)
        decisive = [each.at for each in found if each.name in DECISIVE]
    except Exception:  # noqa: BLE001 - a history that crashes the judge still gets its journal
        decisive = []
    secrets = compose_secrets(environment.system.compose, environment.system.environment)
    return gather(environment.runtime, decisive, journal.origin(history), secrets)


def file_name(experiment: str) -> str:
    """The file name of an experiment's journal: its name, with ``-`` for what a file name cannot hold."""
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in experiment)
    return f"{kept.strip('-.')[:120] or 'experiment'}.json"


MOST_LINES = 200
"""The most lines that are kept of one component."""

MOST_TEXT_BYTES = 64 * 1024
"""The most text that is kept of all components together."""

LONGEST_LINE_CHARACTERS = 1000
"""The length at which a line is cut."""

SECONDS_BEFORE, SECONDS_AFTER = 2.0, 5.0
"""The time around a moment in which lines are kept."""

READING_LIMIT = 15.0
"""Seconds after which the logs of no further component are read."""

_CONTROL_SEQUENCE = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]"
)
"""Colours and other commands to a terminal, and control characters."""

Line = tuple[float, str]
"""(seconds from the history's origin, text)."""


def gather(
    runtime: Runtime, moments: Sequence[float], origin: float, secrets: Iterable[str] = ()
) -> LogsRecord:
    """The log lines nearest to some moments, as JSON-able data. Raises nothing but an interrupt.

    Known secrets are masked: see :mod:`chaoskit.record.masking`. A component whose environment cannot be
    read may log secrets that are not known here, so none of its lines is kept.

    Args:
        runtime: the runtime of the components.
        moments: seconds of the runtime's clock.
        origin: the reading of that clock from which the times of the result count.
        secrets: values that must not be shown, besides those in the components' environments.

    Returns:
        ``wall_at_origin`` (the engine's clock at the origin in seconds since 1970, or ``None``),
        ``components`` (name → its ``lines``, and how many were ``left_out``) and ``missing``
        (name → why its log could not be read).
    """
    names = [each.name for each in runtime.components]
    found: dict[str, list[Line]] = {}
    missing: dict[str, str] = {}
    if not moments:
        return {"wall_at_origin": None, "components": {}, "missing": {}}
    try:
        offset = runtime.wall_offset()
    except Exception as error:  # noqa: BLE001 - see above: a log never costs a verdict
        why = _says(error)
        return {"wall_at_origin": None, "components": {}, "missing": dict.fromkeys(names, why)}
    until = runtime.clock.now() + READING_LIMIT
    masker = Masker([*secrets, *_environment_secrets(runtime, names, missing)])
    for name in names:
        if name in missing:
            continue
        if runtime.clock.now() > until:
            missing[name] = f"reading the logs of the other components took {READING_LIMIT:g} s"
            continue
        try:
            lines = [
                line
                for since, end in spans(moments)
                for line in runtime.log_lines(name, since + offset, end + offset)
            ]
        except Exception as error:  # noqa: BLE001 - see above
            missing[name] = _says(error)
            continue
        found[name] = [_line(each, offset + origin, masker) for each in lines]
    return {
        "wall_at_origin": round(offset + origin, 6),
        "components": chosen(found, [moment - origin for moment in moments]),
        "missing": missing,
    }


def spans(moments: Iterable[float]) -> list[tuple[float, float]]:
    """The stretches of time around some moments; stretches that touch are one."""
    merged: list[tuple[float, float]] = []
    for moment in sorted(moments):
        start, end = moment - SECONDS_BEFORE, moment + SECONDS_AFTER
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def chosen(lines: Mapping[str, Sequence[Line]], moments: Sequence[float]) -> dict[str, ComponentLogRecord]:
    """The lines to keep: the nearest to any moment, taken from each component in turn, so that a
    component that logs much takes no room from one that logs little.

    Args:
        lines: component → its lines.
        moments: the moments that matter, on the clock of the lines.
    """

    def distance(line: Line) -> float:
        return min((abs(line[0] - moment) for moment in moments), default=0.0)

    nearest = {name: sorted(each, key=distance)[:MOST_LINES] for name, each in lines.items()}
    turns = sorted(
        (rank, distance(line), name, line) for name, each in nearest.items() for rank, line in enumerate(each)
    )
    kept: dict[str, list[Line]] = {name: [] for name in lines}
    room = MOST_TEXT_BYTES
    for _, _, name, line in turns:
        room -= len(line[1].encode())
        if room < 0:
            break
        kept[name].append(line)
    return {
        name: {
            "lines": sorted(kept[name], key=lambda line: line[0]),
            "left_out": len(lines[name]) - len(kept[name]),
        }
        for name in lines
        if lines[name]
    }


def _environment_secrets(runtime: Runtime, names: Iterable[str], missing: dict[str, str]) -> list[str]:
    """The secrets in the components' environments; a component with an unreadable one is ``missing``."""
    known: list[str] = []
    for name in names:
        try:
            known += secrets_of(runtime.environment(name))
        except Exception as error:  # noqa: BLE001 - see above
            missing[name] = f"its environment, which may hold secrets, cannot be read: {_says(error)}"
    return known


def _line(line: LogLine, origin: float, masker: Masker) -> Line:
    # Mask before cutting: half a secret is still a secret.
    text = masker.text(_CONTROL_SEQUENCE.sub("", line.text))
    if len(text) > LONGEST_LINE_CHARACTERS:
        text = f"{text[:LONGEST_LINE_CHARACTERS]}…"
    return round(line.written - origin, 6), text


def _says(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
