"""Where load may go: to this machine and to the hosts that the caller named, and nowhere else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from chaoskit.errors import UsageError

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's; no resolver is asked."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an absolute URL; all names of this machine count as one host.

    Raises:
        UsageError: it is not an absolute http or https URL.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:
        scheme, host, port = "", "", None
    if scheme not in _DEFAULT_PORTS or not host:
        raise UsageError(
            f"load cannot be sent to {url!r}: it is not an absolute http or https URL",
            remedy="write it as http://127.0.0.1:8080",
        )
    return scheme, "localhost" if is_loopback(host) else host.lower(), port or _DEFAULT_PORTS[scheme]


@dataclass(frozen=True, slots=True)
class Guard:
    """The origins that requests may go to.

    Attributes:
        origins: the entries, as :func:`origin_of` returns them.
        hosts: other hosts that the caller allowed, in lower case.
    """

    origins: frozenset[tuple[str, str, int]]
    hosts: frozenset[str] = frozenset()

    @classmethod
    def around(cls, entries: Iterable[str], allowed_hosts: Iterable[str] = ()) -> Guard:
        """The guard for some entries.

        Raises:
            UsageError: an entry is neither on this machine nor on an allowed host.
        """
        hosts = frozenset(host.strip("[]").lower() for host in allowed_hosts)
        origins = set()
        for entry in entries:
            origin = origin_of(entry)
            if origin[1] != "localhost" and origin[1] not in hosts:
                raise UsageError(
                    f"load would leave this machine: {entry}",
                    limit="127.0.0.0/8, ::1 and localhost",
                    remedy=f"if that host is yours to load, allow it: allowed_hosts=[{origin[1]!r}]",
                )
            origins.add(origin)
        return cls(frozenset(origins), hosts)

    def admits(self, scheme: str, host: str, port: int | None) -> bool:
        """Whether a request may go there."""
        named = "localhost" if is_loopback(host) else host.lower()
        return named in self.hosts or (scheme, named, port or _DEFAULT_PORTS.get(scheme, 0)) in self.origins
