"""The night to which a test session belongs, and the revision that it tries."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

_COMMIT_VARIABLES = ("CHAOS_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILD_SOURCEVERSION")
"""The variables with the revision: of chaoskit, GitHub Actions, GitLab CI, Jenkins, Azure Pipelines."""

_RUN_VARIABLES = (
    ("CHAOS_RUN",),
    ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"),
    ("CI_PIPELINE_ID",),
    ("BUILD_TAG",),
)
"""Variables that all jobs of one night share, so that its shards are one night in the history."""


def session_id(environ: Mapping[str, str]) -> str:
    """The name of this night: the one that continuous integration gives it, else a random one."""
    for names in _RUN_VARIABLES:
        if environ.get(names[0]):
            return ".".join(environ[name] for name in names if environ.get(name))
    return uuid.uuid4().hex[:12]


def commit_of(root: Path, environ: Mapping[str, str]) -> str | None:
    """The revision: from the environment, else from git in ``root``; ``None`` if neither knows it."""
    for name in _COMMIT_VARIABLES:
        if environ.get(name):
            return environ[name]
    try:
        said = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5.0,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return said.stdout.strip() or None
