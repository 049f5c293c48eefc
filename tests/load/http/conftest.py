"""The fixture of every test of the HTTP client."""

from __future__ import annotations

import pytest

from chaoskit.load.http import transport


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep idle connections for as long as a busy machine may take between two requests."""
    monkeypatch.setattr(transport, "IDLE_TIMEOUT", 60.0)
