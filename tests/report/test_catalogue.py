"""The catalogue says of every fault and judgement what its docstring says."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

import pytest

from chaoskit import faults
from chaoskit.cli import main
from chaoskit.faults import Fault, Kill
from chaoskit.judge import Finding
from chaoskit.judge.verdict import KINDS
from chaoskit.report import catalogue

FILE = Path(__file__).resolve().parents[2] / "docs" / "catalogue.md"
PUBLIC = [
    each
    for each in (getattr(faults, name) for name in faults.__all__)
    if isinstance(each, type) and issubclass(each, Fault) and not inspect.isabstract(each)
]


def test_the_catalogue_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/catalogue.md is what `chaoskit faults` prints."""
    assert main(["faults"]) == 0
    assert FILE.read_text(encoding="utf-8") == capsys.readouterr().out, (
        "run: chaoskit faults > docs/catalogue.md"
    )


@pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
def test_every_fault_says_what_it_is_and_how_it_is_proven(kind: type[Fault]) -> None:
    """A public fault has a docstring of its own, its evidence, and a word on each field."""
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")  # what a dataclass makes up
    assert kind.evidence, f"{kind.__name__}.evidence says what is seen when it has landed"
    section = catalogue.catalogue().split(f"### {kind.__name__}\n")[1].split("\n### ")[0]
    for each in fields(kind):
        row = re.search(rf"^\| `{each.name}` \|[^|]*\| (.*) \|$", section, re.MULTILINE)
        assert row, f"{each.name} is not in the table"
        assert row.group(1), f"{each.name} is not told under Attributes"


def test_every_judgement_is_told() -> None:
    """The promises that a finding may be about are those of the catalogue."""
    told = (Finding.__doc__ or "").partition("promise: ")[2].partition("verdict: ")[0]
    assert set(re.findall(r"``([a-z ]+)``", " ".join(told.split()))) == set(KINDS)


def test_fields_are_told_by_whoever_declares_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fault inherits is told by the docstring of its base; its own docstring wins."""

    @dataclass(frozen=True)
    class Freeze(Kill):
        """It freezes, as :class:`Pause` does.

        20 users: ``nobody`` knows.

        Attributes:
            depth: how deep,
                in two lines | with a bar.
        """

        stage: ClassVar[str] = "20 users"
        evidence: ClassVar[str] = "``cold``"
        depth: float = 1.0

    monkeypatch.setattr(faults, "Freeze", Freeze, raising=False)
    monkeypatch.setattr(faults, "__all__", [*faults.__all__, "Freeze"])
    section = catalogue.catalogue().split("### Freeze\n")[1].split("\n### ")[0]
    assert "It freezes, as `Pause` does.\n\n20 users: `nobody` knows.\n\n| field" in section
    assert "| `component` |  | a component, or a service with all its replicas. |" in section
    assert "| `depth` | `1.0` | how deep, in two lines \\| with a bar. |" in section
    assert "- **Stage:** 20 users\n- **Landed when:** `cold`\n" in section
