"""The system that a user names as ``module:attribute``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from chaoskit.errors import UsageError
from chaoskit.system.declaration import System

_HOW_TO_DECLARE = "declare one with System.from_compose(path, journeys=[…])"


def load_system(reference: str, root: Path) -> System:
    """Import a declaration.

    Args:
        reference: ``package.module:attribute``.
        root: the folder from which imports start; it is put first on ``sys.path``.

    Raises:
        UsageError: the reference leads to no system; with the line of the user's code that failed.
    """
    module_name, colon, attribute = reference.partition(":")
    if not (colon and module_name and attribute):
        raise UsageError(
            "the name of the system does not have the form module:attribute",
            where=repr(reference),
            remedy="name it as in chaos_system = myapp.resilience:system",
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"the module {module_name!r} cannot be imported",
            where=_where(error) or f"imported from {root}",
            evidence=f"{type(error).__name__}: {error}",
            remedy="check the name, and that this folder is the root of the project",
        ) from error
    try:
        system = getattr(module, attribute)
    except AttributeError as error:
        there = [name for name, value in vars(module).items() if isinstance(value, System)]
        raise UsageError(
            f"the module {module_name!r} has no {attribute!r}",
            where=str(module.__file__),
            evidence=f"systems in it: {', '.join(there) or 'none'}",
            remedy="name one of these systems" if there else _HOW_TO_DECLARE,
        ) from error
    if not isinstance(system, System):
        raise UsageError(
            f"{reference} is not a System: its type is {type(system).__name__}",
            where=str(module.__file__),
            remedy=_HOW_TO_DECLARE,
        )
    return system


def _where(error: BaseException) -> str | None:
    """The last line of the user's own code in a failed import."""
    traceback = error.__traceback__
    found = None
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if not name.startswith("<") and name != __file__ and "importlib" not in name:
            found = f"{name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return found
