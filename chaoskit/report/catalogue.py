"""The catalogue of faults and judgements, written from their docstrings: ``docs/catalogue.md``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields

from chaoskit import faults
from chaoskit.faults.base import Fault
from chaoskit.judge.verdict import KINDS

_HEAD = """\
# Catalogue of faults and judgements

Written from the docstrings by `chaoskit faults > docs/catalogue.md`; a test fails when it is out of date.

A fault is frozen data: `chaos.experiment(faults.Name(…))`. Before it is injected its undo is on disk. It \
counts only when the evidence named here was seen on the system itself; without it, or without evidence that \
it is gone afterwards, the verdict is UNKNOWN.
"""

_FAILURES = "## Failures of growth"
_PRIMITIVES = "## Primitives: what they are made of"

_JUDGEMENTS = """\
## Judgements

Each is HELD, BROKEN or UNKNOWN; the whole is BROKEN if one is, else UNKNOWN if one is. \
What a fault *owes* is judged beside these. How sure a \
verdict is, with sources: [statistics.md](statistics.md).
"""


def catalogue() -> str:
    """The whole catalogue, in Markdown."""
    kinds = list(_kinds())
    told = [_HEAD, _FAILURES, *(_fault(kind) for kind in kinds if kind.stage)]
    told += [_PRIMITIVES, *(_fault(kind) for kind in kinds if not kind.stage)]
    told += [_JUDGEMENTS, "\n".join(_table(("promise", "what it stands for"), _judgements()))]
    return "\n\n".join(part.strip() for part in told) + "\n"


def _kinds() -> Iterator[type[Fault]]:
    """The public faults that can be made, by their stages and then by their names."""
    found = [getattr(faults, name) for name in faults.__all__]
    concrete = [
        each
        for each in found
        if isinstance(each, type) and issubclass(each, Fault) and not inspect.isabstract(each)
    ]
    yield from sorted(concrete, key=lambda kind: (_users(kind.stage), kind.__name__))


def _users(stage: str) -> int:
    """The number in ``5,000 users``."""
    digits = re.sub(r"\D", "", stage)
    return int(digits) if digits else 0


def _fault(kind: type[Fault]) -> str:
    blocks = [f"### {kind.__name__}", f"`{_call(kind)}`", *_story(kind)]
    rows = [(f"`{each.name}`", _default(each), _told(kind).get(each.name, "")) for each in fields(kind)]
    blocks.append("\n".join(_table(("field", "default", "what it is"), rows)))
    facts = [
        ("Stage", kind.stage),
        ("Landed when", markdown(kind.evidence)),
        ("Whom it hits", _says(kind, "impact")),
        ("Owes", markdown(kind.owes)),
        ("Undo", _says(kind, "undo")),
        ("Needs", _says(kind, "misfits")),
    ]
    blocks.append("\n".join(f"- **{name}:** {text}" for name, text in facts if text))
    return "\n\n".join(blocks)


def _call(kind: type[Fault]) -> str:
    """``CacheLoss(component, how='down', …)``: what is required, and the defaults."""
    shown = [
        each.name if each.default is MISSING else f"{each.name}={each.default!r}" for each in fields(kind)
    ]
    return f"{kind.__name__}({', '.join(shown)})"


def _default(each: Field[object]) -> str:
    return "" if each.default is MISSING else f"`{each.default!r}`"


def _story(kind: type[Fault]) -> list[str]:
    """The paragraphs of a docstring before its fields."""
    text = inspect.getdoc(kind) or ""
    before = re.split(r"^Attributes:\n", text, flags=re.MULTILINE)[0]
    return [markdown(paragraph) for paragraph in before.split("\n\n") if paragraph.strip()]


def _told(kind: type[Fault]) -> dict[str, str]:
    """What the docstrings of a fault and of those it derives from say of each field."""
    told: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        doc = inspect.cleandoc(each.__doc__ or "")
        _, _, section = doc.partition("Attributes:\n")
        for entry in re.split(r"\n(?= {4}\S)", section):
            names, found, text = entry.strip().partition(":")
            if found:
                told.update({name.strip(): markdown(text) for name in names.split(",")})
    return told


def _says(kind: type[Fault], method: str) -> str:
    return markdown(inspect.getdoc(getattr(kind, method)) or "")


def _judgements() -> Iterator[tuple[str, ...]]:
    return ((promise, text) for promise, text in KINDS.items())


def markdown(text: str) -> str:
    """A docstring's text as Markdown, in one line."""
    plain = re.sub(r":\w+:`[~.]?([^`]+)`", r"`\1`", " ".join(text.split()))
    return plain.replace("``", "`")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
