"""What every test of the HTTP client has."""

from __future__ import annotations

import pytest

from chaoskit.load.http import transport


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections stay idle for as long as a busy machine may take between two requests."""
    monkeypatch.setattr(transport, "KEEPALIVE", 60.0)
