"""The after-action report of a game day: a page and a Markdown text, made from what it has left.

:func:`read` reads and checks a folder, :func:`write` puts both files into it.
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
    """Make both reports of a game day, each whole or not at all; returns the files.

    Raises:
        UsageError: the record, or a journal that it names, is not there or not as it should be.
        JournalUnwritable: a full disk, no permission.
    """
    day = read(folder)
    page, said = document.render(day), text.render(day)
    journal.put(folder / HTML, page, "the after-action report cannot be written")
    journal.put(folder / MARKDOWN, said, "the after-action report cannot be written")
    return folder / HTML, folder / MARKDOWN
