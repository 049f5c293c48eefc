"""A module that only the tests' process can import."""

from __future__ import annotations

import os

from chaoskit.load.user import User
from chaoskit.system import journey

if os.environ.get("CHAOSKIT_LOAD_PROCESS"):
    import no_module_of_that_name  # type: ignore[import-not-found]  # noqa: F401


@journey(rate=10)
async def lost(user: User) -> None:
    """Never runs."""
