"""Run books as people write them, with their mistakes."""

from __future__ import annotations

from dataclasses import MISSING
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from chaoskit import faults
from chaoskit.errors import UsageError
from chaoskit.faults import CacheLoss, CutLink, Kill, Latency, PostgresTable, RedisList, WorkerBacklog
from chaoskit.faults.base import Fault
from chaoskit.gameday import runbook
from chaoskit.gameday.pressing import complete, fitting, parse
from chaoskit.gameday.writing import build, choices, kinds
from chaoskit.runtime.memory import MemoryRuntime
from fixtures.marketplace.system import marketplace

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "marketplace-gameday.yaml"


def mistakes(text: str) -> list[str]:
    """The mistakes that are found in a run book."""
    with pytest.raises(UsageError) as raised:
        runbook.parse(text)
    return (raised.value.evidence or "").splitlines()


def test_the_run_book_of_the_marketplace_is_valid() -> None:
    """The example of the documentation is valid, and its journeys exist."""
    book = runbook.read(EXAMPLE)
    runbook.unknown_journeys(book, [each.name for each in marketplace.journeys])
    assert book.system == "fixtures.marketplace.system:marketplace"
    assert len(book.steps) == 5
    assert all(step.hypothesis for step in book.steps)
    assert {each.measure for each in book.stop} >= {"availability_below", "p95_above", "lasts"}


def test_a_step_says_all_that_it_needs() -> None:
    """A step has faults, a duration, a hypothesis, and whether it starts by itself."""
    book = runbook.parse("""
title: Friday
steps:
  - {fault: {Kill: cache}, active: until lifted}
  - name: both
    hypothesis: it bends
    faults: [{CutLink: {link: api→cache, how: hang}}, {Latency: {link: "→db", delay: 1}}]
    active: 3
    advance: auto
""")
    first, second = book.steps
    assert (first.name, first.faults, first.active, first.auto) == (
        "Kill('cache')",
        (Kill("cache"),),
        None,
        False,
    )
    assert second.faults == (CutLink("api→cache", how="hang"), Latency("→db", delay=1.0))
    assert (second.hypothesis, second.active, second.auto) == ("it bends", 3.0, True)


def test_every_mistake_is_reported_at_once_with_its_line() -> None:
    """All mistakes are reported together, so that a file has to be corrected only once."""
    found = mistakes("""title: 5
stop:
  - {journey: buy, availability_below: 9}
  - {jorney: buy, lasts: 1}
steps:
  - fault: {CacheLos: {component: cache}}
  - fault: {CacheLoss: {component: cache, how: kil, hwo: 1}}
    active: soon
  - {}
more: 1
""")
    assert len(found) == 9
    for line, words in (
        (1, "title: 5 is not text"),
        (3, "stop[0].availability_below: 9 is not a share"),
        (4, "stop[1].jorney: there is no 'jorney' here"),
        (6, "there is no fault 'CacheLos'; the faults are Bandwidth, BotFlood, CacheLoss"),
        (7, "steps[1].fault.CacheLoss.how: 'kil' is not one of flush, down, silent, hang, kill"),
        (7, "CacheLoss has no field 'hwo'; its fields are component, how, password"),
        (8, "steps[1].active: 'soon' is not a number, nor 'until lifted'"),
        (9, "steps[2]: a step needs a fault"),
        (10, "more: there is no 'more' here; the keys are title, system, stop, steps"),
    ):
        assert any(f"line {line}, " in each and words in each for each in found), (line, words, found)


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan"])
@pytest.mark.parametrize("field", ["clients", "rate_per_s"])
def test_an_infinite_number_is_a_mistake(field: str, number: str) -> None:
    """Infinity is valid YAML, but a mistake for every fault, and not a traceback."""
    (told,) = mistakes(f"steps: [{{fault: {{BotFlood: {{entry: web, {field}: {number}}}}}}}]")
    assert f"BotFlood.{field}: " in told


def test_a_file_that_is_not_yaml_is_an_error_with_its_line() -> None:
    """An open bracket is a mistake with its line, and not a traceback."""
    with pytest.raises(UsageError, match="not YAML") as raised:
        runbook.parse("title: x\nsteps: [")
    assert raised.value.where == "run book, line 2"
    with pytest.raises(UsageError, match="cannot be read"):
        runbook.read(Path("nowhere.yaml"))


def test_a_condition_about_an_unknown_journey_is_a_mistake() -> None:
    """A condition on a journey that does not exist would never fire."""
    book = runbook.parse("stop: [{journey: bye, availability_below: 0.5}]")
    with pytest.raises(UsageError, match="does not have") as raised:
        runbook.unknown_journeys(book, ["buy"])
    assert "'bye'" in (raised.value.evidence or "")


def example(hint: Any) -> object:
    """Some value of a type, as data."""
    options = get_args(hint) if get_origin(hint) is not None and type(None) in get_args(hint) else (hint,)
    option = options[0]
    if isinstance(option, type) and issubclass(option, faults.Queue):
        return {"RedisList": {"component": "queue", "key": "jobs"}}
    return 3 if option in (int, float) else "some"


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: str(kind.__name__))
def test_every_public_fault_can_be_written_as_data(kind: type[Fault]) -> None:
    """Every fault can be made from data, with all fields that it needs."""
    hints = get_type_hints(kind)
    needed = {name: example(hints[name]) for name, each in choices(kind).items() if each.default is MISSING}
    fault, wrong = build({kind.__name__: needed})
    assert not wrong
    assert isinstance(fault, kind)


def test_no_public_fault_is_missing() -> None:
    """The faults that can be written are those that the package exports."""
    public = {
        name
        for name in faults.__all__
        if isinstance(kind := getattr(faults, name), type) and issubclass(kind, Fault) and kind is not Fault
    }
    assert set(kinds()) == public


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("{RedisList: {component: queue, key: jobs}}", WorkerBacklog(RedisList("queue", "jobs"), jobs=5)),
        (
            "{PostgresTable: {component: db, table: jobs}}",
            WorkerBacklog(PostgresTable("db", "jobs"), jobs=5),
        ),
    ],
)
def test_a_queue_is_data_too(data: str, fault: Fault) -> None:
    """A queue can be written in a file and at the prompt alike."""
    book = runbook.parse(f"steps: [{{fault: {{WorkerBacklog: {{queue: {data}, jobs: 5}}}}}}]")
    assert book.steps[0].faults == (fault,)
    assert parse(f"WorkerBacklog queue={data} jobs=5") == fault


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("CacheLoss cache how=kill", CacheLoss("cache", how="kill")),
        ("  Kill   api-1 ", Kill("api-1")),
        ("Latency api→cache 0.4 jitter=0.1", Latency("api→cache", delay=0.4, jitter=0.1)),
    ],
)
def test_a_fault_in_one_line(typed: str, fault: Fault) -> None:
    """Values are given in the order of the fields, or by name."""
    assert parse(typed) == fault


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "name a fault: Bandwidth"),
        ("Kil cache", "there is no fault 'Kil'"),
        ("Kill", "Kill needs component"),
        ("Kill cache cache", "no field for 'cache'"),
        ("CacheLoss cache how=[", "is not a value in YAML"),
        ("CacheLoss cache how=nice", "flush, down, silent, hang, kill"),
    ],
)
def test_a_line_with_a_mistake_says_what_is_possible(typed: str, says: str) -> None:
    """The error has the choices, so that no person has to leave the screen to look them up."""
    with pytest.raises(UsageError) as raised:
        parse(typed)
    assert says in raised.value.what


def test_a_line_is_completed_from_what_fits() -> None:
    """Tab completes names of faults, then targets that they fit, then fields with their choices."""
    runtime = MemoryRuntime(["api", "cache"], [("api", "cache", 6379)])
    runtime.start()
    lines = tuple(fitting(runtime))
    assert "Kill cache" in lines
    assert "CutLink api→cache" in lines
    assert complete("Ki", lines) == ("Kill",)
    assert complete("Kill ", lines) == ("Kill api", "Kill cache")
    assert complete("CacheLoss cache how=s", lines) == ("CacheLoss cache how=silent",)
