"""The house: imports point down only, and files stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "chaoskit"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("cli", "plugin", "mutants"),
    ("chaos", "gameday", "starter", "trend"),
    ("factories", "report"),
    ("experiment",),
    ("containers", "faults"),
    ("clients", "judge", "load", "toxiproxy"),
    ("interpose", "record", "runtime"),
    ("system", "exitcodes"),
    ("errors", "clock", "flood"),
)
"""From the top down. Parts in one row do not import each other. The package itself only names others."""

CONTAINERS: tuple[tuple[str, ...], ...] = (
    ("leftovers",),
    ("started", "attached"),
    ("compose", "cleanup"),
    ("engine",),
)
"""The rows inside of ``containers/``."""


def ranks(layers: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    """Each part's row, from the top."""
    return {name: row for row, names in enumerate(layers) for name in names}


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package, by its dotted name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        names = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(names[:-1] if names[-1] == "__init__" else names), path


@cache
def imports(path: Path) -> tuple[tuple[str, int], ...]:
    """Every module of chaoskit that a module imports, wherever in it and also for its types alone."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            parent = node.module
            for alias in node.names:
                module = f"{parent}.{alias.name}"
                yield (module if module in MODULES else parent), node.lineno


MODULES = dict(modules())


def wrong_ways(module: str, layers: tuple[tuple[str, ...], ...], depth: int) -> list[str]:
    """The imports of a module that point up or sideways; ``depth`` is where the part's name stands."""
    rank = ranks(layers)
    names = module.split(".")
    if len(names) <= depth:
        return []
    part = names[depth]
    assert part in rank, f"{module} has no place in the layers; give it one in {Path(__file__).name}"
    wrong = []
    for imported, line in imports(MODULES[module]):
        other = imported.split(".")
        if other[:depth] != names[:depth] or len(other) <= depth or other[depth] == part:
            continue
        if rank[other[depth]] <= rank[part]:
            wrong.append(f"{MODULES[module].name}:{line} imports {imported}")
    return wrong


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down_only(module: str) -> None:
    """No module imports from its own row or from one above, outside of its own part."""
    wrong = wrong_ways(module, LAYERS, 1)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("chaoskit.containers")])
def test_the_rows_hold_inside_of_containers(module: str) -> None:
    """The engine knows no system; started and attached systems do not know each other."""
    wrong = wrong_ways(module, CONTAINERS, 2)
    assert not wrong, "\n".join(wrong)


def test_there_is_no_circle_of_modules() -> None:
    """No module needs itself, by whatever way; imports for types alone count."""
    needs = {
        name: {other for other, _ in imports(path) if other in MODULES} for name, path in MODULES.items()
    }
    order = TopologicalSorter(needs)
    try:
        order.prepare()
    except CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None


def test_only_the_top_names_a_concrete_runtime() -> None:
    """Experiments, faults and judges would run on any runtime."""
    concrete = ("chaoskit.containers.started.runtime", "chaoskit.containers.attached.runtime")
    named = {
        module
        for module, path in MODULES.items()
        for imported, _ in imports(path)
        if imported in concrete and not module.startswith("chaoskit.containers")
    }
    assert named <= {"chaoskit.factories", "chaoskit.cli.up"}


def test_files_stay_small() -> None:
    """A file that grows beyond 350 lines holds more than one idea."""
    long = {
        module: lines
        for module, path in MODULES.items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert not long
