"""A test whose image is missing: skipped by a developer, failed in CI."""

from __future__ import annotations

from typing import Any

import pytest
from docker.errors import ImageNotFound

from tests.images import needed


class Engine:
    """An engine that has some images."""

    def __init__(self, *there: str) -> None:
        self._there = there

    @property
    def images(self) -> Engine:
        return self

    def get(self, image: str) -> str:
        if image not in self._there:
            raise ImageNotFound(image)
        return image


def test_a_missing_image_skips_a_test_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI, a check that did not run must not look like one that passed."""
    engine: Any = Engine("postgres:1")
    assert needed(engine, "postgres:1") == "postgres:1"
    monkeypatch.delenv("CHAOSKIT_IMAGE_TESTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="redis:1 is not on this engine"):
        needed(engine, "redis:1")
    monkeypatch.setenv("CHAOSKIT_IMAGE_TESTS", "must")
    with pytest.raises(pytest.fail.Exception, match="make setup builds it"):
        needed(engine, "redis:1")
