"""Which night a test session belongs to, and which revision it tries."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

_COMMITS = ("CHAOS_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILD_SOURCEVERSION")
"""Of chaoskit, GitHub Actions, GitLab CI, Jenkins and Azure Pipelines."""

_RUNS = (("CHAOS_RUN",), ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"), ("CI_PIPELINE_ID",), ("BUILD_TAG",))
"""What several jobs of one night share, so that its shards are one night in the history."""


def session_id(environ: Mapping[str, str]) -> str:
    """The name of this night: what continuous integration calls it, else made up."""
    for names in _RUNS:
        if environ.get(names[0]):
            return ".".join(environ[name] for name in names if environ.get(name))
    return uuid.uuid4().hex[:12]


def commit_of(root: Path, environ: Mapping[str, str]) -> str | None:
    """The revision: from the environment, else what git says of ``root``; ``None`` if neither knows."""
    for name in _COMMITS:
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
