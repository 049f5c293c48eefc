"""The folder of faults is their catalogue, and each example in a docstring is one."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from chaoskit import faults
from chaoskit.faults import Fault

FOLDER = Path(inspect.getfile(faults)).parent

PUBLIC = [
    kind
    for kind in (getattr(faults, name) for name in faults.__all__)
    if isinstance(kind, type) and issubclass(kind, Fault) and not inspect.isabstract(kind)
]

EXAMPLES = [
    " ".join(found.split())
    for kind in PUBLIC
    for found in re.findall(rf"``({kind.__name__}\(.*?\))``", inspect.getdoc(kind) or "", re.DOTALL)
]


def test_the_listing_is_the_catalogue() -> None:
    """Beside the contract, every file or folder of faults holds a public fault, and no fault is elsewhere."""
    listed = {path.stem for path in FOLDER.iterdir() if not path.name.startswith("__")}
    homes = {kind.__module__.split(".")[2] for kind in PUBLIC}
    assert listed - {"base"} == homes


@pytest.mark.parametrize("kind", [kind for kind in PUBLIC if kind.stage], ids=lambda kind: kind.__name__)
def test_each_failure_of_growth_shows_an_example(kind: type[Fault]) -> None:
    """Its docstring, which is its section of the catalogue, has a call that a test can copy."""
    assert any(example.startswith(f"{kind.__name__}(") for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_makes_a_fault(example: str) -> None:
    """A call in a docstring has fields that exist, and its name in a report is that of its fault."""
    made = eval(example, {**vars(faults), "faults": faults})
    assert isinstance(made, Fault)
    assert made.name.startswith(example.partition("(")[0])
