"""The public names are exactly those that are listed, and each can be had.

Three lists must agree: ``__all__`` and the imports under TYPE_CHECKING are literal, so that type
checkers, editors and documentation tools, which do not run the module, read them; ``_HOMES`` is what
runs. None of the three can be computed from another without taking it from one of these readers.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import chaoskit
from chaoskit import faults
from chaoskit.faults import Fault

HOMES: dict[str, str] = vars(chaoskit)["_HOMES"]


def imported(path: str, *, when_type_checking: bool) -> Iterator[tuple[str, str]]:
    """Names that a module imports at its top, or under TYPE_CHECKING, with the modules they come from."""
    tree: ast.Module | ast.If = ast.parse(Path(path).read_text(encoding="utf-8"))
    if when_type_checking:
        (tree,) = (each for each in tree.body if isinstance(each, ast.If))
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
            yield from ((alias.name, str(statement.module)) for alias in statement.names)


def test_what_type_checkers_see_is_what_is_loaded() -> None:
    """Each name under TYPE_CHECKING comes from the module that it is loaded from, and none is forgotten."""
    seen = dict(imported(str(chaoskit.__file__), when_type_checking=True))
    assert seen.pop("faults") == "chaoskit"
    assert seen == {name: f"chaoskit.{home}" for name, home in HOMES.items()}


def test_all_lists_each_name_once_and_in_order() -> None:
    """``__all__`` is the names with a home, and the catalogue of faults."""
    assert chaoskit.__all__ == sorted([*HOMES, "faults"])


@pytest.mark.parametrize("name", chaoskit.__all__)
def test_each_public_name_loads(name: str) -> None:
    """It is the object of that name in its home."""
    home = importlib.import_module(f"chaoskit.{HOMES.get(name, name)}")
    assert getattr(chaoskit, name) is (home if name == "faults" else getattr(home, name))


def test_dir_shows_the_public_names() -> None:
    """An interpreter's completion finds them before they are loaded."""
    assert set(chaoskit.__all__) <= set(dir(chaoskit))
    assert "__version__" in dir(chaoskit)


def test_a_star_import_brings_the_public_names_alone() -> None:
    """Nothing else enters the namespace."""
    names: dict[str, object] = {}
    exec("from chaoskit import *", names)
    assert set(names) - {"__builtins__"} == set(chaoskit.__all__)


def test_another_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'chaoskit' has no attribute 'nothing'"):
        chaoskit.nothing  # noqa: B018


def test_the_catalogue_of_faults_lists_what_it_imports() -> None:
    """``chaoskit.faults.__all__`` is the names that the folder brings together, in order."""
    brought = [name for name, _ in imported(str(faults.__file__), when_type_checking=False)]
    assert faults.__all__ == sorted(brought)


def test_every_fault_is_in_the_catalogue() -> None:
    """A class of this package that is a fault, and not the base of others, is a public name."""

    def leaves(kind: type) -> Iterator[type]:
        below: list[type] = type.__subclasses__(kind)
        ours = [each for each in below if each.__module__.startswith("chaoskit.")]
        for each in ours:
            yield from leaves(each)
        if not ours:
            yield kind

    assert {each.__name__ for each in leaves(Fault)} <= set(faults.__all__)
