"""The wording that the page and the Markdown of the after-action report share.

It covers the result of the day, each step, the stop conditions, and the open questions: those that people
asked, and those that follow from what happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chaoskit.judge import Verdict
from chaoskit.report.afteraction.day import OUTCOMES, Outcome, RecordedDay, RecordedEvent, RecordedStep
from chaoskit.report.page import words
from chaoskit.report.page.facts import worst_recovery
from chaoskit.report.page.overview import MOST_TABLE_CHARACTERS

STOP_KEY = "key"
"""The value of ``stopped_by`` after the stop key was pressed."""

EVENTS = {
    "started": "game day starts",
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
"""The known kinds of events, as people read them."""


_OUTCOME_PHRASES: dict[Outcome, tuple[str, str]] = {
    "refuted": ("was refuted", "were refuted"),
    "open": ("is still open", "are still open"),
    "confirmed": ("was confirmed", "were confirmed"),
}


@dataclass(frozen=True, slots=True)
class RecordedWatch:
    """A stop condition, or the stop key.

    Attributes:
        name, text: as declared.
        fired: when it fired, and the figures: ``(seconds, sentence)``.
    """

    name: str
    text: str
    fired: tuple[tuple[float, str], ...]


def headline(day: RecordedDay) -> str:
    """``Cache day: 1 of 3 hypotheses was refuted, 1 is still open``: the result in one line."""
    total, counts = len(day.steps), Counter(each.outcome for each in day.steps)
    if not total:
        return f"{day.title}: nothing was tried"
    if counts["confirmed"] == total:
        said = "the hypothesis was confirmed" if total == 1 else f"all {total} hypotheses were confirmed"
        return f"{day.title}: {said}"
    told = [each for each in OUTCOMES if counts[each]]
    parts = [f"{counts[each]} {_OUTCOME_PHRASES[each][counts[each] > 1]}" for each in told]
    of_all = f"{counts[told[0]]} of {words.plural(total, 'hypothesis', 'hypotheses')}"
    parts[0] = f"{of_all} {_OUTCOME_PHRASES[told[0]][counts[told[0]] > 1]}"
    return f"{day.title}: {', '.join(parts)}"


def interrupted(day: RecordedDay) -> str:
    """A warning if the record has no end; empty if it has one."""
    if day.ended_at is not None:
        return ""
    return (
        f"The record has no end: it stops {day.end:.1f} s after the start, at {clock(day, day.end)}. "
        "It does not tell what happened later, or whether the system was restored."
    )


def judged(step: RecordedStep) -> str:
    """Who decided the outcome, and the verdict: ``by the judge, verdict BROKEN``."""
    by = {"judge": "by the judge", "person": "by a person"}.get(step.outcome_by, "")
    said = f"verdict {step.verdict.name}" if step.verdict else "nothing was judged"
    return f"{by}, {said}" if by and step.outcome != "open" else said


def troubled(day: RecordedDay) -> list[RecordedStep]:
    """The steps that need attention, the worst first."""
    found = [each for each in day.steps if not _is_fine(each)]
    return sorted(found, key=lambda each: OUTCOMES.index(each.outcome))


def well(day: RecordedDay) -> list[RecordedStep]:
    """The steps that need no attention."""
    return [each for each in day.steps if _is_fine(each)]


def _is_fine(step: RecordedStep) -> bool:
    return step.outcome == "confirmed" and step.verdict in (Verdict.HELD, None)


def mark(step: RecordedStep) -> str:
    """The outcome with the verdict: ``refuted, BROKEN``."""
    return f"{step.outcome}, {step.verdict.name}" if step.verdict else step.outcome


def seen(step: RecordedStep) -> str:
    """What was seen, with its figures: as the record tells it, else as the journal does."""
    return step.seen or first_reason(step) or "nothing was recorded"


def why(step: RecordedStep) -> str:
    """What was seen, and the promise that broke if that adds anything."""
    decisive = step.facts.decisive if step.facts is not None else ()
    found = first_reason(step)
    more = step.seen and found and decisive[0].reason not in step.seen
    return f"{step.seen} ({found})" if more else seen(step)


def first_reason(step: RecordedStep) -> str:
    """The first reason for the verdict, shortened; empty without a journal. The section has the rest."""
    found = step.facts.decisive if step.facts is not None and step.verdict is not Verdict.HELD else ()
    if not found:
        return ""
    whose = "" if found[0].promise == "experiment" else f"{found[0].journey} {found[0].promise}: ".lstrip()
    return words.shortened(f"{whose}{found[0].reason}", MOST_TABLE_CHARACTERS)


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
    """How the step ended: ``stopped by the stop condition errors at 12:03:04``."""
    if step.stopped_by is not None:
        at = [each.at for each in stops(day, step)] or [each for each in (step.lift,) if each is not None]
        when = f" at {clock(day, at[0])}" if at else ""
        if step.stopped_by == STOP_KEY:
            return f"stopped by the stop key{when}"
        if any(each.name == step.stopped_by for each in day.conditions):
            return f"stopped by the stop condition {step.stopped_by}{when}"
        return f"stopped{when}: {step.stopped_by}"
    if step.injected is None:
        return "nothing was injected"
    if step.lift is None:
        return "the record does not show a lift"
    return "lifted as planned" if step.by == "runbook" else "lifted by hand"


def stops(day: RecordedDay, step: RecordedStep) -> list[RecordedEvent]:
    """The events that stopped the step."""
    return [each for each in day.events if each.kind == "stop" and each.step == step.number]


def watched(day: RecordedDay) -> list[RecordedWatch]:
    """The stop conditions, and anything else that stopped something, such as the stop key."""
    by: dict[str, list[tuple[float, str]]] = {each.name: [] for each in day.conditions}
    told: list[RecordedEvent] = []
    for step in day.steps:
        if step.stopped_by is not None:
            mine = stops(day, step)
            told += mine
            said = [(each.at, _with_title(step, each.text)) for each in mine] or [
                (_stop_moment(step), _with_title(step, ""))
            ]
            by.setdefault(step.stopped_by, []).extend(said)
    known = {each.name: each.text for each in day.conditions} | {STOP_KEY: "a person presses the stop key"}
    found = [
        RecordedWatch(name, known.get(name, "not a stop condition"), tuple(fired))
        for name, fired in by.items()
    ]
    others = tuple((each.at, each.text) for each in day.events if each.kind == "stop" and each not in told)
    return [*found, RecordedWatch("outside a step", "no step was running", others)] if others else found


def _stop_moment(step: RecordedStep) -> float:
    """When the step was stopped, as far as the record tells."""
    return step.lift if step.lift is not None else step.injected or 0.0


def _with_title(step: RecordedStep, text: str) -> str:
    return f"{step.title}: {text}" if text else step.title


def timeline(day: RecordedDay) -> list[RecordedEvent]:
    """All events in the order of time, with the notes and questions that are not among the events."""
    told = {(each.kind, each.text) for each in day.events}
    typed = [each for each in (*day.notes, *day.questions) if (each.kind, each.text) not in told]
    return sorted([*day.events, *typed], key=lambda each: each.at)


def clock(day: RecordedDay, at: float) -> str:
    """A moment as wall clock time, to the second, UTC."""
    return words.clock(day.origin + at).partition(".")[0]


def about(day: RecordedDay) -> list[tuple[str, str]]:
    """The system, the times and the set-up of the day, as names and values."""
    how = "was already running" if day.attached else "was started for the day"
    system = ", ".join(day.compose) or words.NONE
    pairs = [
        ("System", f"{system}{f' (project {day.project})' if day.project else ''}; it {how}"),
        (
            "Permitted to touch",
            ", ".join(day.touch) or ("no component" if day.attached else "every component"),
        ),
        ("Started", words.written(day.started_at)),
        ("Ended", words.written(day.ended_at) if day.ended_at is not None else "not recorded"),
        ("Runbook", day.runbook or "none"),
        ("Seed", str(day.seed)),
    ]
    requests = sum(sum(each.arrivals) for each in day.series.journeys)
    return [*pairs, ("Requests", f"{requests:,}" if requests else words.NONE)]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a person has to answer.

    Attributes:
        text: the question.
        at: when it was asked; ``None`` if it follows from what happened.
    """

    text: str
    at: float | None = None


def questions(day: RecordedDay) -> list[Question]:
    """All open questions: first those asked, then those that follow from each step."""
    asked = [each for each in timeline(day) if each.kind == "question"]
    found = [Question(each.text, each.at) for each in asked]
    for step in day.steps:
        found += [Question(f"{_capitalised_title(step)}: {text}") for text in _step_questions(day, step)]
    if day.ended_at is None:
        found.append(Question("The record has no end. What ended the game day, and was the system restored?"))
    return found


def _step_questions(day: RecordedDay, step: RecordedStep) -> Iterator[str]:
    quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{step.hypothesis}\N{RIGHT DOUBLE QUOTATION MARK}"
    if step.outcome == "refuted":
        yield f"{quoted} was refuted. What has to change: the system, or what we expect of it?"
    elif step.outcome == "open":
        yield f"{quoted} was neither confirmed nor refuted. Is it true?"
    if step.verdict is Verdict.UNKNOWN:
        why = first_reason(step)
        yield f"the verdict is UNKNOWN. What evidence would decide it?{f' Reason: {why}' if why else ''}"
    yield from _lift_questions(day, step)
    if step.facts is not None:
        for name, cell in step.facts.row.cells.items():
            if cell.note == "survived":
                yield (
                    f"{name} held without something that it declares as needed. Does it really need it, "
                    "or was the fault too short?"
                )


def _lift_questions(day: RecordedDay, step: RecordedStep) -> Iterator[str]:
    if step.injected is None:
        return
    said = [each.text for each in day.events if each.kind == "not gone" and each.step == step.number]
    if step.lift is None:
        yield "the record does not show that the fault was lifted. Is it gone?"
    elif step.gone is None:
        seen = f" ({said[-1]})" if said and said[-1] else ""
        yield f"no evidence shows that the fault is gone{seen}. Is it?"


def _capitalised_title(step: RecordedStep) -> str:
    return step.title[0].upper() + step.title[1:]
