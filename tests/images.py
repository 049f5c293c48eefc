"""Images that a test needs and that only ``make setup`` builds."""

from __future__ import annotations

import os

import docker
import pytest
from docker.errors import ImageNotFound


def needed(client: docker.DockerClient, image: str) -> str:
    """The image's name, if it is on the engine. Without it a test is skipped, but in CI
    (``CHAOSKIT_IMAGE_TESTS=must``) it fails: there, a check that did not run must not look like one
    that passed.
    """
    try:
        client.images.get(image)
    except ImageNotFound:
        missing = pytest.fail if os.environ.get("CHAOSKIT_IMAGE_TESTS") == "must" else pytest.skip
        missing(f"{image} is not on this engine; make setup builds it")
    return image
