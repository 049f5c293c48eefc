"""The report of a run: one HTML file, made from journals alone.

:func:`gather` reads journals, :func:`render` makes the page, :func:`write` writes it to a file.
"""

from __future__ import annotations

from pathlib import Path

from chaoskit.record import journal
from chaoskit.report.page.document import of_results, render
from chaoskit.report.page.sources import DETECTION, Sources, gather

FILE = "report.html"

__all__ = ["DETECTION", "FILE", "Sources", "gather", "of_results", "render", "write"]


def write(path: Path, sources: Sources) -> Path:
    """Write a report, whole or not at all; returns the file.

    Raises:
        JournalUnwritable: the disk is full, or the file may not be written.
    """
    journal.put(path, [render(sources)], "the report cannot be written")
    return path
