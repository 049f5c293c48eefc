"""The report as people open it: one HTML file, made from journals alone.

:func:`gather` reads journals, :func:`render` makes the page, :func:`write` puts it into a file.
"""

from __future__ import annotations

from pathlib import Path

from chaoskit.record import journal
from chaoskit.report.page.document import of_results, render
from chaoskit.report.page.sources import DETECTION, Sources, gather

FILE = "report.html"

__all__ = ["DETECTION", "FILE", "Sources", "gather", "of_results", "render", "write"]


def write(path: Path, sources: Sources) -> Path:
    """Write a report whole or not at all; returns the file.

    Raises:
        JournalUnwritable: a full disk, no permission.
    """
    journal.put(path, [render(sources)], "the report cannot be written")
    return path
