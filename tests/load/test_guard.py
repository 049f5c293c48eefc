from __future__ import annotations

import pytest

from chaoskit.errors import UsageError
from chaoskit.load.guard import Guard, is_loopback, origin_of


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "LOCALHOST", "localhost."]
)
def test_this_machine_is_known_by_all_its_names(host: str) -> None:
    """The whole of 127.0.0.0/8, ::1 and localhost are this machine."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["128.0.0.1", "10.0.0.1", "0.0.0.0", "localhost.example.com", "127.0.0.1.nip.io", ""]
)
def test_other_hosts_are_not_this_machine(host: str) -> None:
    """A name that only looks like this machine's is another host's, and no resolver is asked."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url", ["", "/listings", "127.0.0.1:80", "ftp://127.0.0.1/", "http://", "http://[::1", "http://a:b"]
)
def test_an_entry_must_be_an_http_url(url: str) -> None:
    """An entry that is not an absolute URL is a mistake, and the error shows how to write one."""
    with pytest.raises(UsageError, match="not an absolute http"):
        origin_of(url)


def test_only_the_entries_are_admitted() -> None:
    """Another port of this machine may belong to another system: only the entries' origins are admitted."""
    guard = Guard.around(["http://127.0.0.1:8080", "https://localhost"])
    assert guard.admits("http", "127.0.0.1", 8080)
    assert guard.admits("http", "localhost", 8080)
    assert guard.admits("https", "::1", None)
    assert not guard.admits("http", "127.0.0.1", 8081)
    assert not guard.admits("https", "127.0.0.1", 8080)
    assert not guard.admits("http", "example.com", 8080)


def test_other_hosts_must_be_allowed_by_name() -> None:
    """An entry on another host is refused, and the error names the argument that would allow it."""
    with pytest.raises(UsageError, match="would leave this machine") as caught:
        Guard.around(["http://10.213.0.3:8000"])
    assert "allowed_hosts=['10.213.0.3']" in str(caught.value)
    guard = Guard.around(["http://10.213.0.3:8000"], ["10.213.0.3"])
    assert guard.admits("http", "10.213.0.3", 8000)
    assert guard.admits("http", "10.213.0.3", 9000)
