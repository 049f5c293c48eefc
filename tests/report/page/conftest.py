"""Journals that several tests share; each is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.report.page import journals


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The journals of an experiment that held, one that broke, and one that is UNKNOWN."""
    return journals.three(tmp_path_factory.mktemp("three"))
