"""The pytest plugin, by running pytest on small projects; no engine is needed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chaoskit.errors import JournalUnwritable
from chaoskit.report import page

SIMULATED = """
    import pytest
    from pathlib import Path
    from chaoskit import faults
    from tests.simulation import Simulation, hardened
    from tests.experiment.test_experiment import no_fallback

    @pytest.fixture(scope="session")
    def chaos_environment(tmp_path_factory):
        simulation = Simulation({behaviour}, tmp_path_factory.mktemp("state"))
        yield simulation.environment
        simulation.environment.close()
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty project that can import this repository's simulation."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    # The job that runs this suite sets these variables.
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_RUN_ID", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers")
    return pytester


def simulated(project: pytest.Pytester, behaviour: str, test: str) -> None:
    """Put an environment in memory and a test into the project."""
    project.makeconftest(SIMULATED.format(behaviour=behaviour))
    project.makepyfile(test_shop=test)


EXPERIMENT = """
    import pytest
    from chaoskit import faults

    @pytest.mark.chaos(stage="50,000 users")
    def test_cache_loss(chaos):
        '''Losing the cache touches nothing else.'''
        chaos.experiment(faults.CacheLoss("cache"), active=4.0).assert_held()
"""


def test_a_promise_that_holds_passes_with_a_verdict_table(project: pytest.Pytester) -> None:
    """The terminal summary has a line for each experiment, and says where the journals are."""
    simulated(project, "hardened", EXPERIMENT)
    result = project.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*chaos experiments*",
            "verdict*experiment*fault*blast radius*recovered in*",
            "HELD*test_shop.test_cache_loss*CacheLoss('cache')*buy*",
            "journals: *chaoskit-report*",
        ]
    )


@pytest.mark.slow
def test_the_requests_of_an_experiment_go_with_its_test(project: pytest.Pytester) -> None:
    """A session's memory does not grow with the requests of its experiments: their journals hold them."""
    look = """
    def test_later():
        import gc
        from chaoskit.experiment.result import Result
        found = [each for each in gc.get_objects() if type(each) is Result]
        assert len(found) == 1
        assert not any(each.record["history"]["samples"] for each in found)
    """
    simulated(project, "hardened", EXPERIMENT + look)
    project.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_broken_promise_fails_without_a_traceback(project: pytest.Pytester) -> None:
    """The failure shows which journey broke which promise, with figures, and no line of code."""
    simulated(project, "no_fallback", EXPERIMENT)
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["BROKEN*test_shop.test_cache_loss*", "*BROKEN*browse: degraded: *failed*"])
    for code in ("Traceback", "assert_held()", "raise PromiseBroken", "chaoskit/chaos.py"):
        result.stdout.no_fnmatch_line(f"*{code}*")


def test_verdicts_are_junit_properties_and_journals(project: pytest.Pytester) -> None:
    """A machine reads the verdict from the JUnit XML, and the whole record from the journal."""
    simulated(project, "hardened", EXPERIMENT)
    project.runpytest("--junit-xml=out.xml", "--chaos-report-dir=journals", "--chaos-seed=7")
    tree = ElementTree.parse(project.path / "out.xml")
    found = {each.get("name"): each.get("value") for each in tree.iter("property")}
    assert found["chaos.verdict"] == "HELD"
    assert found["chaos.browse.verdict"] == "HELD"
    assert float(found["chaos.buy.recovery_seconds"] or "nan") >= 0
    record = json.loads(Path(found["chaos.journal"] or "").read_text())
    assert Path(found["chaos.journal"] or "").parent == project.path / "journals"
    assert record["experiment"]["stage"] == "50,000 users"
    assert record["experiment"]["about"] == "Losing the cache touches nothing else."


def test_a_session_leaves_a_report_of_its_own_experiments(project: pytest.Pytester) -> None:
    """The report lies beside the journals, the session prints its path, and no earlier session is in it."""
    simulated(project, "hardened", EXPERIMENT)
    folder = project.path / "chaoskit-report"
    folder.mkdir()
    (folder / "older.json").write_text("{}")
    project.runpytest().stdout.fnmatch_lines([f"report: {folder / 'report.html'}"])
    page = (folder / "report.html").read_text()
    assert "The experiment held" in page
    assert "Losing the cache touches nothing else." in page


@pytest.mark.parametrize(("ini", "option"), [("chaos_report = false", ()), ("", ("--chaos-no-report",))])
def test_the_report_can_be_switched_off(project: pytest.Pytester, ini: str, option: tuple[str, ...]) -> None:
    """The ini file or an option switches the report off."""
    project.makeini(f"[pytest]\n{ini}")
    simulated(project, "hardened", EXPERIMENT)
    project.runpytest(*option).stdout.no_fnmatch_line("*report:*")
    assert not (project.path / "chaoskit-report" / "report.html").exists()


@pytest.mark.parametrize("error", [ZeroDivisionError("no room"), JournalUnwritable("no room")])
def test_a_report_that_fails_breaks_no_run(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The verdicts stand; one line without a traceback says why the report was not written."""

    def fail(path: Path, sources: page.Sources) -> Path:
        raise error

    monkeypatch.setattr(page, "write", fail)
    simulated(project, "hardened", EXPERIMENT)
    result = project.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["HELD*", "the report was not written: *no room*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_command_line_wins_over_the_ini_file(project: pytest.Pytester) -> None:
    """A setting of the ini file holds unless an option overrides it."""
    project.makeini("[pytest]\nchaos_report_dir = from-ini\nchaos_active = 3")
    simulated(project, "hardened", EXPERIMENT.replace(", active=4.0", ""))
    project.runpytest().assert_outcomes(passed=1)
    (path,) = (project.path / "from-ini").glob("test_shop*.json")
    assert json.loads(path.read_text())["timing"]["active"] == 3.0
    project.runpytest("--chaos-active=2", "--chaos-report-dir=said").assert_outcomes(passed=1)
    (path,) = (project.path / "said").glob("test_shop*.json")
    assert json.loads(path.read_text())["timing"]["active"] == 2.0


def test_progress_is_shown_with_v(project: pytest.Pytester) -> None:
    """With -v the user sees the phases as they happen."""
    project.makepyfile(test_shop="def test_one(chaos_environment):\n    chaos_environment.tell('hello')")
    project.makepyfile(shop=SYSTEM)
    project.runpytest("-v", "--chaos-system=shop:system").stdout.fnmatch_lines(["*chaos: hello"])


SYSTEM = """
    from chaoskit import System, journey

    @journey(rate=1)
    async def look(user):
        await user.get("/")

    system = System.from_compose("compose.yaml", journeys=[look])
"""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no system is named"),
        (("--chaos-system=shop",), "does not have the form module:attribute"),
        (("--chaos-system=nothing:system",), "'nothing' cannot be imported"),
        (("--chaos-system=shop:sistem",), "has no 'sistem'"),
        (("--chaos-system=shop:journey",), "is not a System: its type is function"),
        (
            ("--chaos-system=shop:system", "--chaos-seed=many"),
            "--chaos-seed is 'many', which is not a number",
        ),
        (("--chaos-system=broken:system",), "NameError: name 'undefined' is not defined"),
    ],
)
def test_a_users_mistake_is_told_without_a_traceback(
    project: pytest.Pytester, arguments: tuple[str, ...], says: str
) -> None:
    """A wrong name or value is one clear error in the test that needs it."""
    project.makepyfile(test_shop="def test_one(chaos):\n    pass")
    project.makepyfile(shop=SYSTEM, broken="undefined")
    result = project.runpytest(*arguments)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{says}*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*chaoskit/*.py:*")


def test_a_project_without_experiments_pays_nothing(project: pytest.Pytester) -> None:
    """An installed chaoskit imports no Docker SDK and no HTTP client into a run without experiments."""
    project.makepyfile(
        """
        import sys

        def test_one():
            heavy = {"docker", "httpx", "httptools", "testcontainers", "redis", "pg8000", "hypothesis"}
            assert not heavy & set(sys.modules)
        """
    )
    project.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:anyio").assert_outcomes(passed=1)


@pytest.mark.slow
def test_several_workers_do_not_share_a_system_that_runs(project: pytest.Pytester) -> None:
    """Faults of several workers would overlap on one attached system: refused before any look for an
    engine.
    """
    project.makeconftest(
        "import pytest\n@pytest.fixture(scope='session')\ndef chaos_system():\n    return object()"
    )
    project.makepyfile(test_shop="def test_it(chaos_environment):\n    pass")
    result = project.runpytest_subprocess("-n1", "--chaos-attach=shop", "-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*several workers cannot share*", "*run without -n*"])
