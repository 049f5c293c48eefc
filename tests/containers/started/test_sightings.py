"""The ports on which earlier runs saw their components listen."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaoskit.containers.started.sightings import Sightings


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_the_same_application_is_remembered_and_another_is_not() -> None:
    """Any change of the configuration makes it another application."""
    Sightings({"services": {"web": {}}}).save({"web": frozenset({8080, 80}), "worker": frozenset()})
    assert Sightings({"services": {"web": {}}}).load() == {"web": (80, 8080), "worker": ()}
    assert Sightings({"services": {"web": {"image": "x"}}}).load() == {}


@pytest.mark.parametrize("text", ["", "[]", '{"web": 1}', '{"web": ["x"]}'])
def test_what_cannot_be_read_is_forgotten(text: str) -> None:
    """A damaged file costs nothing but the time it would have saved, and the next run writes it anew."""
    sightings = Sightings({})
    sightings.save({"web": frozenset({80})})
    assert sightings.load() == {"web": (80,)}
    sightings.path.write_text(text)
    assert sightings.load() == {}
    sightings.save({"web": frozenset({81})})
    assert sightings.load() == {"web": (81,)}


def test_what_cannot_be_written_is_no_failure(state: Path) -> None:
    """A state folder that cannot be written does not make a run fail."""
    (state / "chaoskit").write_text("")
    sightings = Sightings({})
    assert (state / "chaoskit") in sightings.path.parents  # else nothing was in its way
    sightings.save({"web": frozenset({80})})
    assert sightings.load() == {}
    assert (state / "chaoskit").read_text() == ""
