"""Exit codes: of the ``chaoskit`` command, and of a test session with experiments.

A session tells a broken promise, an unknown verdict and a harness error apart. pytest owns the codes 0
to 5. Its 1 (tests failed) stays as soon as one test failed for any reason but the two below, so that
their codes never hide another failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from chaoskit.errors import ChaoskitError, UnexpectedVerdict, VerdictUnknown

OK, PROBLEM, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Of the command: all is well; something is missing or failed; a mistake of the user; Ctrl-C."""

FAILED = 1
"""The code of pytest: a promise is broken, or an ordinary test failed."""
UNKNOWN = 10
"""Every failure is an UNKNOWN verdict."""
HARNESS_ERROR = 11
"""Every failure is an UNKNOWN verdict, and at least one experiment could not run or lost an
instrument: the environment, the harness or the declaration has to be repaired first."""

MEANINGS: Mapping[int, str] = {
    0: "every experiment held",
    FAILED: "a promise is broken, or another test failed",
    UNKNOWN: "nothing is known to be broken, and at least one verdict is UNKNOWN",
    HARNESS_ERROR: "nothing is known to be broken, and "
    "the environment, the harness or the declaration is at fault",
}

_PACKAGE = Path(__file__).resolve().parent


def code_of(error: BaseException) -> int:
    """The code of one test's failure: :data:`FAILED`, :data:`UNKNOWN` or :data:`HARNESS_ERROR`.

    An error that chaoskit did not raise on purpose is an ordinary failure, unless chaoskit's own code
    raised it: then the harness has a defect.
    """
    if isinstance(error, VerdictUnknown):
        return HARNESS_ERROR if error.instrument else UNKNOWN
    if isinstance(error, UnexpectedVerdict):
        return FAILED
    if isinstance(error, ChaoskitError):
        return HARNESS_ERROR
    ours = isinstance(error, Exception) and _raised_in(error.__traceback__).is_relative_to(_PACKAGE)
    return HARNESS_ERROR if ours else FAILED


def exit_code(status: int, failures: int, codes: Mapping[int, int]) -> int:
    """The exit code of a session.

    Args:
        status: the exit code of pytest. Any but :data:`FAILED` stays: interrupted (2), an internal
            error of pytest (3), a wrong command (4), no tests (5).
        failures: how many failures pytest has counted in tests, set-ups, tear-downs and collections.
        codes: code → how many of these failures have it.
    """
    if status != FAILED or failures > codes.get(UNKNOWN, 0) + codes.get(HARNESS_ERROR, 0):
        return status
    return HARNESS_ERROR if codes.get(HARNESS_ERROR) else UNKNOWN


def _raised_in(trace: TracebackType | None) -> Path:
    """The file of the innermost frame."""
    file = ""
    while trace is not None:
        file, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return Path(file)
