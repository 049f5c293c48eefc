"""Game days of every kind, with journals of experiments in memory, for the after-action reports."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tests.report.page import journals

ORIGIN = 1_795_000_000.0
"""2026-11-18 11:06:40 UTC."""

FOLDER = "day"
SECONDS = 900
AWKWARD = (
    "<script>alert('noted')</script> | `code` *stars* _under_ [link](http://x)\n# no heading\n- [x] no task"
)
"""A note with everything that HTML and Markdown would read as markup."""

STEPS = (  # name, hypothesis, verdict, outcome, (injected, landed, lift, gone, recovered)
    (
        "cache loss",
        "Losing the cache slows browsing within its degraded SLO and touches nothing else.",
        "HELD",
        "confirmed",
        (120.0, 120.4, 180.0, 180.2, 182.3),
    ),
    (
        "cache loss without a fallback",
        "Browsing survives without the cache.",
        "BROKEN",
        "refuted",
        (360.0, 360.3, 401.5, 401.9, 404.0),
    ),
    (
        "no steady state",
        "The second replica takes over.",
        "UNKNOWN",
        "open",
        (600.0, 600.3, 660.0, None, None),
    ),
)

_SEEN = (
    "browse: p95 0.41 s of 0.8 s allowed, 0 of 1,200 failed",
    "browse: 812 of 820 requests failed (99%), 1% allowed",
    "",
)

_FIRED = "errors: 64% of 1,500 requests failed in 30 s, 50% allowed"


def make(folder: Path, **changes: Any) -> Path:
    """A day of three steps, one of them stopped by a condition; ``changes`` go into its record."""
    folder.mkdir(parents=True)
    made = [journals.held(folder), journals.broken(folder), journals.unknown(folder)]
    names = [f"0{number}-{each.journal.stem}.json" for number, each in enumerate(made, 1)]
    for each, name in zip(made, names, strict=True):
        each.journal.rename(folder / name)
    record = {**_record(), **changes}
    for step, name in zip(record["steps"], names, strict=False):
        step.setdefault("journal", name)
    return save(folder, record)


def save(folder: Path, record: dict[str, Any]) -> Path:
    """Write the record into its folder; returns the folder."""
    (folder / "gameday.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def saved(folder: Path) -> dict[str, Any]:
    """The record in the folder."""
    found: dict[str, Any] = json.loads((folder / "gameday.json").read_text(encoding="utf-8"))
    return found


def crashed(folder: Path) -> Path:
    """A day that was killed in its second step: no end, no lift, and no journal of that step."""
    make(folder)
    record = saved(folder)
    second = {**record["steps"][1], "lift": None, "gone": None, "recovered": None, "verdict": None}
    second |= {"journal": None, "outcome": "open", "stopped_by": None, "seen": ""}
    record |= {"ended_at": None, "steps": [record["steps"][0], second]}
    record["events"] = [each for each in record["events"] if each["at"] < 380.0]
    for journey in record["series"]["journeys"].values():
        journey |= {name: journey[name][:380] for name in ("arrivals", "failed", "p50", "p95", "p99")}
    return save(folder, record)


def _record() -> dict[str, Any]:
    return {
        "version": 1,
        "kind": "gameday",
        "title": "Cache day",
        "started_at": "2026-11-18T11:06:40+00:00",
        "ended_at": "2026-11-18T11:21:40+00:00",
        "system": {"compose": ["compose.yaml"], "attached": True, "project": "market", "touch": ["cache"]},
        "origin": ORIGIN,
        "runbook": "runbooks/cache.yaml",
        "seed": 7,
        "stop_conditions": [
            {"name": "errors", "text": "more than half of all requests fail for 30 s"},
            {"name": "slow", "text": "browse p95 over 5 s for 10 s"},
        ],
        "steps": [_step(number) for number in range(1, len(STEPS) + 1)],
        "events": _events(),
        "notes": [{"at": 130.5, "text": "Dashboards show it."}, {"at": 371.0, "text": AWKWARD}],
        "questions": [{"at": 410.0, "text": "Why is there no fallback?\nIt was planned."}],
        "series": _series(),
        "later": {"unknown": True},
    }


def _step(number: int) -> dict[str, Any]:
    name, hypothesis, verdict, outcome, (injected, landed, lift, gone, recovered) = STEPS[number - 1]
    return {
        "number": number,
        "name": name,
        "by": "hand" if number == 3 else "runbook",
        "hypothesis": hypothesis,
        "faults": ["CacheLoss('cache')"],
        "injected": injected,
        "landed": landed,
        "evidence": "connections to cache:6379 are refused",
        "lift": lift,
        "gone": gone,
        "recovered": recovered,
        "stopped_by": "errors" if number == 2 else None,
        "verdict": verdict,
        "outcome": outcome,
        "outcome_by": "person" if number == 1 else "judge",
        "seen": _SEEN[number - 1],
    }


def _events() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"at": 0.0, "kind": "started", "text": "Cache day", "step": None},
        {"at": 60.0, "kind": "steady", "text": "all journeys are inside their SLO", "step": None},
        {"at": 130.5, "kind": "note", "text": "Dashboards show it.", "step": 1},
        {
            "at": 401.4,
            "kind": "stop",
            "text": _FIRED,
            "step": 2,
        },
        {"at": 672.0, "kind": "not gone", "text": "cache:6379 still refuses", "step": 3},
        {"at": 900.0, "kind": "ended", "text": "", "step": None},
    ]
    for number, (*_, times) in enumerate(STEPS, 1):
        kinds = ("inject", "landed", "lift", "gone", "recovered")
        said = ("CacheLoss('cache')", "connections are refused", "", "it answers again", "")
        found += [
            {"at": at, "kind": kind, "text": text, "step": number}
            for at, kind, text in zip(times, kinds, said, strict=True)
            if at is not None
        ]
    return sorted(found, key=lambda each: float(each["at"]))


def _series() -> dict[str, Any]:
    slo = {"availability": 0.99, "p95": 0.3, "recovery": 10.0, "p50": None}
    return {
        "step_seconds": 1.0,
        "from": 0.0,
        "journeys": {
            "browse": _journey("browse", 20, slo, {**slo, "p95": 0.8}),
            "search": _journey("search", 20, slo, None),
            "buy": _journey("buy", 10, slo, None),
        },
    }


def _journey(name: str, rate: int, slo: dict[str, Any], degraded: dict[str, Any] | None) -> dict[str, Any]:
    dice = random.Random(name)
    columns: dict[str, list[float | None]] = {
        each: [] for each in ("arrivals", "failed", "p50", "p95", "p99")
    }
    for second in range(SECONDS):
        active = next((n for n, (*_, t) in enumerate(STEPS) if t[0] <= second < (t[2] or 0)), None)
        fails = (name, active) in {("browse", 1), ("buy", 0), ("buy", 1), ("buy", 2)}
        slow = 0.35 if name == "browse" and active == 0 else 0.02
        arrivals = max(0, rate + dice.randint(-2, 2))
        columns["arrivals"].append(arrivals)
        columns["failed"].append(arrivals if fails else 0)
        p50 = slow * dice.lognormvariate(0.0, 0.15)
        for key, times in (("p50", 1.0), ("p95", 1.6), ("p99", 2.2)):
            columns[key].append(None if fails else round(p50 * times, 5))
    return {"slo": slo, "degraded": degraded, **columns}
