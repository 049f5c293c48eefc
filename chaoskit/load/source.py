"""Where the load process finds the code of a journey, and how it imports it there.

Names travel between processes, functions do not. The harness works out the module and the attribute
to import for each journey. Some modules have no name that another process could import: test modules
that pytest loads by their path, and a script, which is ``__main__``. For these it is the file.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from chaoskit.errors import UsageError
from chaoskit.system import Journey, System
from chaoskit.system.arrivals import STEADY, Course, Pattern


def fetch(place: FunctionPlace, part: Literal["run", "verify"]) -> Callable[..., Awaitable[None]]:
    """Import the function at a place.

    Raises:
        LookupError: there is nothing that could be run.
        Exception: the import of the module raises it.
    """
    found: Any = walk(_module(place), place.attribute)
    if isinstance(found, System):
        found = next((each for each in found.journeys if each.name == place.journey), None)
    if isinstance(found, Journey):
        found = getattr(found, part)
    if not callable(found):
        raise LookupError(f"{place.module}:{place.attribute} does not exist when the module is imported anew")
    return found  # type: ignore[no-any-return]


def _module(place: FunctionPlace) -> ModuleType:
    if place.file is None:
        return importlib.import_module(place.module)
    # Under another name, the `if __name__ == "__main__":` part of a script does not run.
    name = "__chaoskit_main__" if place.module == "__main__" else place.module
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, place.file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place.file} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@dataclass(frozen=True, slots=True)
class FunctionPlace:
    """Where the function of a journey is.

    Attributes:
        module: the module's name.
        attribute: the dotted path in the module to a function, a journey or a system.
        file: the module's file, if the module cannot be imported by name.
        journey: the journey's name, if the attribute is a system.
    """

    module: str
    attribute: str
    file: str | None = None
    journey: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlan:
    """Everything that the load process must know about a journey.

    Attributes:
        name, rate, timeout: as declared.
        run: where its function is.
        verify: where the function is that checks its acknowledgements.
        pattern, course: as declared.
    """

    name: str
    rate: float
    timeout: float
    run: FunctionPlace
    verify: FunctionPlace | None = None
    pattern: Pattern = "constant"
    course: Course = STEADY


@dataclass(frozen=True, slots=True)
class LoadSource:
    """The journeys to drive, and the import path to find them on."""

    plans: tuple[JourneyPlan, ...]
    paths: tuple[str, ...]

    @classmethod
    def of(cls, journeys: Iterable[Journey], *, reference: str | None = None) -> LoadSource:
        """Find the code of journeys of this process.

        Args:
            journeys: what to drive.
            reference: ``module:attribute`` of the system that holds these journeys, if it is known.
                Then their functions may be anything, even closures.

        Raises:
            UsageError: another process could not find the code of a journey.
        """
        return cls(
            tuple(plan_of(each, reference=reference) for each in journeys),
            tuple(str(Path(path).resolve()) for path in sys.path),
        )


def plan_of(
    journey: Journey,
    *,
    reference: str | None = None,
    modules: Mapping[str, ModuleType] | None = None,
    finders: Sequence[Any] | None = None,
) -> JourneyPlan:
    """The plan of one journey; see :meth:`LoadSource.of`.

    Args:
        journey: the journey.
        reference: ``module:attribute`` of its system.
        modules: the loaded modules; ``sys.modules`` by default.
        finders: the finders that the other process imports with; by default those of this process.
    """
    loaded = sys.modules if modules is None else modules
    seekers = sys.meta_path if finders is None else finders
    if reference is not None:
        place = _place_by_reference(reference, journey, loaded, seekers)
        run, verify = place, place if journey.verify else None
    else:
        run = _place_of_function(journey.run, journey, loaded, seekers)
        verify = _place_of_function(journey.verify, journey, loaded, seekers) if journey.verify else None
    terms = journey.terms
    return JourneyPlan(
        name=terms.name,
        rate=terms.rate,
        timeout=terms.timeout,
        run=run,
        verify=verify,
        pattern=terms.pattern,
        course=terms.course,
    )


def _place_by_reference(
    reference: str, journey: Journey, modules: Mapping[str, ModuleType], finders: Sequence[Any]
) -> FunctionPlace:
    name, _, attribute = reference.partition(":")
    module = modules.get(name)
    found = walk(module, attribute) if module and attribute else None
    if not isinstance(found, System) or journey.name not in {each.name for each in found.journeys}:
        raise UsageError(
            f"the load process cannot find journey {journey.name!r} in {reference!r}",
            evidence=f"it is of type {type(found).__name__}" if not isinstance(found, System) else None,
            remedy="name the System that holds the journey as module:attribute",
        )
    assert module is not None
    return FunctionPlace(*_import_by(module, journey, finders, attribute), journey=journey.name)


def _place_of_function(
    function: Callable[..., Any], journey: Journey, modules: Mapping[str, ModuleType], finders: Sequence[Any]
) -> FunctionPlace:
    module = modules.get(getattr(function, "__module__", None) or "")
    qualname = getattr(function, "__qualname__", type(function).__name__)
    attribute = _attribute_of(function, qualname, module) if module else None
    if module is None or attribute is None:
        code = getattr(function, "__code__", None)
        raise UsageError(
            f"the code of journey {journey.name!r} ({qualname}) is not at module level, "
            "so the load process cannot import it",
            where=f"{code.co_filename}:{code.co_firstlineno}" if code else None,
            remedy="move it to module level, or name its system once as module:attribute (ini chaos_system)",
        )
    return FunctionPlace(*_import_by(module, journey, finders, attribute))


def _attribute_of(function: Callable[..., Any], qualname: str, module: ModuleType) -> str | None:
    """The path in the module that leads to the function, or to the journey that holds it."""

    def holds(value: object) -> bool:
        if isinstance(value, Journey):
            return value.run is function or value.verify is function
        return value is function

    if holds(walk(module, qualname)):
        return qualname
    return next((name for name, value in vars(module).items() if holds(value)), None)


def walk(module: object, attribute: str) -> object:
    """The object at a dotted path, or ``None``."""
    found = module
    for name in attribute.split("."):
        found = getattr(found, name, None)
    return found


def _import_by(
    module: ModuleType, journey: Journey, finders: Sequence[Any], attribute: str
) -> tuple[str, str, str | None]:
    """The module's name, the attribute and, if the name alone would not lead to the module, its file."""
    name, file = module.__name__, getattr(module, "__file__", None)
    if name == "__main__" and module.__spec__ is not None:
        name = module.__spec__.name  # python -m package.module
    spec = None if name == "__main__" else _find(name, finders)
    origin = spec.origin if spec else None
    if spec and (file is None or (origin and Path(origin).resolve() == Path(file).resolve())):
        return name, attribute, None
    if file is None or not Path(file).is_file():
        raise UsageError(
            f"journey {journey.name!r} is in {name!r}, which has no file, "
            "so the load process cannot import it",
            remedy="move the journey into a module",
        )
    return name, attribute, str(Path(file).resolve())


def _find(name: str, finders: Sequence[Any]) -> ModuleSpec | None:
    """The spec that an import of a dotted name would load; nothing is imported."""
    path: Any = None
    spec: ModuleSpec | None = None
    head = ""
    for part in name.split("."):
        head = f"{head}.{part}" if head else part
        found = (finder.find_spec(head, path) for finder in finders if not _belongs_to_pytest(finder))
        spec = next((each for each in found if each is not None), None)
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and head != name:
            return None
    return spec


def _belongs_to_pytest(finder: object) -> bool:
    # The import hook of pytest, which rewrites assertions, exists in this process only.
    kind = finder if isinstance(finder, type) else type(finder)
    return kind.__module__.startswith("_pytest") or not hasattr(finder, "find_spec")
