"""What a game day comes to, in words that both of its reports say alike.

What a game day leaves open: what people asked, and what follows by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chaoskit.judge import Verdict
from chaoskit.report.afteraction.day import OUTCOMES, Outcome, RecordedDay, RecordedEvent, RecordedStep
from chaoskit.report.page import words
from chaoskit.report.page.facts import worst_recovery
from chaoskit.report.page.overview import IN_A_TABLE

KEY = "key"
"""What ``stopped_by`` says of the stop key."""

EVENTS = {
    "started": "game day begins",
    "steady": "steady state",
    "unsteady": "no steady state",
    "inject": "inject",
    "landed": "landed",
    "lift": "lift",
    "gone": "gone",
    "not gone": "not gone",
    "recovered": "recovered",
    "stop": "stop",
    "lift all": "lift all",
    "verified": "verified",
    "note": "note",
    "question": "question",
    "hypothesis": "hypothesis",
    "error": "error",
    "ended": "game day ends",
}
"""The kinds of events that are known, as people read them."""


_BECAME: dict[Outcome, tuple[str, str]] = {
    "refuted": ("was refuted", "were refuted"),
    "open": ("stays open", "stay open"),
    "confirmed": ("was confirmed", "were confirmed"),
}


@dataclass(frozen=True, slots=True)
class RecordedWatch:
    """A stop condition, or the stop key.

    Attributes:
        name, text: as it was declared.
        fired: when, and with which figures: ``(seconds, sentence)``.
    """

    name: str
    text: str
    fired: tuple[tuple[float, str], ...]


def headline(day: RecordedDay) -> str:
    """``Cache day: 1 of 3 hypotheses was refuted, 1 stays open``: for who reads no further."""
    total, counts = len(day.steps), Counter(each.outcome for each in day.steps)
    if not total:
        return f"{day.title}: nothing was tried"
    if counts["confirmed"] == total:
        said = "the hypothesis was confirmed" if total == 1 else f"all {total} hypotheses were confirmed"
        return f"{day.title}: {said}"
    told = [each for each in OUTCOMES if counts[each]]
    parts = [f"{counts[each]} {_BECAME[each][counts[each] > 1]}" for each in told]
    of_all = f"{counts[told[0]]} of {words.plural(total, 'hypothesis', 'hypotheses')}"
    parts[0] = f"{of_all} {_BECAME[told[0]][counts[told[0]] > 1]}"
    return f"{day.title}: {', '.join(parts)}"


def interrupted(day: RecordedDay) -> str:
    """What must be said of a day that did not come to its end; empty if it did."""
    if day.ended_at is not None:
        return ""
    return (
        f"The record has no end: it stops {day.end:.1f} s after the beginning, at "
        f"{clock(day, day.end)}. What came later is not in it, nor whether the system is as it was."
    )


def judged(step: RecordedStep) -> str:
    """By whom the outcome was said, and the verdict: ``by the judge, verdict BROKEN``."""
    by = {"judge": "by the judge", "person": "by a person"}.get(step.outcome_by, "")
    said = f"verdict {step.verdict.name}" if step.verdict else "nothing was judged"
    return f"{by}, {said}" if by and step.outcome != "open" else said


def troubled(day: RecordedDay) -> list[RecordedStep]:
    """The steps about which somebody has to do something, the worst first."""
    found = [each for each in day.steps if not _fine(each)]
    return sorted(found, key=lambda each: OUTCOMES.index(each.outcome))


def well(day: RecordedDay) -> list[RecordedStep]:
    """All other steps."""
    return [each for each in day.steps if _fine(each)]


def _fine(step: RecordedStep) -> bool:
    return step.outcome == "confirmed" and step.verdict in (Verdict.HELD, None)


def mark(step: RecordedStep) -> str:
    """The outcome with the verdict: ``refuted, BROKEN``."""
    return f"{step.outcome}, {step.verdict.name}" if step.verdict else step.outcome


def seen(step: RecordedStep) -> str:
    """What was seen, with its figures; where the record has nothing, what the journal has."""
    return step.seen or because(step) or "nothing is recorded"


def why(step: RecordedStep) -> str:
    """What was seen, and the promise that broke, where that says more."""
    decisive = step.facts.decisive if step.facts is not None else ()
    found = because(step)
    more = step.seen and found and decisive[0].reason not in step.seen
    return f"{step.seen} ({found})" if more else seen(step)


def because(step: RecordedStep) -> str:
    """What made the verdict, where a journal tells: the first reason, shortened; its section has the rest."""
    found = step.facts.decisive if step.facts is not None and step.verdict is not Verdict.HELD else ()
    if not found:
        return ""
    whose = "" if found[0].promise == "experiment" else f"{found[0].journey} {found[0].promise}: ".lstrip()
    return words.shortened(f"{whose}{found[0].reason}", IN_A_TABLE)


def recovery(step: RecordedStep) -> str:
    """How long it took until all was well, with what is known of it."""
    slowest = worst_recovery(step.facts) if step.facts is not None else None
    if slowest is not None and slowest.recovery is not None:
        found = slowest.recovery
        allowed = f"{slowest.journey}, {found.deadline:g} s allowed"
        if found.seconds is None:
            return f"not seen ({allowed})"
        if not found.disturbed:
            return f"{found.short()}: all inside their SLO within one arrival of the lift"
        return f"{found.short()}, {allowed}"
    if step.injected is None:
        return "nothing was injected"
    if step.lift is None:
        return "not lifted"
    if step.recovered is None:
        return "not seen"
    return f"all was well {words.seconds(max(step.recovered - step.lift, 0.0))} after the lift"


def ending(day: RecordedDay, step: RecordedStep) -> str:
    """What ended it: ``stopped by the stop condition errors at 12:03:04``."""
    if step.stopped_by is not None:
        at = [each.at for each in stops(day, step)] or [each for each in (step.lift,) if each is not None]
        when = f" at {clock(day, at[0])}" if at else ""
        if step.stopped_by == KEY:
            return f"stopped by the stop key{when}"
        if any(each.name == step.stopped_by for each in day.conditions):
            return f"stopped by the stop condition {step.stopped_by}{when}"
        return f"stopped{when}: {step.stopped_by}"
    if step.injected is None:
        return "nothing was injected"
    if step.lift is None:
        return "not lifted in this record"
    return "lifted as planned" if step.by == "runbook" else "lifted by hand"


def stops(day: RecordedDay, step: RecordedStep) -> list[RecordedEvent]:
    """The events that tell of its being stopped."""
    return [each for each in day.events if each.kind == "stop" and each.step == step.number]


def watched(day: RecordedDay) -> list[RecordedWatch]:
    """The stop conditions; and the key, or whatever else stopped something, where it did."""
    by: dict[str, list[tuple[float, str]]] = {each.name: [] for each in day.conditions}
    told: list[RecordedEvent] = []
    for step in day.steps:
        if step.stopped_by is not None:
            mine = stops(day, step)
            told += mine
            said = [(each.at, _of(step, each.text)) for each in mine] or [(_when(step), _of(step, ""))]
            by.setdefault(step.stopped_by, []).extend(said)
    known = {each.name: each.text for each in day.conditions} | {KEY: "somebody pressed the stop key"}
    found = [
        RecordedWatch(name, known.get(name, "none of the stop conditions"), tuple(fired))
        for name, fired in by.items()
    ]
    others = tuple((each.at, each.text) for each in day.events if each.kind == "stop" and each not in told)
    return [*found, RecordedWatch("outside of a step", "no step was under way", others)] if others else found


def _when(step: RecordedStep) -> float:
    """When it was stopped, as far as it is known."""
    return step.lift if step.lift is not None else step.injected or 0.0


def _of(step: RecordedStep, text: str) -> str:
    return f"{step.title}: {text}" if text else step.title


def timeline(day: RecordedDay) -> list[RecordedEvent]:
    """All events, with the notes and questions that are not among them, in the order of time."""
    told = {(each.kind, each.text) for each in day.events}
    typed = [each for each in (*day.notes, *day.questions) if (each.kind, each.text) not in told]
    return sorted([*day.events, *typed], key=lambda each: each.at)


def clock(day: RecordedDay, at: float) -> str:
    """A moment on the wall, to the second, UTC."""
    return words.clock(day.origin + at).partition(".")[0]


def about(day: RecordedDay) -> list[tuple[str, str]]:
    """Which system, when, and how it came about: names and values."""
    how = "was running already" if day.attached else "was started for the day"
    system = ", ".join(day.compose) or words.NONE
    pairs = [
        ("System", f"{system}{f' (project {day.project})' if day.project else ''}; it {how}"),
        ("May be touched", ", ".join(day.touch) or ("nothing was named" if day.attached else "all of it")),
        ("Started", words.written(day.started_at)),
        ("Ended", words.written(day.ended_at) if day.ended_at is not None else "not in the record"),
        ("Runbook", day.runbook or "none"),
        ("Seed", str(day.seed)),
    ]
    requests = sum(sum(each.arrivals) for each in day.series.journeys)
    return [*pairs, ("Requests", f"{requests:,}" if requests else words.NONE)]


@dataclass(frozen=True, slots=True)
class Question:
    """Something that somebody has to answer.

    Attributes:
        text: the question.
        at: when it was asked; ``None`` where it follows from what happened.
    """

    text: str
    at: float | None = None


def questions(day: RecordedDay) -> list[Question]:
    """All that is open: first what was asked, then what follows, step by step."""
    asked = [each for each in timeline(day) if each.kind == "question"]
    found = [Question(each.text, each.at) for each in asked]
    for step in day.steps:
        found += [Question(f"{_start(step)}: {text}") for text in _of_step(day, step)]
    if day.ended_at is None:
        found.append(Question("The record has no end: what ended the game day, and is the system as it was?"))
    return found


def _of_step(day: RecordedDay, step: RecordedStep) -> Iterator[str]:
    quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{step.hypothesis}\N{RIGHT DOUBLE QUOTATION MARK}"
    if step.outcome == "refuted":
        yield f"{quoted} was refuted: what has to change, the system or what we believe of it?"
    elif step.outcome == "open":
        yield f"is it true that {quoted}? It stayed open."
    if step.verdict is Verdict.UNKNOWN:
        why = because(step)
        yield f"the verdict is UNKNOWN{f', since {why}' if why else ''}: what is needed to tell?"
    yield from _of_the_lift(day, step)
    if step.facts is not None:
        for name, cell in step.facts.row.cells.items():
            if cell.note == "survived":
                yield (
                    f"{name} held without what it says that it needs: does it need it at all, "
                    "or was it not gone for long enough?"
                )


def _of_the_lift(day: RecordedDay, step: RecordedStep) -> Iterator[str]:
    if step.injected is None:
        return
    said = [each.text for each in day.events if each.kind == "not gone" and each.step == step.number]
    if step.lift is None:
        yield "the fault was not lifted in this record: is it gone?"
    elif step.gone is None:
        seen = f" ({said[-1]})" if said and said[-1] else ""
        yield f"nobody has seen that the fault is gone{seen}: is it?"


def _start(step: RecordedStep) -> str:
    return step.title[0].upper() + step.title[1:]
