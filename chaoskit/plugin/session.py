"""The results of a test session, collected in the process that reports.

With pytest-xdist each worker has an environment of its own and runs its experiments there. The results
travel as text on the reports of their tests, as everything does that pytest knows of a worker. So results
take the same way with workers and without.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chaoskit.errors import ChaoskitError
from chaoskit.exitcodes import FAILED, HARNESS_ERROR, MEANINGS, UNKNOWN, code_of, exit_code

# As in the plugin: a session without experiments does not import what only experiments need.
if TYPE_CHECKING:
    from chaoskit.chaos import Conclusion
    from chaoskit.experiment.result import Result
    from chaoskit.trend import Store

_REPORT_FIELD = "chaoskit"
"""The attribute of a test's report that carries the results."""


def carry(report: pytest.TestReport, conclusions: Sequence[Conclusion], error: BaseException | None) -> None:
    """Put the results of an experiment's test, and the exit code of its failure, on the test's report.

    Args:
        report: the report of one phase of the test.
        conclusions: the conclusions that are not on an earlier report of this test.
        error: the error with which the phase failed, if it did.
    """
    carried: dict[str, Any] = {}
    if conclusions:
        from chaoskit.plugin.xdist import pack  # noqa: PLC0415
        from chaoskit.trend import entry_of, entry_to_text  # noqa: PLC0415

        results = [conclusion.result for conclusion in conclusions]
        carried["results"] = [pack(result) for result in results]
        carried["entries"] = [entry_to_text(entry_of(result.record)) for result in results]
    if error is not None and report.failed:
        carried["code"] = code_of(error)
        carried["says"] = str(error) if isinstance(error, ChaoskitError) else repr(error)
    if carried:
        vars(report)[_REPORT_FIELD] = carried


class SessionReporter:
    """The pytest plugin that collects the results of a session and reports them.

    Args:
        config: the configuration of pytest.
        history: the file to which each experiment adds an entry, if there is one.
        summary: the Markdown file to which the summary is appended, if there is one.

    Raises:
        ChaoskitError: the history is not a history of chaoskit, or cannot be written.
    """

    def __init__(self, config: pytest.Config, history: Path | None, summary: Path | None) -> None:
        self.results: list[Result] = []
        self._config, self._summary = config, summary
        self._codes: Counter[int] = Counter()
        self._stopped: list[tuple[str, str]] = []
        self._notes: list[str] = []
        self._status = 0
        self._history: Store | None = None
        if history is not None:
            from chaoskit.trend import Store  # noqa: PLC0415

            self._history = Store(history)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the results off a report, and count its failure."""
        carried: Mapping[str, Any] = getattr(report, _REPORT_FIELD, {})
        if "results" in carried:
            from chaoskit.plugin.xdist import unpack  # noqa: PLC0415

            self.results += [unpack(text) for text in carried["results"]]
            self._remember(carried["entries"])
        if report.failed and not hasattr(report, "wasxfail"):
            code = carried.get("code", FAILED)
            self._codes[code] += 1
            if code == HARNESS_ERROR and "results" not in carried:
                self._stopped.append((report.nodeid, carried["says"]))

    def _remember(self, entries: Sequence[str]) -> None:
        if self._history is None:
            return
        from chaoskit.trend import entry_from_text  # noqa: PLC0415

        try:
            self._history.add([entry_from_text(text) for text in entries])
        except ChaoskitError as error:
            if str(error) not in self._notes:
                self._notes.append(str(error))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Set the exit code, and write the matrix, the summary and the report."""
        self._status = exit_code(int(session.exitstatus), session.testsfailed, self._codes)
        session.exitstatus = self._status
        if self._history is not None:
            self._history.close()
        # Workers of pytest-xdist end in any order.
        if self._config.pluginmanager.hasplugin("dsession"):
            self.results.sort(key=lambda result: (str(result.record["experiment"].get("test")), result.name))
        for write in (self._write_matrix, self._write_summary, self._write_report):
            try:
                write()
            except ChaoskitError as error:
                self._notes.append(str(error))

    def _write_matrix(self) -> None:
        if self.results:
            from chaoskit.report import independence  # noqa: PLC0415

            independence.write(self.results[0].journal.parent, self.results)

    def _write_summary(self) -> None:
        if self._summary is not None and (self.results or self._stopped):
            from chaoskit.report import markdown  # noqa: PLC0415

            means = f"exit code {self._status}: {MEANINGS[self._status]}" if self._status in MEANINGS else ""
            folder = str(self.results[0].journal.parent.name) if self.results else ""
            markdown.append(
                self._summary, markdown.summary(self.results, self._stopped, means=means, folder=folder)
            )

    def _write_report(self) -> None:
        wanted = self._config.getini("chaos_report") and not self._config.getoption("--chaos-no-report")
        if not (self.results and wanted):
            return
        from chaoskit.report import page  # noqa: PLC0415

        folder = self.results[0].journal.parent
        try:
            path = page.write(folder / page.FILE, page.gather(result.journal for result in self.results))
        except ChaoskitError as error:
            self._notes.append(f"the report was not written: {error}")
        except Exception as error:  # noqa: BLE001 - the verdicts stand even without a report
            again = f"`chaoskit report {folder}` tries again"
            self._notes.append(f"the report was not written: {type(error).__name__}: {error}; {again}")
        else:
            self._notes.append(f"report: {path}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the verdict table, and the meaning of an exit code that chaoskit has set."""
        if not (self.results or self._notes or self._status in (UNKNOWN, HARNESS_ERROR)):
            return
        terminalreporter.section("chaos experiments")
        lines: list[str] = []
        if self.results:
            from chaoskit.report import terminal  # noqa: PLC0415

            lines += [terminal.table(self.results), "", "independence: declared, and seen"]
            lines += [terminal.matrix(self.results), ""]
        lines += [
            f"rebuilt the environment before {result.name}: {result.reset.why}"
            for result in self.results
            if result.reset.rebuilt
        ]
        lines += self._notes
        if self.results:
            lines.append(f"journals: {self.results[0].journal.parent}")
        if self._status in (UNKNOWN, HARNESS_ERROR):
            lines.append(f"exit code {self._status}: {MEANINGS[self._status]}")
        for line in "\n".join(lines).splitlines():
            terminalreporter.write_line(line)


def summary_file(named: str, root: Path) -> Path | None:
    """The file of the summary: the one that the user names, else the one that GitHub Actions offers."""
    if named:
        return root / named
    offered = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(offered) if offered else None
