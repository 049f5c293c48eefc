from __future__ import annotations

from collections.abc import Iterator

import pytest

from chaoskit.interpose.mentions import Mention, in_command, in_environment, in_health_check, in_text


def seen(mentions: Iterator[Mention]) -> set[tuple[str, int]]:
    """The mentions as pairs."""
    return {(each.host, each.port) for each in mentions}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db:5432", {("db", 5432)}),
        ("redis://cache", {("cache", 6379)}),
        ("redis://:secret@cache/0", {("cache", 6379)}),
        ("postgres://user:5432@user_db/shop", {("user_db", 5432)}),
        ("postgresql+asyncpg://u:p@db.internal/x", {("db.internal", 5432)}),
        ("jdbc:mysql://db/x", {("db", 3306)}),
        ("mongodb://a:27017,b:27018/x", {("a", 27017), ("b", 27018)}),
        ("http://api:8000/health", {("api", 8000)}),
        ("http://api/health", {("api", 80)}),
        ("until nc -z -w 2 db 5432; do sleep 1; done", {("db", 5432)}),
        ("</dev/tcp/db/5432", {("db", 5432)}),
        ("unknown://api", set()),
        ("nothing here, at 12", set()),
    ],
)
def test_what_text_names(text: str, expected: set[tuple[str, int]]) -> None:
    """Hosts with ports, URLs without a port, and the ways in which scripts wait for a port are found."""
    assert seen(in_text(text)) == expected


def test_a_password_is_no_port() -> None:
    """``user:1234@host`` is a user and a password, not a host and a port."""
    assert ("postgres", 1234) not in seen(in_text("postgres://postgres:1234@db:5432"))


def test_variables_in_pairs() -> None:
    """DB_HOST and DB_PORT belong together, and PORT is the service's own."""
    found = seen(in_environment({"DB_HOST": "db", "DB_PORT": "5433", "PORT": "3000", "OTHER_PORT": "1"}))
    assert found == {("db", 5433), ("", 3000)}


def test_where_a_command_listens() -> None:
    """Options and addresses tell a command's own port; the hosts that it dials are others."""
    assert seen(in_command(["gunicorn", "-b", "0.0.0.0:8000", "app"])) >= {("", 8000)}
    assert seen(in_command(["caddy", "--bind", ":9000"])) == {("", 9000)}
    assert seen(in_command(["uvicorn", "--port=7000"])) == {("", 7000)}
    assert seen(in_command(["worker", "--broker", "redis://cache:6380"])) == {("cache", 6380)}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (["CMD", "redis-cli", "ping"], {("", 6379)}),
        (["CMD", "redis-cli", "-p", "7000", "ping"], {("", 7000)}),
        (["CMD-SHELL", "pg_isready -U $$POSTGRES_USER -p5433"], {("", 5433)}),
        (["CMD-SHELL", "pg_isready -h db"], {("db", 5432)}),
        (["CMD-SHELL", "mysqladmin ping -h localhost --port=3307"], {("", 3307)}),
        (["CMD", "curl", "-f", "http://localhost:8080/health"], {("", 8080)}),
        (["CMD-SHELL", "curl -f http://localhost || exit 1"], {("", 80)}),
        (["CMD-SHELL", "nc -z 127.0.0.1 9092"], {("", 9092)}),
        (["CMD", "grpc_health_probe", "-addr=:50051"], {("", 50051)}),
        (["CMD-SHELL", "test -f /tmp/ready"], set()),
        (["NONE"], set()),
        ([], set()),
    ],
)
def test_what_a_health_check_checks(test: list[str], expected: set[tuple[str, int]]) -> None:
    """The port on this host that is asked, or another host's."""
    assert seen(in_health_check(test)) == expected
