"""The after-action report in Markdown, for a wiki or an issue."""

from __future__ import annotations

from chaoskit.report.afteraction import story
from chaoskit.report.afteraction.day import RecordedDay, RecordedEvent
from chaoskit.report.markdown import escaped, table
from chaoskit.report.page import words

_SIGNS = {"refuted": "❌", "open": "❔", "confirmed": "✅"}


def render(day: RecordedDay) -> str:
    """The whole text. Each text that a person wrote stays as it is, but in one line."""
    interrupted = story.interrupted(day)
    blocks = [
        f"# {escaped(story.headline(day))}",
        f"**{escaped(interrupted)}**" if interrupted else "",
        "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in story.about(day)),
        *_steps(day),
        "## Open questions",
        _tasks(day),
        "## Stop conditions",
        _conditions(day),
        "## Notes",
        _list(day, [each for each in story.timeline(day) if each.kind == "note"]) or "No note was taken.",
        "## What happened, and when",
        "Clock times are UTC. Seconds count from the start of the day.",
        _list(day, story.timeline(day), kinds=True) or "Nothing was recorded.",
        *_journals(day),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _steps(day: RecordedDay) -> list[str]:
    if not day.steps:
        return []
    lines = [
        f"- {_SIGNS[each.outcome]} **{escaped(each.title)}** ({story.mark(each)}): {escaped(story.why(each))}"
        for each in story.troubled(day)
    ]
    if good := "; ".join(each.title for each in story.well(day)):
        lines.append(f"- {_SIGNS['confirmed']} as expected: {escaped(good)}")
    rows = [("step", "hypothesis", "outcome", "what was seen", "recovery", "how it ended")]
    rows += [
        (
            f"{each.number}. {each.name}",
            each.hypothesis,
            f"{_SIGNS[each.outcome]} {each.outcome}, {story.judged(each)}",
            story.seen(each),
            story.recovery(each),
            story.ending(day, each),
        )
        for each in day.steps
    ]
    heading = "## Hypotheses, and what was seen"
    return ["## What broke, and why", "\n".join(lines), heading, table(rows)]


def _tasks(day: RecordedDay) -> str:
    lines = []
    for each in story.questions(day):
        asked = f" (asked at {story.clock(day, each.at)})" if each.at is not None else ""
        lines.append(f"- [ ] {escaped(each.text) or '(no text)'}{asked}")
    return "\n".join(lines) or "No question is open."


def _conditions(day: RecordedDay) -> str:
    rows = [("condition", "stops when", "fired")]
    for each in story.watched(day):
        fired = "; ".join(f"{story.clock(day, at)} ({words.since(at)} s) {text}" for at, text in each.fired)
        rows.append((each.name, each.text, fired or "did not fire"))
    return table(rows) if len(rows) > 1 else "This game day had no stop condition."


def _list(day: RecordedDay, events: list[RecordedEvent], *, kinds: bool = False) -> str:
    lines = []
    for each in events:
        when = f"- **{story.clock(day, each.at)}"
        if kinds:
            step = f" step {each.step}," if each.step is not None else ""
            when += f" ({words.since(each.at)} s)**{step} {escaped(story.EVENTS.get(each.kind, each.kind))}"
        else:
            when += "**"
        said = f": {escaped(each.text)}" if each.text.strip() else ""
        lines.append(f"{when}{said}")
    return "\n".join(lines)


def _journals(day: RecordedDay) -> list[str]:
    lines = [
        f"- step {each.number}: {escaped(each.facts.file)}" for each in day.steps if each.facts is not None
    ]
    return ["## Journals", "\n".join(lines)] if lines else []
