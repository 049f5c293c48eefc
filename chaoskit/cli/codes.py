"""Exit codes of the command."""

from __future__ import annotations

OK, TROUBLE, USAGE, INTERRUPTED = 0, 1, 2, 130
"""All is well; something is missing or failed; the user's mistake; Ctrl-C."""
