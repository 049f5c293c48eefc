"""The record of a game day, checked: what is wrong with it is one clear error, before anything is made."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from chaoskit import journal
from chaoskit.errors import UsageError
from chaoskit.judge import Verdict
from chaoskit.report.afteraction.day import OUTCOMES, Condition, Day, Event, Journey, Outcome, Series, Step
from chaoskit.report.afteraction.fields import Fields
from chaoskit.report.page import facts
from chaoskit.report.page.facts import Facts
from chaoskit.report.page.sources import GAME_DAY
from chaoskit.system import Slo

VERSION = 1
"""Of the records that can be read."""

_LATEST = 1e11
"""Seconds since 1970 that a calendar still has."""

_OUTCOMES: dict[str, Outcome] = {each: each for each in OUTCOMES}
_VERDICTS = {each.name: each for each in Verdict}
_SLO = frozenset(each.name for each in fields(Slo))


def read(folder: Path) -> Day:
    """Read a game day, with the journals of its steps.

    One that crashed can be read: it has no end, and steps that did not come to everything.

    Raises:
        UsageError: there is no record, or it is of another version or not as it should be; a journal
            that it names is not there or not one.
    """
    file = folder / GAME_DAY
    record = Fields(_json(file), file)
    version, kind = record.maybe(record.number, "version"), record.maybe(record.text, "kind")
    if kind != "gameday":
        raise record.wrong("it is no 'gameday'", kind, "kind")
    if version != VERSION:
        raise UsageError(
            "this record of a game day is of another version",
            where=str(file),
            limit=f"version {VERSION}",
            evidence=f"version {version if version is None else format(version, 'g')}",
            remedy="report it with the chaoskit that held it",
        )
    system = record.object("system")
    steps = [_step(each, folder) for each in record.objects("steps")]
    numbers = [each.number for each in steps]
    if len(set(numbers)) < len(numbers):
        raise record.wrong("two steps have the same number", numbers, "steps")
    return Day(
        folder=folder,
        title=record.text("title", "") or "Game day",
        started_at=record.text("started_at"),
        ended_at=record.maybe(record.text, "ended_at"),
        compose=system.texts("compose"),
        project=system.maybe(system.text, "project"),
        attached=system.flag("attached"),
        touch=system.texts("touch"),
        origin=_origin(record),
        runbook=record.maybe(record.text, "runbook"),
        seed=record.whole("seed"),
        conditions=[
            Condition(each.text("name"), each.text("text", "")) for each in record.objects("stop_conditions")
        ],
        steps=steps,
        events=[_event(each, each.text("kind")) for each in record.objects("events")],
        notes=[_event(each, "note") for each in record.objects("notes")],
        questions=[_event(each, "question") for each in record.objects("questions")],
        series=_series(record.object("series")) if record.has("series") else Series(1.0, 0.0, ()),
    )


def _json(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            "there is no record of a game day that can be read",
            where=str(file),
            evidence=error.strerror,
            remedy="name the folder that a game day has left",
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            "this is no record of a game day: it is not JSON", where=str(file), evidence=str(error)
        ) from error


def _origin(record: Fields) -> float:
    origin = record.number("origin")
    if not 0 <= origin <= _LATEST:
        raise record.wrong("it is no moment, in seconds since 1970", origin, "origin")
    return origin


def _event(record: Fields, kind: str) -> Event:
    return Event(record.moment("at"), kind, record.text("text", ""), record.maybe(record.whole, "step"))


def _step(record: Fields, folder: Path) -> Step:
    return Step(
        number=record.whole("number"),
        name=record.text("name", ""),
        by=record.text("by", ""),
        hypothesis=record.text("hypothesis", ""),
        faults=record.texts("faults"),
        injected=record.maybe(record.moment, "injected"),
        landed=record.maybe(record.moment, "landed"),
        evidence=record.text("evidence", ""),
        lift=record.maybe(record.moment, "lift"),
        gone=record.maybe(record.moment, "gone"),
        recovered=record.maybe(record.moment, "recovered"),
        stopped_by=record.maybe(record.text, "stopped_by"),
        verdict=record.choice("verdict", _VERDICTS) if record.has("verdict") else None,
        outcome=record.choice("outcome", _OUTCOMES) if record.has("outcome") else "open",
        outcome_by=record.text("outcome_by", ""),
        seen=record.text("seen", ""),
        facts=_facts(record, folder) if record.has("journal") else None,
    )


def _facts(record: Fields, folder: Path) -> Facts:
    name = record.text("journal")
    if not name or Path(name).name != name or "\\" in name:
        raise record.wrong("it is no name of a file in the folder of the game day", name, "journal")
    try:
        return facts.of(name, journal.read(folder / name))
    except UsageError as error:
        raise UsageError(
            error.what,
            where=str(folder / name),
            limit=error.limit,
            evidence=error.evidence,
            remedy=f"the record in {GAME_DAY} names this journal; {error.remedy or 'put it back beside it'}",
        ) from error


def _series(record: Fields) -> Series:
    width = record.number("step_seconds")
    if width <= 0:
        raise record.wrong("it is no length of time", width, "step_seconds")
    journeys = (_journey(name, each) for name, each in record.named("journeys").items())
    return Series(width, record.moment("from"), tuple(each for each in journeys if each.arrivals))


def _journey(name: str, record: Fields) -> Journey:
    found = Journey(
        name,
        _slo(record.object("slo")),
        _slo(record.object("degraded")) if record.has("degraded") else None,
        record.counts("arrivals"),
        record.counts("failed"),
        record.figures("p50"),
        record.figures("p95"),
        record.figures("p99"),
    )
    lengths = {len(each) for each in (found.arrivals, found.failed, found.p50, found.p95, found.p99)}
    if len(lengths) > 1:
        raise record.wrong("its columns are not equally long", sorted(lengths))
    return found


def _slo(record: Fields) -> Slo:
    """The promises that this chaoskit knows."""
    return Slo(**{name: record.number(name) for name in _SLO if record.has(name)})
