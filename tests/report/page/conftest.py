"""Journals that several tests look at; each is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.page import journals


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Journals of an experiment that held, one that broke, and one that cannot be told."""
    return journals.three(tmp_path_factory.mktemp("three"))
