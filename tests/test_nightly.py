"""The workflow and the recipe say nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaoskit import cli
from chaoskit.exitcodes import HARNESS_ERROR, UNKNOWN

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "resilience.yml"
RECIPE = ROOT / "docs" / "nightly.md"


def workflow() -> dict[str, Any]:
    """The workflow as data; its ``on`` is YAML's word for true."""
    found: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in found.items()}


def steps() -> list[dict[str, Any]]:
    """All steps of all jobs."""
    return [step for job in workflow()["jobs"].values() for step in job["steps"]]


def test_the_workflow_runs_every_night_and_by_hand() -> None:
    """It has a schedule and a button, may write nothing, and two nights never overlap."""
    told = workflow()
    assert re.fullmatch(r"\d+ \d+ \* \* \*", told["on"]["schedule"][0]["cron"])
    assert "workflow_dispatch" in told["on"]
    assert told["permissions"] == {"contents": "read"}
    assert told["concurrency"]["cancel-in-progress"] is False


def test_actions_are_pinned() -> None:
    """Each action is named by a commit, with its version beside it for people."""
    used = re.findall(r"uses: (\S+)(.*)", WORKFLOW.read_text(encoding="utf-8"))
    assert used
    for action, comment in used:
        assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_a_night_that_failed_is_kept() -> None:
    """History and report are saved whatever the experiments came to, and leftovers are removed."""
    kept = [step for step in steps() if "always()" in str(step.get("if"))]
    assert [step.get("uses", step.get("run", "")).split("@")[0] for step in kept] == [
        "actions/cache/save",
        "actions/upload-artifact",
        ".venv/bin/chaoskit clean",
    ]


@pytest.mark.parametrize("path", [WORKFLOW, RECIPE], ids=lambda path: path.name)
def test_commands_exist(path: Path, pytestconfig: pytest.Config) -> None:
    """Every make target, chaoskit command and chaos option that is named is there."""
    text = path.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)$", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    named = re.findall(r"(?:^|[`/ ])chaoskit (trend|clean|[a-z]+ \")", text, re.MULTILINE)
    assert {"trend", "clean"} <= set(named)
    assert set(named) <= set(cli.COMMANDS)
    options = set(re.findall(r"--chaos-[a-z-]+", text))
    assert options
    for option in options:
        pytestconfig.getoption(option)
    assert (ROOT / "experiments").is_dir()


def test_the_exit_codes_of_the_page_are_those_of_the_code() -> None:
    """The table names 10 and 11 with what they mean."""
    table = dict(re.findall(r"^\| (\d+) \| (.*?) \|", RECIPE.read_text(encoding="utf-8"), re.MULTILINE))
    assert "UNKNOWN" in table[str(UNKNOWN)]
    assert "the environment, the harness or the declaration" in table[str(HARNESS_ERROR)]
