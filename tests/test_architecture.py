"""The house: imports point down only, and files stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "chaoskit"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("plugin", "cli"),
    ("gameday", "starter"),
    ("attach",),
    ("setup", "doctor", "gathering"),
    ("mutants", "trend", "catalogue"),
    ("chaos",),
    ("experiment", "report", "parcels"),
    ("result", "recording", "injector"),
    ("environment", "logs"),
    ("faults", "load", "judge", "runtime.docker", "runtime.memory"),
    ("engines", "journal", "undo", "interpose", "toxiproxy"),
    ("runtime", "compose"),
    ("mistakes",),
    ("entries", "patterns"),
    ("history", "system", "flood", "exitcodes"),
    ("terms",),
    ("samples", "arrivals", "jsontext"),
    ("clock", "errors", "timing", "endpoint", "provenance", "masking"),
)
"""From the top down. Siblings in one row do not import each other. ``runtime`` is the protocol;
``runtime.docker`` stands for everything beside ``memory`` and ``words`` in that folder. ``reference`` and the
package itself only name others."""

RANK = {name: row for row, names in enumerate(LAYERS) for name in names}


def part_of(module: str) -> str:
    """The part of the house that a module belongs to."""
    names = module.split(".")[1:]
    if not names:
        return ""
    if names[0] == "runtime" and len(names) > 1:
        return {"memory": "runtime.memory", "words": "runtime"}.get(names[1], "runtime.docker")
    return names[0]


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package, by its dotted name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        names = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(names[:-1] if names[-1] == "__init__" else names), path


@cache
def imports(path: Path) -> tuple[tuple[str, int], ...]:
    """What a module imports when it runs; what stands under TYPE_CHECKING is for readers only."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "chaoskit":
                yield from ((f"chaoskit.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


@pytest.mark.parametrize(
    ("module", "path"), list(modules()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_imports_point_down_only(module: str, path: Path) -> None:
    """No module imports from its own row or from one above, outside of its own part."""
    part = part_of(module)
    if part in ("", "reference"):
        return
    assert part in RANK, f"{module} has no place in the layers; give it one in {Path(__file__).name}"
    wrong = []
    for imported, line in imports(path):
        other = part_of(imported) if imported.split(".")[0] == "chaoskit" else ""
        if other in ("", part, "reference"):
            continue
        if RANK[other] <= RANK[part]:
            wrong.append(f"{path.name}:{line} imports {imported}")
    assert not wrong, "\n".join(wrong)


def test_only_the_top_names_a_concrete_runtime() -> None:
    """Experiments, faults and judges would run on any runtime."""
    named = {
        module
        for module, path in modules()
        for imported, _ in imports(path)
        if imported in ("chaoskit.runtime.docker", "chaoskit.runtime.attached.runtime")
        and part_of(module) != "runtime.docker"
    }
    assert named <= {"chaoskit.setup", "chaoskit.attach", "chaoskit.cli.up"}


def test_files_stay_small() -> None:
    """A file that grows beyond 350 lines holds more than one idea."""
    long = {
        module: lines
        for module, path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 350
    }
    assert not long
