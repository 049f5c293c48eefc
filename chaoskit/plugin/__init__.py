"""The pytest plugin: the options, the fixtures around ``chaos``, and the marker."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaoskit.errors import ChaoskitError, UsageError
from chaoskit.plugin.junit import properties_of
from chaoskit.plugin.provenance import commit_of, session_id
from chaoskit.plugin.session import SessionReporter, carry, summary_file

# pytest loads this module in every run of a project that has chaoskit installed. So the fixtures import
# for themselves what only an experiment needs (the Docker SDK, httpx, …).
if TYPE_CHECKING:
    from chaoskit.chaos import Chaos, Conclusion
    from chaoskit.experiment.environment import Environment
    from chaoskit.system import System

_CHAOS: pytest.StashKey[Chaos] = pytest.StashKey()
_NAME: pytest.StashKey[str] = pytest.StashKey()
_REPORTED: pytest.StashKey[int] = pytest.StashKey()
_SESSION: pytest.StashKey[str] = pytest.StashKey()

_SESSION_KEY = "chaoskit_session"
"""The key under which a worker of pytest-xdist gets the name of the session."""

_EXPERIMENT_FIXTURES = {"chaos", "chaos_environment", "chaos_system"}
"""The fixtures that make a test an experiment."""

_OPTIONS: tuple[tuple[str, str, str | None, str], ...] = (
    ("system", "MODULE:ATTRIBUTE", None, "the system under test"),
    ("report-dir", "FOLDER", "chaoskit-report", "the folder for journals, relative to the root folder"),
    ("seed", "N", "0", "the seed of all randomness"),
    ("active", "SECONDS", None, "how long a fault stays active where the test does not say"),
    ("history", "FILE", None, "the history of runs, an SQLite file for `chaoskit trend`"),
    ("attach", "PROJECT", None, "use this running compose project instead of starting the system"),
    (
        "touch",
        "NAMES",
        None,
        "what faults may touch there, separated by commas: api,->cache; default: nothing",
    ),
    (
        "toxiproxy",
        "ADDRESSES",
        None,
        "API addresses of its Toxiproxies, separated by commas, if they are not found",
    ),
    ("summary", "FILE", None, "append a Markdown summary to this file; default: $GITHUB_STEP_SUMMARY"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare each setting as an ini value and as an option; the option wins."""
    group = parser.getgroup("chaoskit", "chaos and resilience experiments")
    for name, metavar, default, text in _OPTIONS:
        ini = f"chaos_{name.replace('-', '_')}"
        shown = f" (default: {default})" if default else ""
        parser.addini(ini, f"{text}{shown}", default=default or "")
        group.addoption(f"--chaos-{name}", metavar=metavar, default=None, help=f"{text}; ini: {ini}{shown}")
    parser.addini("chaos_keep", "leave the system running at the end", type="bool", default=False)
    group.addoption(
        "--chaos-keep",
        action="store_true",
        default=None,
        help="leave the system running at the end; `chaoskit clean` removes it; ini: chaos_keep",
    )

    parser.addini("chaos_report", "write an HTML report beside the journals", type="bool", default=True)
    group.addoption(
        "--chaos-no-report",
        action="store_true",
        default=False,
        help="write no HTML report beside the journals; ini: chaos_report = false",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and register the reporter in the process that reports."""
    config.addinivalue_line(
        "markers", "chaos(stage=None): a resilience experiment, and the stage of growth that it stands for"
    )
    # Only a worker of pytest-xdist has this attribute.
    worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[_SESSION] = worker.get(_SESSION_KEY, "")
        return
    config.stash[_SESSION] = session_id(os.environ)
    history = setting(config, "history")
    try:
        reporter = SessionReporter(
            config,
            config.rootpath / history if history else None,
            summary_file(setting(config, "summary"), config.rootpath),
        )
    except ChaoskitError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(reporter, "chaoskit-reporter")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker of pytest-xdist the name of the session that they share."""
    node.workerinput[_SESSION_KEY] = node.config.stash[_SESSION]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name each experiment after its test, and keep apart those that would share a journal.

    The name depends only on the test's id, so that workers agree and a history continues.
    """
    ours = [item for item in items if "chaos" in getattr(item, "fixturenames", ())]
    if not ours:
        return
    from chaoskit.experiment.recording import file_name  # noqa: PLC0415

    files = Counter(file_name(_name(item.nodeid)) for item in ours)
    for item in ours:
        name = _name(item.nodeid)
        if files[file_name(name)] > 1:
            name += f"-{hashlib.sha256(item.nodeid.encode()).hexdigest()[:6]}"
        item.stash[_NAME] = name


def setting(config: pytest.Config, name: str) -> str:
    """A setting: the option if it is given, else the ini value."""
    option = config.getoption(f"--chaos-{name}")
    return str(option if option is not None else config.getini(f"chaos_{name.replace('-', '_')}"))


def _keep(config: pytest.Config) -> bool:
    return bool(config.getoption("--chaos-keep") or config.getini("chaos_keep"))


def _several(config: pytest.Config, name: str) -> list[str]:
    return [each.strip() for each in setting(config, name).split(",") if each.strip()]


def _number(config: pytest.Config, name: str, kind: Callable[[str], Any]) -> Any:
    text = setting(config, name)
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"--chaos-{name} is {text!r}, which is not a number") from None


@pytest.fixture(scope="session")
def chaos_system(request: pytest.FixtureRequest) -> System:
    """The system under test. Override this fixture to declare the system in code."""
    config = request.config
    reference = setting(config, "system")
    if not reference:
        raise UsageError(
            "no system is named",
            where=str(config.inipath or config.rootpath),
            remedy="set chaos_system = module:attribute in the ini file, or pass --chaos-system",
        )
    from chaoskit.system.reference import load_system  # noqa: PLC0415

    return load_system(reference, config.rootpath)


@pytest.fixture(scope="session")
def chaos_environment(request: pytest.FixtureRequest, chaos_system: System) -> Iterator[Environment]:
    """The environment that all experiments of a session share; the first of them starts it."""
    config = request.config
    write = _line_writer(config)

    def tell(line: str) -> None:
        write(f"  chaos: {line}")

    reference, seed = setting(config, "system") or None, _number(config, "seed", int)
    if project := setting(config, "attach"):
        if hasattr(config, "workerinput"):
            raise UsageError(
                "several workers cannot share one attached system: their faults would overlap",
                evidence=f"--chaos-attach={project} together with pytest-xdist",
                remedy="run without -n",
            )
        from chaoskit.factories import attached_environment  # noqa: PLC0415

        environment = attached_environment(
            chaos_system,
            project,
            toxiproxies=_several(config, "toxiproxy"),
            touch=_several(config, "touch"),
            reference=reference,
            seed=seed,
            tell=tell,
        )
    else:
        from chaoskit.factories import environment_for  # noqa: PLC0415

        environment = environment_for(
            chaos_system, reference=reference, keep=_keep(config), seed=seed, tell=tell
        )
    yield environment
    environment.close()


def _line_writer(config: pytest.Config) -> Callable[[str], None]:
    """A function that writes lines to the terminal while a test's output is captured; only with ``-v``."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    if config.get_verbosity() < 1 or reporter is None:
        return lambda line: None

    def write(line: str) -> None:
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            reporter.ensure_newline()
            reporter.write_line(line)

    return write


@pytest.fixture(scope="session")
def chaos_commit(request: pytest.FixtureRequest) -> str | None:
    """The revision under test, for journals and the history."""
    return commit_of(request.config.rootpath, os.environ)


@pytest.fixture
def chaos(request: pytest.FixtureRequest, chaos_environment: Environment, chaos_commit: str | None) -> Chaos:
    """Experiments on the system under test; see :class:`chaoskit.Chaos`."""
    from chaoskit.chaos import Chaos  # noqa: PLC0415
    from chaoskit.experiment.timing import Timing  # noqa: PLC0415

    config, node = request.config, request.node
    timing = Timing()
    if setting(config, "active"):
        timing = Timing(active=_number(config, "active", float))
    marker = node.get_closest_marker("chaos")
    about = {
        "test": node.nodeid,
        "stage": marker.kwargs.get("stage") if marker else None,
        "about": inspect.getdoc(getattr(node, "obj", None)),
        "session": config.stash[_SESSION],
        "commit": chaos_commit,
    }
    folder = config.rootpath / setting(config, "report-dir")
    name = node.stash.get(_NAME, _name(node.nodeid))
    chaos = node.stash[_CHAOS] = Chaos(chaos_environment, name, folder, timing=timing, about=about)
    return chaos


def _name(nodeid: str) -> str:
    """``experiments/test_cache.py::test_cache_loss`` → ``test_cache.test_cache_loss``."""
    path, _, rest = nodeid.partition("::")
    return f"{Path(path).stem}.{rest.replace('::', '.')}" if rest else Path(path).stem


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show an error of chaoskit by its message, without a traceback, and turn verdicts into properties,
    which JUnit XML carries.
    """
    new: list[Conclusion] = []
    if _CHAOS in item.stash:
        new = item.stash[_CHAOS].conclusions[item.stash.get(_REPORTED, 0) :]
        item.stash[_REPORTED] = item.stash.get(_REPORTED, 0) + len(new)
        for conclusion in new:
            item.user_properties += properties_of(conclusion)
    report = yield
    error = call.excinfo.value if call.excinfo else None
    # Any other test fails as it does without chaoskit.
    if _EXPERIMENT_FIXTURES & set(getattr(item, "fixturenames", ())):
        carry(report, new, error)
    if isinstance(error, ChaoskitError):
        report.longrepr = str(error)
    # Everything is reported, so the record with all its requests may go with the test.
    if call.when == "teardown" and _CHAOS in item.stash:
        del item.stash[_CHAOS]
        item.stash[_REPORTED] = 0
    return report
