"""Waiting in tests with threads or processes: for a condition, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], within: float = 30.0) -> None:
    """Wait for a condition; fail if it does not come true in time."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.001)
