"""The catalogue describes every fault and judgement in the words of its docstring."""

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
def test_every_fault_is_described_and_names_its_evidence(kind: type[Fault]) -> None:
    """A public fault has a docstring of its own, names its evidence, and describes each field."""
    assert kind.__doc__
    # A dataclass without a docstring gets its signature as one.
    assert not kind.__doc__.startswith(f"{kind.__name__}(")
    assert kind.evidence, f"{kind.__name__}.evidence says what is seen when it has landed"
    section = catalogue.catalogue().split(f"### {kind.__name__}\n")[1].split("\n### ")[0]
    for each in fields(kind):
        row = re.search(rf"^\| `{each.name}` \|[^|]*\| (.*) \|$", section, re.MULTILINE)
        assert row, f"{each.name} is not in the table"
        assert row.group(1), f"{each.name} is not described under Attributes"


def test_every_judgement_is_described() -> None:
    """The catalogue lists exactly the promises that the docstring of a finding names."""
    told = (Finding.__doc__ or "").partition("promise: ")[2].partition("verdict: ")[0]
    assert set(re.findall(r"``([a-z ]+)``", " ".join(told.split()))) == set(KINDS)


def test_a_field_is_described_where_it_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault takes the description of an inherited field from its base; its own docstring wins."""

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
