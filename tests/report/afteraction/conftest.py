"""Game days that several tests look at; each is made once, and copied where it is changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.report.afteraction import days


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole day."""
    return days.make(tmp_path_factory.mktemp("made") / days.FOLDER)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / days.FOLDER))
