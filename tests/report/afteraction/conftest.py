"""A game day that several tests share. It is made once; a test that changes it gets a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.report.afteraction import days


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a complete day."""
    return days.make(tmp_path_factory.mktemp("made") / days.FOLDER)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of the folder."""
    return Path(shutil.copytree(made, tmp_path / days.FOLDER))
