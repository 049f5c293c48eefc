"""The after-action report of a game day: a page and a Markdown text, made from its record and journals.

:func:`read` reads and checks the folder of a game day; :func:`write` writes both reports into it.
"""

from __future__ import annotations

from pathlib import Path

from chaoskit.record import journal
from chaoskit.report.afteraction import document, text
from chaoskit.report.afteraction.day import RecordedDay
from chaoskit.report.afteraction.reading import VERSION, read

HTML = "after-action.html"
MARKDOWN = "after-action.md"

__all__ = ["HTML", "MARKDOWN", "VERSION", "RecordedDay", "read", "write"]


def write(folder: Path) -> tuple[Path, Path]:
    """Write both reports of a game day, each whole or not at all; returns the files.

    Raises:
        UsageError: the record, or a journal that it names, is missing or malformed.
        JournalUnwritable: the disk is full, or a file may not be written.
    """
    day = read(folder)
    page, said = document.render(day), text.render(day)
    journal.put(folder / HTML, page, "the after-action report cannot be written")
    journal.put(folder / MARKDOWN, said, "the after-action report cannot be written")
    return folder / HTML, folder / MARKDOWN
