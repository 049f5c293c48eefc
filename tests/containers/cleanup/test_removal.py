"""Removing a run, against an engine made of dictionaries."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.clock import ManualClock
from chaoskit.containers.cleanup.removal import Removed, remove_run
from chaoskit.errors import RuntimeFailure
from chaoskit.interpose import RUN_LABEL
from tests.containers.engine_of_dictionaries import Engine, as_client


def remove(engine: Engine, run_id: str = "run", deadline: float = 60.0) -> Removed:
    """Remove a run on a manual clock."""
    return remove_run(as_client(engine), run_id, deadline=deadline, clock=ManualClock())


def test_all_that_has_the_label_goes_and_nothing_else() -> None:
    """Objects of this run are removed; those of another run or without a label stay."""
    engine = Engine()
    for kind in engine.things:
        for name, owner in (("ours", "run"), ("other", "run2"), ("unlabelled", None)):
            engine.put(kind, f"{name}-{kind}", owner)
    engine.things["networks"].pop("unlabelled-networks")  # another test keeps the engine's own networks
    engine.things["containers"] = {
        k: v for k, v in engine.things["containers"].items() if k.startswith("ours")
    }
    assert remove(engine) == Removed(("ours-containers",), ("ours-networks",), ("ours-volumes",))
    assert engine.left == {"other-networks", "other-volumes", "unlabelled-volumes"}


def test_what_fails_is_tried_again() -> None:
    """An object that is still in use at first is removed later."""
    engine = Engine(stubborn={"c": 2, "v": 3})
    for kind, name in (("containers", "c"), ("networks", "n"), ("volumes", "v")):
        engine.put(kind, name, "run")
    remove(engine)
    assert engine.left == set()


def test_what_appears_while_it_is_at_work_goes_too() -> None:
    """A container that a dead client had requested appears after an empty look, and is removed."""
    engine = Engine(late={2: ("containers", "late", "run")})
    assert remove(engine).containers == ("late",)
    assert engine.looks == 4, "one empty, one with the late one, and two empty ones in a row"


def test_an_engine_that_does_not_answer_is_waited_for() -> None:
    """Failed looks do not count as looks that found nothing."""
    engine = Engine(broken=3)
    engine.put("containers", "c", "run")
    remove(engine)
    assert engine.left == set()


@pytest.mark.parametrize(
    ("prepare", "where", "evidence"),
    [
        (lambda engine: engine.stubborn.update(c=10**6), "c", "c is in use"),
        (lambda engine: setattr(engine, "broken", 10**6), "the container engine", "no engine"),
    ],
)
def test_what_cannot_be_removed_is_named(
    prepare: Callable[[Engine], None], where: str, evidence: str
) -> None:
    """After the deadline the error has the remaining objects, the limit and the engine's answer."""
    engine = Engine()
    engine.put("containers", "c", "run")
    prepare(engine)
    with pytest.raises(RuntimeFailure) as caught:
        remove(engine, deadline=5.0)
    assert (caught.value.where, caught.value.limit, caught.value.evidence) == (where, "5 s", evidence)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["containers", "networks", "volumes"]),
            st.integers(0, 30),
            st.sampled_from(["run", "run2", None]),
        )
    ),
    st.dictionaries(st.integers(0, 30), st.integers(0, 4)),
    st.integers(0, 3),
)
def test_removal_is_complete_and_touches_nothing_else(
    things: list[tuple[str, int, str | None]], stubborn: dict[int, int], broken: int
) -> None:
    """Whatever exists and however often a removal fails, in the end exactly this run is gone."""
    engine = Engine(stubborn={str(name): times for name, times in stubborn.items()}, broken=broken)
    for kind, name, owner in things:
        if (
            kind != "containers" or owner == "run"
        ):  # containers of others would keep the networks in use for ever
            engine.put(kind, str(name), owner)
    others = {
        (kind, name)
        for kind, names in engine.things.items()
        for name, labels in names.items()
        if labels.get(RUN_LABEL) != "run"
    }
    remove(engine)
    assert {(kind, name) for kind, names in engine.things.items() for name in names} == others
