"""The catalogue of faults and judgements (``docs/catalogue.md``), generated from their docstrings."""

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

`chaoskit faults > docs/catalogue.md` generates this page from the docstrings. A test fails when it is out \
of date.

A fault is frozen data: `chaos.experiment(faults.Name(…))`. The way to undo it is on disk before it is \
injected. A fault counts as landed only when the evidence named here was seen on the system itself. Without \
that evidence, or without evidence that the fault is gone afterwards, the verdict is UNKNOWN.
"""

_GROWTH_HEADING = "## Failures of growth"
_PRIMITIVES_HEADING = "## Primitives: the parts of those failures"

_JUDGEMENTS = """\
## Judgements

Each promise is HELD, BROKEN or UNKNOWN. The experiment is BROKEN if one promise is BROKEN, else UNKNOWN if \
one is UNKNOWN. What a fault *owes* is judged too. [statistics.md](statistics.md) tells how sure a verdict \
is, with sources.
"""


def catalogue() -> str:
    """The whole catalogue, in Markdown."""
    kinds = list(_kinds())
    told = [_HEAD, _GROWTH_HEADING, *(_fault(kind) for kind in kinds if kind.stage)]
    told += [_PRIMITIVES_HEADING, *(_fault(kind) for kind in kinds if not kind.stage)]
    told += [_JUDGEMENTS, "\n".join(_table(("promise", "what it means"), _judgements()))]
    return "\n\n".join(part.strip() for part in told) + "\n"


def _kinds() -> Iterator[type[Fault]]:
    """The public faults that can be instantiated, sorted by stage and then by name."""
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
    blocks = [f"### {kind.__name__}", f"`{_call(kind)}`", *_paragraphs(kind)]
    rows = [
        (f"`{each.name}`", _default(each), _descriptions(kind).get(each.name, "")) for each in fields(kind)
    ]
    blocks.append("\n".join(_table(("field", "default", "meaning"), rows)))
    facts = [
        ("Stage", kind.stage),
        ("Landed when", markdown(kind.evidence)),
        ("Impact", _method_text(kind, "impact")),
        ("Owes", markdown(kind.owes)),
        ("Undo", _method_text(kind, "undo")),
        ("Needs", _method_text(kind, "misfits")),
    ]
    blocks.append("\n".join(f"- **{name}:** {text}" for name, text in facts if text))
    return "\n\n".join(blocks)


def _call(kind: type[Fault]) -> str:
    """The call with its required fields and its defaults: ``CacheLoss(component, how='down', …)``."""
    shown = [
        each.name if each.default is MISSING else f"{each.name}={each.default!r}" for each in fields(kind)
    ]
    return f"{kind.__name__}({', '.join(shown)})"


def _default(each: Field[object]) -> str:
    return "" if each.default is MISSING else f"`{each.default!r}`"


def _paragraphs(kind: type[Fault]) -> list[str]:
    """The paragraphs of a docstring before its ``Attributes:``."""
    text = inspect.getdoc(kind) or ""
    before = re.split(r"^Attributes:\n", text, flags=re.MULTILINE)[0]
    return [markdown(paragraph) for paragraph in before.split("\n\n") if paragraph.strip()]


def _descriptions(kind: type[Fault]) -> dict[str, str]:
    """Field → its description in the docstring of the fault or of one of its base classes."""
    told: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        doc = inspect.cleandoc(each.__doc__ or "")
        _, _, section = doc.partition("Attributes:\n")
        for entry in re.split(r"\n(?= {4}\S)", section):
            names, found, text = entry.strip().partition(":")
            if found:
                told.update({name.strip(): markdown(text) for name in names.split(",")})
    return told


def _method_text(kind: type[Fault], method: str) -> str:
    return markdown(inspect.getdoc(getattr(kind, method)) or "")


def _judgements() -> Iterator[tuple[str, ...]]:
    return ((promise, text) for promise, text in KINDS.items())


def markdown(text: str) -> str:
    """The text of a docstring as Markdown, in one line."""
    plain = re.sub(r":\w+:`[~.]?([^`]+)`", r"`\1`", " ".join(text.split()))
    return plain.replace("``", "`")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
