"""The load process imports the journeys' code, where ``source.py`` says that it is."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any, Literal

from chaoskit.load.source import Place, walk
from chaoskit.system import Journey, System


def fetch(place: Place, part: Literal["run", "verify"]) -> Callable[..., Awaitable[None]]:
    """Import the function at a place.

    Raises:
        LookupError: nothing is there that could be run.
        Exception: whatever the import of the module raises.
    """
    found: Any = walk(_module(place), place.attribute)
    if isinstance(found, System):
        found = next((each for each in found.journeys if each.name == place.journey), None)
    if isinstance(found, Journey):
        found = getattr(found, part)
    if not callable(found):
        raise LookupError(f"{place.module}:{place.attribute} is not there once the module is imported anew")
    return found  # type: ignore[no-any-return]


def _module(place: Place) -> ModuleType:
    if place.file is None:
        return importlib.import_module(place.module)
    # A script keeps its `if __name__ == "__main__":` part to itself.
    name = "__chaoskit_main__" if place.module == "__main__" else place.module
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, place.file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place.file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
