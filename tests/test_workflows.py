"""What the project's automation says is true: versions, targets, pins and permissions agree with the rest."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.wheel import supported

ROOT = Path(__file__).resolve().parents[1]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PAGES = [ROOT / f"{name}.md" for name in ("CHANGELOG", "CODE_OF_CONDUCT", "CONTRIBUTING", "SECURITY")]
FORMS = [path for path in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if path.name != "config.yml"]

PINNED = re.compile(r"([\w-]+/[\w/.-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)")


def named(path: Path) -> str:
    """The name of a test's file."""
    return path.name


def workflow(path: Path) -> dict[str, Any]:
    """A workflow as data; its ``on`` is YAML's word for true."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in found.items()}


def jobs(name: str) -> dict[str, dict[str, Any]]:
    """The jobs of a workflow."""
    found: dict[str, dict[str, Any]] = workflow(GITHUB / "workflows" / f"{name}.yml")["jobs"]
    return found


def make_targets() -> set[str]:
    """The targets of the Makefile."""
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def commands(job: dict[str, Any]) -> list[str]:
    """What the steps of a job run."""
    return [step["run"] for step in job.get("steps", ()) if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_a_workflow_may_read_and_no_more(path: Path) -> None:
    """Only the job that publishes has another permission; no job runs for hours; no credentials are left."""
    told = workflow(path)
    assert told["permissions"] == {"contents": "read"}
    for name, job in told["jobs"].items():
        expected = {"id-token": "write"} if (path.stem, name) == ("release", "publish") else None
        assert job.get("permissions") == expected
        assert "uses" in job or 0 < job["timeout-minutes"] <= 60
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_actions_are_pinned_to_one_commit_each() -> None:
    """Each action is named by a commit with its version beside it, and is the same everywhere."""
    pins: dict[str, set[tuple[str, str]]] = {}
    for path in WORKFLOWS:
        for used in re.findall(r"uses: (?!\./)(.*)", path.read_text(encoding="utf-8")):
            pin = PINNED.fullmatch(used)
            assert pin, f"{path.name}: {used}"
            repository = "/".join(pin[1].split("/")[:2])
            pins.setdefault(repository, set()).add((pin[2], pin[3]))
    assert pins
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}


def test_pull_requests_are_checked_on_each_supported_python() -> None:
    """The matrix is what the classifiers name, and its Python is the one that is used."""
    unit = jobs("ci")["unit"]
    assert unit["strategy"]["matrix"]["python"] == supported()
    assert unit["env"]["PYTHON"] == "python${{ matrix.python }}"
    assert set(workflow(GITHUB / "workflows" / "ci.yml")["on"]) >= {"pull_request", "push"}


@pytest.mark.parametrize(("name", "job"), [("ci", "wheel"), ("release", "distribution")])
def test_the_wheel_is_tried_on_each_supported_python(name: str, job: str) -> None:
    """The interpreters that are set up are those of the classifiers, and the wheel is tried with each."""
    made = jobs(name)[job]
    (setup,) = (step for step in made["steps"] if step.get("uses", "").startswith("actions/setup-python@"))
    assert setup["with"]["python-version"].split() == supported()
    (command,) = commands(made)
    assert command == f'make wheel PYTHONS="{" ".join(f"python{version}" for version in supported())}"'


def test_what_is_published_was_tried() -> None:
    """The files that a release uploads are those of the job that tried them, after all of CI has passed."""
    release = workflow(GITHUB / "workflows" / "release.yml")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    publish = release["jobs"]["publish"]
    assert sorted(publish["needs"]) == ["ci", "distribution"]
    assert release["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert publish["environment"]["name"] == "pypi"
    download, upload = publish["steps"]
    kept = release["jobs"]["distribution"]["steps"][-1]["with"]
    assert download["with"] == {"name": kept["name"], "path": kept["path"]}
    assert upload["uses"].startswith("pypa/gh-action-pypi-publish@")
    (tried,) = (
        step for step in release["jobs"]["distribution"]["steps"] if "make wheel" in step.get("run", "")
    )
    assert tried["env"]["TAG"] == "${{ github.ref_name }}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=named)
def test_what_a_workflow_runs_exists(path: Path) -> None:
    """Each make target is in the Makefile, and each marker among the declared ones."""
    markers = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for job in workflow(path)["jobs"].values():
        for command in commands(job):
            for targets in re.findall(r"\bmake ((?:[a-z][a-z-]*(?: |$))+)", command, re.MULTILINE):
                assert set(targets.split()) <= make_targets()
            for expression in re.findall(r'-m "([^"]+)"', command):
                for marker in set(expression.split()) - {"and", "not", "or"}:
                    assert f'"{marker}: ' in markers, marker


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_what_a_page_for_contributors_names_exists(path: Path) -> None:
    """Each file that is linked or given to pytest is here, and each make target."""
    text = path.read_text(encoding="utf-8")
    files = [*re.findall(r"\]\((?!https:)([^)#]+)", text), *re.findall(r"\btests/[\w/]+(?:\.py)?\b", text)]
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text)) <= make_targets()


@pytest.mark.parametrize("path", FORMS, ids=named)
def test_an_issue_form_is_complete(path: Path) -> None:
    """It says what it is for, and each field has a name of its own, a label, and whether it is needed."""
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) > 0
    for field in fields:
        assert field["type"] in {"textarea", "input", "dropdown", "checkboxes"}
        assert field["attributes"]["label"]
        assert isinstance(field["validations"]["required"], bool)


def test_a_commit_is_judged_by_the_tools_of_the_lock() -> None:
    """Each hook runs a program of the virtual environment, and `make lint` runs the same ones."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile[makefile.index("\nlint:") : makefile.index("\nwheel:")]
    in_lint = {_tool(line) for line in re.findall(r"@(\.venv/bin/.+)", recipe)}
    in_hooks = {_tool(hook["entry"]) for repository in config["repos"] for hook in repository["hooks"]}
    assert in_hooks == in_lint
    for tool in in_hooks:
        assert (Path(sys.executable).parent / tool.split()[0]).exists(), tool


def _tool(command: str) -> str:
    """A program of the virtual environment and its subcommand, without options."""
    program, *words = command.split()
    assert program.startswith(".venv/bin/")
    return " ".join([program.removeprefix(".venv/bin/"), *(word for word in words if word[:2] != "--")])
