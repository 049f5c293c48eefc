"""``chaoskit gameday`` as far as it needs no Docker engine: mistakes, and its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaoskit.cli import USAGE, main
from chaoskit.gameday.command import exit_code
from tests.gameday.days import Played
from tests.simulation import Behaviour, hardened

BOOK = "steps: [{fault: {Kill: cache}}]\n"
SHOP = Path(__file__).parents[1] / "examples" / "gameday"


@pytest.mark.parametrize(
    ("book", "options", "says"),
    [
        (None, ["nowhere.yaml"], "the run book cannot be read"),
        (None, ["--no-screen"], "a game day needs a run book with steps"),
        (None, [], "there is no terminal to show a screen on"),
        ("title: x", ["book.yaml", "--no-screen"], "a game day needs a run book with steps"),
        (
            "steps: [{fault: {Kil: cache}}]",
            ["book.yaml"],
            "line 1, steps[0].fault.Kil: there is no fault 'Kil'",
        ),
        (
            "steps: [{fault: {Kill: cache}, active: until lifted}]",
            ["book.yaml", "--no-screen"],
            "until it is lifted by hand",
        ),
        (BOOK, ["book.yaml", "--no-screen"], "no system is named"),
        (
            BOOK + "stop: [{journey: fly, p95_above: 1}]",
            ["book.yaml", "--system=shop:shop"],
            "no journey 'fly'",
        ),
        (
            BOOK,
            ["book.yaml", "--system=shop:shop", "--touch=cart"],
            "--touch cannot be given without",
        ),
        (
            BOOK,
            ["book.yaml", "--system=shop:shop", "--attach=x", "--keep"],
            "--keep cannot be given with",
        ),
        (
            BOOK,
            ["book.yaml", "--system=shop:shop", "--report-dir=old"],
            "this folder holds the record of a game day already",
        ),
    ],
)
def test_a_mistake_is_an_error_before_anything_starts(
    book: str | None,
    options: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistake of the user is one message, with exit code 2 and without a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "gameday.json").write_text("{}")
    (tmp_path / "shop.py").write_text((SHOP / "shop.py").read_text())
    (tmp_path / "book.yaml").write_text(book or "")
    assert main(["gameday", *options]) == USAGE
    said = capsys.readouterr()
    assert says in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


STOP = "stop: [{name: no sales, journey: buy, availability_below: 0.5, over: 4}]\n"


def never_back(journey: str, at: float, runtime: object) -> tuple[float, bool]:
    """A system that stays broken after a fault."""
    return 0.02, at < 107


@pytest.mark.parametrize(
    ("book", "behaviour", "code"),
    [
        ("steps: [{fault: {CacheLoss: cache}, active: 8}]", hardened, 0),
        ("steps: [{fault: {CacheLoss: cache}, active: 8}]", never_back, 1),
        (STOP + "steps: [{fault: {CacheLoss: cache}, active: 60}]", hardened, 1),
        ("steps: [{fault: {CacheLoss: cache}}]", lambda journey, at, runtime: (0.02, False), 11),
    ],
)
def test_the_exit_code_tells_the_result(book: str, behaviour: Behaviour, code: int, tmp_path: Path) -> None:
    """Each result has its code: held, broken, stopped by a condition, and never steady."""
    played = Played(book, tmp_path, behaviour=behaviour)
    assert exit_code(played.day, lifted=played.lifted) == code
    assert exit_code(played.day, lifted=False) == 11
