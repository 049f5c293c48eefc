"""What a game day leaves open: what people asked, and what follows by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chaoskit.judge import Verdict
from chaoskit.report.afteraction import story
from chaoskit.report.afteraction.day import Day, Step


@dataclass(frozen=True, slots=True)
class Question:
    """Something that somebody has to answer.

    Attributes:
        text: the question.
        at: when it was asked; ``None`` where it follows from what happened.
    """

    text: str
    at: float | None = None


def of(day: Day) -> list[Question]:
    """All that is open: first what was asked, then what follows, step by step."""
    asked = [each for each in story.timeline(day) if each.kind == "question"]
    found = [Question(each.text, each.at) for each in asked]
    for step in day.steps:
        found += [Question(f"{_start(step)}: {text}") for text in _of_step(day, step)]
    if day.ended_at is None:
        found.append(Question("The record has no end: what ended the game day, and is the system as it was?"))
    return found


def _of_step(day: Day, step: Step) -> Iterator[str]:
    quoted = f"\N{LEFT DOUBLE QUOTATION MARK}{step.hypothesis}\N{RIGHT DOUBLE QUOTATION MARK}"
    if step.outcome == "refuted":
        yield f"{quoted} was refuted: what has to change, the system or what we believe of it?"
    elif step.outcome == "open":
        yield f"is it true that {quoted}? It stayed open."
    if step.verdict is Verdict.UNKNOWN:
        why = story.because(step)
        yield f"the verdict is UNKNOWN{f', since {why}' if why else ''}: what is needed to tell?"
    yield from _of_the_lift(day, step)
    if step.facts is not None:
        for name, cell in step.facts.row.cells.items():
            if cell.note == "survived":
                yield (
                    f"{name} held without what it says that it needs: does it need it at all, "
                    "or was it not gone for long enough?"
                )


def _of_the_lift(day: Day, step: Step) -> Iterator[str]:
    if step.injected is None:
        return
    said = [each.text for each in day.events if each.kind == "not gone" and each.step == step.number]
    if step.lift is None:
        yield "the fault was not lifted in this record: is it gone?"
    elif step.gone is None:
        seen = f" ({said[-1]})" if said and said[-1] else ""
        yield f"nobody has seen that the fault is gone{seen}: is it?"


def _start(step: Step) -> str:
    return step.title[0].upper() + step.title[1:]
