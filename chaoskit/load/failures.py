"""How an exception is recorded: as one short line, or as the user's part of its traceback."""

from __future__ import annotations

import linecache
import traceback
from types import TracebackType

import httpx

from chaoskit.load.http.transport import ForeignRequest

LINE_LENGTH = 120
"""Characters that are kept of an exception's line."""

_OWN_MODULES = ("__main__", "chaoskit.load.", "importlib", "_frozen_importlib")
"""Modules whose frames are left out of a traceback; ``__main__`` is ``child.py``."""

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
"""Exceptions that come from the journey's own code, not from the system under test."""


def one_line(error: BaseException) -> str:
    """``Type: message``, at most :data:`LINE_LENGTH` characters.

    An HTTP status comes with the method and the path, a bare ``assert`` with its source line.
    """
    if isinstance(error, httpx.HTTPStatusError):
        request, response = error.request, error.response
        text = f"{response.status_code} {response.reason_phrase} from {request.method} {request.url.path}"
    else:
        text = " ".join(str(error).split())
        if not text and isinstance(error, AssertionError):
            text = _source_line(error.__traceback__)
    whole = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return whole if len(whole) <= LINE_LENGTH else whole[: LINE_LENGTH - 1] + "…"


def user_traceback(error: BaseException) -> str:
    """The traceback, without the frames of chaoskit at its top."""
    frame = error.__traceback__
    while frame and frame.tb_next and frame.tb_frame.f_globals.get("__name__", "").startswith(_OWN_MODULES):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame)).rstrip()


def _source_line(frame: TracebackType | None) -> str:
    if frame is None:
        return ""
    while frame.tb_next:
        frame = frame.tb_next
    file = frame.tb_frame.f_code.co_filename
    return linecache.getline(file, frame.tb_lineno).strip()
