"""The tutorial, from its first line to its last."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import docker
import pytest

from tests.documents import blocks, like, run, write
from tests.integration.world import base_image

pytestmark = pytest.mark.docker

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


def test_the_tutorial_goes_as_it_says(client: docker.DockerClient, tmp_path: Path) -> None:
    """Its files, written as shown, and its commands, run as shown, come to what it shows: a promise is
    broken, and holds once the shop is mended.
    """
    project = tmp_path / "shop"
    project.mkdir()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
        "BASE_IMAGE": base_image(client),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INDEX": "1",  # it is there: nothing is asked of any network
        "PIP_ROOT_USER_ACTION": "ignore",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    for block in blocks(DOCUMENT.read_text(encoding="utf-8")):
        if block.language != "console":
            write(block, project)
            continue
        for command, expected in block.commands:
            printed = run(command, project, environment)
            assert like(expected, printed), (
                f"{DOCUMENT.name}:{block.line}: $ {command}\n--- shown\n{expected}\n--- printed\n{printed}"
            )
