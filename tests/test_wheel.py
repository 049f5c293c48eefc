"""What `make wheel` refuses to have published; the whole of it needs package indexes, so CI runs it."""

from __future__ import annotations

import email
import re
import sys
import zipfile
from pathlib import Path

import pytest

import chaoskit
from tests import wheel
from tests.wheel import Unfit, check_contents, check_doctor, check_tag

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n"
PACKAGE = ["chaoskit/__init__.py", "chaoskit/py.typed"]
WHEEL = [*PACKAGE, "chaoskit-1.dist-info/licenses/LICENSE", "chaoskit-1.dist-info/METADATA"]
SDIST = [*PACKAGE, "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"]


def test_a_tag_names_the_version_that_the_changelog_tells_of() -> None:
    """A tag of another version stops a release, and so does a version without a dated section."""
    check_tag("v1.2.3", "1.2.3", CHANGELOG)
    with pytest.raises(Unfit, match=r"the tag is v1\.2\.4, and .* has version 1\.2\.3"):
        check_tag("v1.2.4", "1.2.3", CHANGELOG)
    with pytest.raises(Unfit, match=r"no section '## \[1\.2\.4\] - YYYY-MM-DD'"):
        check_tag("v1.2.4", "1.2.4", CHANGELOG)
    with pytest.raises(Unfit, match="no section"):
        check_tag("v1x2.3", "1x2.3", CHANGELOG)


def test_the_changelog_is_one() -> None:
    """It has a section for what is unreleased, then dated ones; each groups entries by the known kinds."""
    text = (wheel.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *released = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert first == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", each) for each in released)
    kinds = {"Added", "Changed", "Deprecated", "Fixed", "Removed", "Security"}
    assert set(re.findall(r"^### (.*)", text, re.MULTILINE)) <= kinds


def test_a_distribution_holds_the_package_and_the_licence() -> None:
    """A file that is missing or too many is named, with the section that decides about it."""
    check_contents(WHEEL, SDIST, PACKAGE)
    with pytest.raises(Unfit, match=r"the wheel lacks \['chaoskit/py.typed'\] and has \[\] besides"):
        check_contents([name for name in WHEEL if name != "chaoskit/py.typed"], SDIST, PACKAGE)
    with pytest.raises(Unfit, match=r"lacks \[\] and has \['tests/x.py'\] besides"):
        check_contents([*WHEEL, "tests/x.py"], SDIST, PACKAGE)
    with pytest.raises(Unfit, match="the wheel has no LICENSE"):
        check_contents([name for name in WHEEL if "LICENSE" not in name], SDIST, PACKAGE)
    for name in ("CHANGELOG.md", "LICENSE", "README.md", "chaoskit/py.typed"):
        with pytest.raises(Unfit, match=rf"the sdist lacks \['{name}'\]"):
            check_contents(WHEEL, [each for each in SDIST if each != name], PACKAGE)


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (2, "ok Python: 3.11"),
        (1, "Traceback (most recent call last):\nPython"),
        (0, ""),
        (-11, "ok Python: 3.11"),
    ],
)
def test_a_doctor_that_breaks_down_is_seen(code: int, output: str) -> None:
    """It may find something missing (exit code 1), and must end in no other way."""
    check_doctor(0, "ok       Python: 3.11.7\n")
    check_doctor(1, "ok       Python: 3.11.7\nMISSING  Docker engine: does not answer\n")
    with pytest.raises(Unfit, match="doctor"):
        check_doctor(code, output)


def test_the_classifiers_begin_where_the_package_runs() -> None:
    """The oldest Python named is the oldest that pip allows, and none in between is left out."""
    minors = [int(version.partition(".")[2]) for version in wheel.supported()]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert wheel.PROJECT["requires-python"] == f">=3.{minors[0]}"


@pytest.mark.slow
def test_a_name_on_the_path_that_does_not_run_is_no_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version manager's empty name is passed over; the running interpreter counts."""
    broken = tmp_path / "python3.99"
    broken.write_text("#!/bin/sh\nexit 127\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert wheel.pythons_here(["3.99", own]) == {"3.99": None, own: sys.executable}


@pytest.mark.slow
def test_what_is_built_is_the_repository(tmp_path: Path) -> None:
    """The wheel holds each file of the package; its metadata tells version, licence, text and extras."""
    built, _ = wheel.build(tmp_path)
    with zipfile.ZipFile(built) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(archive.read(name))
    assert told["Version"] == chaoskit.__version__
    assert (told["License-Expression"], told.get_all("License-File")) == ("MIT", ["LICENSE"])
    assert told["Description-Content-Type"] == "text/markdown"
    assert "# chaoskit" in str(told.get_payload())
    needs = told.get_all("Requires-Dist") or []
    assert [each for each in needs if each.startswith("hypothesis") and "extra" not in each] == []
    assert "search" in (told.get_all("Provides-Extra") or [])
