"""Which paths are worth asking an entry for, the most telling ones first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_URL = re.compile(r"https?://[^/\s'\"]+(/[^\s'\")\\;|]*)")
_PAGES = ("/index.html", "/login", "/api", "/api/v1", "/docs")
_HEALTH = (
    "/health",
    "/healthz",
    "/api/health",
    "/status",
    "/ping",
    "/ready",
    "/readyz",
    "/livez",
    "/version",
)


def candidates(service: str, config: Mapping[str, Any], given: Iterable[str] = ()) -> tuple[str, ...]:
    """The paths to try at an entry.

    A page that users see comes before a health check, and a health check of what is behind the entry
    before the entry's own, since it leads further into the system.

    Args:
        service: the service behind the entry.
        config: what ``docker compose config`` says.
        given: what the user names; tried first.
    """
    services: Mapping[str, Any] = config.get("services") or {}
    own = list(_checked(services.get(service) or {}))
    others = [path for name, each in services.items() if name != service for path in _checked(each)]
    return tuple(dict.fromkeys([*given, "/", *_PAGES, *others, *_HEALTH, *own]))


def _checked(service: Mapping[str, Any]) -> Iterable[str]:
    """The paths in a service's health check."""
    test = (service.get("healthcheck") or {}).get("test") or ()
    text = test if isinstance(test, str) else " ".join(map(str, test))
    return _URL.findall(text)
