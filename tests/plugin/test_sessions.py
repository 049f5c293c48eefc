"""Test sessions with experiments: exit codes that tell apart, workers, summary and history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from chaoskit.errors import LoadFailure, NotReady, PromiseBroken, UsageError, VerdictUnknown
from chaoskit.exitcodes import FAILED, HARNESS_ERROR, UNKNOWN, code_of, exit_code
from chaoskit.trend import Store
from tests.plugin.test_plugin import project

__all__ = ["project"]

CONFTEST = """
    import pytest
    from chaoskit.errors import LoadFailure, StartFailed
    from tests.simulation import Simulation, hardened
    from tests.experiment.test_experiment import no_fallback

    def load_dies(journey, at, runtime):
        if runtime.cuts():
            raise LoadFailure("the load process died")
        return hardened(journey, at, runtime)

    def never_steady(journey, at, runtime):
        return 0.02, False

    @pytest.fixture
    def chaos_environment(request, tmp_path_factory):
        how = {"held": hardened, "broken": no_fallback, "unknown": never_steady, "instrument": load_dies}
        name = request.node.name.removeprefix("test_").partition("_")[0]
        if name == "trouble":
            raise StartFailed("Compose could not start the system")
        simulation = Simulation(how.get(name, hardened), tmp_path_factory.mktemp("state"))
        yield simulation.environment
        simulation.environment.close()
"""
"""Each test says in its name what its system is like."""


def write(project: pytest.Pytester, names: Iterable[str]) -> None:
    """A project with tests of these names."""
    project.makeconftest(CONFTEST)
    lines = ["from chaoskit import faults", ""]
    for name in names:
        if name.startswith("ordinary"):
            lines += [f"def test_{name}():", f"    assert {name.endswith('passes')}"]
        else:
            lines += [f"def test_{name}(chaos):"]
            lines += ["    chaos.experiment(faults.CacheLoss('cache'), active=4.0).assert_held()"]
    project.makepyfile(test_shop="\n".join(lines))


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("held", "unknown"), UNKNOWN),
        (("held", "instrument"), HARNESS_ERROR),
        (("unknown", "broken", "trouble", "held"), FAILED),
        (("unknown", "ordinary_fails"), FAILED),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_codes_tell_apart(project: pytest.Pytester, names: tuple[str, ...], code: int) -> None:
    """A broken promise or an ordinary failure is 1, whatever else happened; 10 and 11 never hide it."""
    write(project, names)
    result = project.runpytest()
    assert result.ret == code
    if code in (UNKNOWN, HARNESS_ERROR):
        result.stdout.fnmatch_lines([f"exit code {code}: nothing is known to be broken*"])


def test_what_pytest_says_itself_stays(project: pytest.Pytester) -> None:
    """A session without tests, a wrong command and an expected failure keep pytest's exit codes."""
    write(project, ("unknown",))
    assert project.runpytest("-k", "nothing").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert project.runpytest("--chaos-nonsense").ret == pytest.ExitCode.USAGE_ERROR
    project.makeconftest(
        CONFTEST + "\n    def pytest_collection_modifyitems(items):\n"
        "        for item in items:\n            item.add_marker(pytest.mark.xfail)\n"
    )
    assert project.runpytest().ret == pytest.ExitCode.OK


def test_errors_of_other_tests_are_ordinary(project: pytest.Pytester) -> None:
    """A test that is not an experiment fails with 1, whatever it raises: it may test chaoskit itself."""
    project.makepyfile("from chaoskit.errors import NotReady\ndef test_it():\n    raise NotReady('no')")
    assert project.runpytest().ret == FAILED


def test_a_failing_collection_is_not_hidden(project: pytest.Pytester) -> None:
    """A module that cannot be imported is an ordinary failure beside an unknown verdict."""
    write(project, ("unknown",))
    project.makepyfile(test_other="import nothing_of_that_name")
    assert project.runpytest("--continue-on-collection-errors").ret == FAILED


def raised(error: Exception) -> Exception:
    """The error, raised here so that it has a traceback."""
    try:
        raise error
    except Exception as caught:  # noqa: BLE001
        return caught


def test_an_error_out_of_chaoskits_own_code_is_a_harness_error(tmp_path: Path) -> None:
    """The place where an error was raised tells a defect of the harness from one of a test."""
    with pytest.raises(AttributeError) as flaw, Store(tmp_path / "a") as store:
        store.add([None])  # type: ignore[list-item]
    assert code_of(flaw.value) == HARNESS_ERROR
    assert code_of(raised(KeyError("mine"))) == FAILED
    assert code_of(PromiseBroken("")) == FAILED
    assert code_of(VerdictUnknown("")) == UNKNOWN
    assert code_of(VerdictUnknown("", instrument=True)) == HARNESS_ERROR
    for error in (NotReady(""), LoadFailure(""), UsageError("")):
        assert code_of(error) == HARNESS_ERROR


@pytest.mark.parametrize(
    ("failures", "codes", "code"),
    [
        (1, {FAILED: 1}, FAILED),
        (2, {UNKNOWN: 2}, UNKNOWN),
        (2, {HARNESS_ERROR: 2}, HARNESS_ERROR),
        (2, {UNKNOWN: 1, HARNESS_ERROR: 1}, HARNESS_ERROR),
        (3, {UNKNOWN: 1, HARNESS_ERROR: 1, FAILED: 1}, FAILED),
        (2, {UNKNOWN: 1}, FAILED),  # nothing is known of the other one: it may be a collection
    ],
)
def test_what_is_worse_wins(failures: int, codes: dict[int, int], code: int) -> None:
    """Another failure wins over a harness error, and a harness error, which may be the reason, over
    UNKNOWN.
    """
    assert exit_code(1, failures, codes) == code


@pytest.mark.parametrize("status", [0, 2, 3, 4, 5])
def test_only_failed_tests_are_looked_into(status: int) -> None:
    """An interrupted session stays interrupted, whatever was unknown by then."""
    assert exit_code(status, 1, {UNKNOWN: 1}) == status


@pytest.mark.slow
def test_workers_come_together(project: pytest.Pytester) -> None:
    """With -n 2 the table, the matrix, the summary, the history and the exit code cover all workers."""
    write(project, ("held_a", "held_b", "unknown_c", "trouble_d"))
    result = project.runpytest(
        "-n2", "--chaos-history=history.sqlite", "--chaos-summary=summary.md", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=2, failed=1, errors=1)
    assert result.ret == HARNESS_ERROR
    held = [f"HELD*test_shop.test_held_{letter}*CacheLoss('cache')*" for letter in "ab"]
    result.stdout.fnmatch_lines([*held, "UNKNOWN*test_shop.test_unknown_c*", "*exit code 11:*"])
    folder = project.path / "chaoskit-report"
    matrix = json.loads((folder / "independence.json").read_text())
    assert len(matrix["experiments"]) == 3
    assert len(list(folder.glob("test_shop.*.json"))) == 3
    text = (project.path / "summary.md").read_text()
    assert text.startswith("## Chaos experiments: 2 HELD, 1 UNKNOWN, 1 without a verdict")
    assert "Compose could not start the system" in text
    with Store(project.path / "history.sqlite") as store:
        entries = store.entries()
    assert {each.experiment for each in entries} == {
        f"test_shop.test_{name}" for name in ("held_a", "held_b", "unknown_c")
    }
    assert len({each.run for each in entries}) == 1


def test_experiments_that_would_share_a_journal_are_told_apart(project: pytest.Pytester) -> None:
    """Tests of the same name in two folders, and parameters that a file name cannot hold, keep journals of
    their own.
    """
    write(project, ())
    body = """
        import pytest
        from chaoskit import faults

        @pytest.mark.parametrize("how", ["a/b", "a:b"])
        def test_loss(chaos, how):
            chaos.experiment(faults.CacheLoss("cache"), active=4.0).assert_held()
    """
    for folder in ("one", "two"):
        project.mkpydir(folder)
        project.path.joinpath(folder, "test_same.py").write_text(
            "\n".join(line[8:] for line in body.splitlines())
        )
    project.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=4)
    told = [
        json.loads(path.read_text())["experiment"]["test"]
        for path in (project.path / "chaoskit-report").glob("test_same*.json")
    ]
    assert len(told) == len(set(told)) == 4


def test_a_wrong_history_is_told_before_anything_runs(project: pytest.Pytester) -> None:
    """The file of another program is refused at the start, not after an hour of experiments."""
    write(project, ("held",))
    (project.path / "notes.txt").write_text("no history\n" * 100)
    result = project.runpytest("--chaos-history=notes.txt")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*this is not a history: it is not an SQLite file*", "*notes.txt*"])
    assert not (project.path / "chaoskit-report").exists()


def test_a_night_is_what_continuous_integration_calls_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The jobs of one workflow run are one night, with the revision under test."""
    write(project, ("held",))
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "2")
    monkeypatch.setenv("GITHUB_SHA", "abc123")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "step.md"))
    project.runpytest("--chaos-history=history.sqlite")
    with Store(project.path / "history.sqlite") as store:
        (entry,) = store.entries()
    assert (entry.run, entry.commit) == ("77.2", "abc123")
    assert "test\\_shop.test\\_held" in (project.path / "step.md").read_text()
