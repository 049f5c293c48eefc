"""The line that names the system, in the ini file."""

from __future__ import annotations

import pytest

from chaoskit.errors import UsageError
from chaoskit.starter import ini
from chaoskit.starter.ini import with_system

REFERENCE = "resilience:system"


def test_without_any_file_there_is_a_new_one() -> None:
    """A project without settings for pytest gets a pytest.ini with this one."""
    assert with_system({}, REFERENCE) == ("pytest.ini", "[pytest]\nchaos_system = resilience:system\n")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("pytest.ini", "[pytest]\n# ours\naddopts = -ra\n", "[pytest]\n@\n# ours\naddopts = -ra\n"),
        ("pytest.ini", "[other]\nx = 1\n", "[other]\nx = 1\n\n[pytest]\n@\n"),
        ("tox.ini", "[tox]\nenvlist = py\n[pytest]\nx = %d\n", "[tox]\nenvlist = py\n[pytest]\n@\nx = %d\n"),
        ("setup.cfg", "[tool:pytest]\r\nx = 1\r\n", "[tool:pytest]\r\n@\r\nx = 1\r\n"),
        (
            "pyproject.toml",
            'x = 1 # [tool.pytest.ini_options]\n\n[ tool.pytest.ini_options ] # y\na = [\n"b"]\n',
            'x = 1 # [tool.pytest.ini_options]\n\n[ tool.pytest.ini_options ] # y\n@\na = [\n"b"]\n',
        ),
        (
            "pyproject.toml",
            "[project]\nname = 'x'",
            "[project]\nname = 'x'\n\n[tool.pytest.ini_options]\n@\n",
        ),
        ("pyproject.toml", "[tool.pytest]\nminversion = '9'\n", "[tool.pytest]\n@\nminversion = '9'\n"),
        ("pytest.toml", "", "[pytest]\n@\n"),
        ("pytest.ini", "[pytest]\nchaos_system = resilience:system\n", "[pytest]\n@\n"),
    ],
)
def test_a_file_gets_one_line_and_keeps_all_the_rest(name: str, before: str, after: str) -> None:
    """Comments, order and line ends stay, and a file that has the line already stays as it is."""
    line = f'chaos_system = "{REFERENCE}"' if name.endswith(".toml") else f"chaos_system = {REFERENCE}"
    assert with_system({name: before}, REFERENCE) == (name, after.replace("@", line))


def test_the_file_is_the_one_that_pytest_reads() -> None:
    """pytest.ini wins even if it is empty; a file without a section for pytest is not read by pytest."""
    assert with_system({"pytest.ini": "", "tox.ini": "[pytest]\n"}, REFERENCE)[0] == "pytest.ini"
    assert with_system({"tox.ini": "[tox]\n", "setup.cfg": "[tool:pytest]\n"}, REFERENCE)[0] == "setup.cfg"
    assert with_system({"tox.ini": "[pytest]\n", "pyproject.toml": "x = 1\n"}, REFERENCE)[0] == "tox.ini"
    assert with_system({"tox.ini": "[tox]\n"}, REFERENCE)[0] == "pytest.ini"


def test_another_system_is_not_replaced_unless_forced() -> None:
    """If another system is named, the error shows the line; --force replaces it."""
    there = {"pytest.ini": "[pytest]\nchaos_system: shop:market\nx = 1\n"}
    with pytest.raises(UsageError, match="shop:market"):
        with_system(there, REFERENCE)
    assert with_system(there, REFERENCE, force=True)[1] == f"[pytest]\nchaos_system = {REFERENCE}\nx = 1\n"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("pyproject.toml", "tool = {pytest = {ini_options = {}}}\n", "more than one line"),
        ("pyproject.toml", "[tool\n", "cannot be read"),
        ("pytest.ini", "x = 1\n", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_left_alone(name: str, text: str, says: str) -> None:
    """A file of an unusual form is never rewritten; the error says which line to add."""
    with pytest.raises(UsageError, match=says):
        with_system({name: text}, REFERENCE)


def test_an_edit_that_loses_something_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The edited text is parsed and compared with the old one, whatever the edit did."""
    monkeypatch.setattr(ini, "_edited", lambda *_, **__: f"[pytest]\nchaos_system = {REFERENCE}\n")
    with pytest.raises(UsageError, match="more than one line"):
        with_system({"pytest.ini": "[pytest]\naddopts = -ra\n"}, REFERENCE)
