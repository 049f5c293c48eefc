"""Isolation of every test: no module that a test imports is there in the next test."""

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
    """Forget the modules that a test imported from a temporary folder.

    Many tests write a module ``shop`` into a folder of their own and have chaoskit import it. The next
    test, in whatever order and process, must not get that module.
    """
    path, known = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in sys.modules.keys() - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file and file.startswith(tempfile.gettempdir()):
            del sys.modules[name]
