"""What every test has: nothing that a test imports is there in the next one."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How busy the machine is decides no test.
settings.register_profile("chaoskit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chaoskit")


@pytest.fixture(autouse=True)
def users_modules() -> Iterator[None]:
    """Many tests write a module ``shop`` into a folder of their own, and have chaoskit import it: the
    next one must not meet it again. Which test comes next, in which process, nobody knows.
    """
    path, known = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in sys.modules.keys() - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file and file.startswith(tempfile.gettempdir()):
            del sys.modules[name]
