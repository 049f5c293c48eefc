"""The promise of the history: it flags a regression on the third night, and never noise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaoskit.cli import OK, PROBLEM, main
from chaoskit.trend import entry_of, trend_of
from tests.trend.nights import Weather, night

GOOD = Weather(1)
NOISY = (
    Weather(2, pace=1.4, recovery=1.2, slow=0.02, failing=0.002),
    Weather(3, pace=0.8, recovery=0.9, slow=0.03, failing=0.001),
)
"""Nights on other machines, with some slow requests and some errors, all within the promises."""
SLOW_RECOVERY = Weather(4, recovery=7.5)
SLOW_BROWSING = Weather(5, slow=0.08)


def journals(folder: Path, *weathers: Weather) -> list[str]:
    """The journals of some nights, all of which held."""
    paths = []
    for number, weather in enumerate(weathers):
        conclusion = night(folder, weather, f"night-{number}-{weather.seed}")
        conclusion.assert_held()
        # The time of writing tells nights apart, and these were written within a second.
        record = json.loads(conclusion.journal.read_text())
        record["run"]["written_at"] = f"2026-01-{number + 1:02d}T02:00:00+00:00"
        conclusion.journal.write_text(json.dumps(record))
        paths.append(str(conclusion.journal))
    return paths


@pytest.mark.parametrize(
    ("worse", "journey", "what", "says"),
    [
        (SLOW_RECOVERY, "buy", "recovery", "; before: "),
        (SLOW_BROWSING, "browse", "p95", "requests took longer than 0.8 s under the fault"),
    ],
    ids=["recovery", "latency"],
)
def test_an_injected_regression_is_found_on_the_third_night(
    worse: Weather, journey: str, what: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a good and a noisy night, a clearly worse night is flagged although it held."""
    file = str(tmp_path / "history.sqlite")
    assert main(["trend", file, "--add", *journals(tmp_path, GOOD, NOISY[0], worse)]) == PROBLEM
    told = capsys.readouterr().out
    assert f"REGRESSION cache {journey}: {what}" in told
    assert told.count("REGRESSION") == told.count(f"REGRESSION cache {journey}: ")
    assert says in told
    assert "HHH  cache" in told
    assert main(["trend", file, "--json"]) == PROBLEM
    regressions = json.loads(capsys.readouterr().out)["regressions"]
    (found,) = [each for each in regressions if (each["journey"], each["what"]) == (journey, what)]
    assert found["chance"] <= found["adjusted"] <= 0.05


def test_noisy_nights_are_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nights that differ within the promises are not flagged, neither the second nor the third."""
    file = str(tmp_path / "history.sqlite")
    first, second, third = journals(tmp_path, GOOD, *NOISY)
    for added in ([first, second], [third]):
        assert main(["trend", file, "--add", *added]) == OK
        assert "REGRESSION" not in capsys.readouterr().out


def test_a_night_is_the_same_from_the_run_and_from_its_journal(tmp_path: Path) -> None:
    """The entry that pytest adds during the run is recognised when its journal is added later."""
    conclusion = night(tmp_path, GOOD, "one")
    fresh = entry_of(conclusion.result.record)
    again = entry_of(json.loads(conclusion.journal.read_text()))
    assert fresh == again
    assert fresh.digest == again.digest


def test_a_regression_stays_silent_once_it_is_usual(tmp_path: Path) -> None:
    """The last night is compared with all nights in which the journey held, not with the best one."""
    paths = journals(tmp_path, SLOW_RECOVERY, SLOW_RECOVERY, GOOD, SLOW_RECOVERY)
    entries = [entry_of(json.loads(Path(path).read_text())) for path in paths]
    assert trend_of(entries).regressions == ()
