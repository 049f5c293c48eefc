"""What is written down of an exception: one short line, or the user's part of a traceback."""

from __future__ import annotations

import linecache
import traceback
from types import TracebackType

import httpx

from chaoskit.load.http.transport import ForeignRequest

LONGEST = 120
_OURS = ("__main__", "chaoskit.load.", "importlib", "_frozen_importlib")  # __main__ is child.py

MISTAKES = (
    NameError,
    TypeError,
    AttributeError,
    ImportError,
    SyntaxError,
    NotImplementedError,
    SystemExit,
    ForeignRequest,
)
"""Exceptions that come from the journey's own code rather than from the system under test."""


def one_line(error: BaseException) -> str:
    """``Type: message``, at most 120 characters.

    An HTTP status is told with the method and the path; a bare ``assert`` with its source line.
    """
    if isinstance(error, httpx.HTTPStatusError):
        request, response = error.request, error.response
        text = f"{response.status_code} {response.reason_phrase} from {request.method} {request.url.path}"
    else:
        text = " ".join(str(error).split())
        if not text and isinstance(error, AssertionError):
            text = _source_line(error.__traceback__)
    whole = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"


def of_the_user(error: BaseException) -> str:
    """The traceback without chaoskit's own frames at its head."""
    frame = error.__traceback__
    while frame and frame.tb_next and frame.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame)).rstrip()


def _source_line(frame: TracebackType | None) -> str:
    if frame is None:
        return ""
    while frame.tb_next:
        frame = frame.tb_next
    file = frame.tb_frame.f_code.co_filename
    return linecache.getline(file, frame.tb_lineno).strip()
