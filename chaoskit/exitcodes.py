"""The exit codes of a test session with experiments: broken, unknown and harness error apart.

pytest owns 0 to 5. Its 1 (tests failed) stays what it is as soon as one test failed for any other
reason than the two that are told apart here, so nothing else is ever hidden by them. The exit codes of the
``chaoskit`` command stand here, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from chaoskit.errors import ChaoskitError, UnexpectedVerdict, VerdictUnknown

OK, PROBLEM, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Of the command: all is well; something is missing or failed; the user's mistake; Ctrl-C."""

FAILED = 1
"""pytest's own: a promise is broken, or an ordinary test failed."""
UNKNOWN = 10
"""Every failure is a verdict that could not be found."""
TROUBLE = 11
"""Every failure is a verdict that could not be found, and at least one experiment could not be made
or lost an instrument: the environment, the harness or the declaration has to be mended first."""

MEANS: Mapping[int, str] = {
    0: "every experiment held",
    FAILED: "a promise is broken, or another test failed",
    UNKNOWN: "nothing is known to be broken, and at least one verdict is UNKNOWN",
    TROUBLE: "nothing is known to be broken, and the environment, the harness or the declaration is at fault",
}

_PACKAGE = Path(__file__).resolve().parent


def code_of(error: BaseException) -> int:
    """What a failure of one test says: :data:`FAILED`, :data:`UNKNOWN` or :data:`TROUBLE`.

    An error that chaoskit did not raise on purpose is an ordinary failure, unless it comes out of
    chaoskit's own code: then the harness has a fault.
    """
    if isinstance(error, VerdictUnknown):
        return TROUBLE if error.instrument else UNKNOWN
    if isinstance(error, UnexpectedVerdict):
        return FAILED
    if isinstance(error, ChaoskitError):
        return TROUBLE
    ours = isinstance(error, Exception) and _raised_in(error.__traceback__).is_relative_to(_PACKAGE)
    return TROUBLE if ours else FAILED


def exit_code(status: int, failures: int, codes: Mapping[int, int]) -> int:
    """The exit code of a session.

    Args:
        status: pytest's own. Anything but :data:`FAILED` stays: interrupted (2), an error of
            pytest's (3), a wrong command (4), no tests (5).
        failures: how many failures pytest has counted, of tests, set-ups, tear-downs and
            collections.
        codes: how many of them were of which code.
    """
    if status != FAILED or failures > codes.get(UNKNOWN, 0) + codes.get(TROUBLE, 0):
        return status
    return TROUBLE if codes.get(TROUBLE) else UNKNOWN


def _raised_in(trace: TracebackType | None) -> Path:
    """The file of the innermost frame."""
    file = ""
    while trace is not None:
        file, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return Path(file)
