"""PostgreSQL, by pg8000: of the Python drivers it is the one that tells the SQLSTATE of a refused
connection (libpq, and so psycopg, does not).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pg8000.native
from pg8000.exceptions import Error

from chaoskit.runtime import Runtime

PORT = 5432
TOO_MANY_CONNECTIONS = "53300"
"""Source: PostgreSQL manual, appendix A, class 53 (insufficient resources)."""


class Refused(Exception):
    """The server, or the way to it, said no.

    Args:
        sqlstate: the server's code; ``None`` where the failure was not the server's answer.
        message: what it said, one line.
    """

    def __init__(self, sqlstate: str | None, message: str) -> None:
        super().__init__(f"SQLSTATE {sqlstate}: {message}" if sqlstate else message)
        self.sqlstate = sqlstate
        self.message = message


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who the harness is to the server; what is ``None`` is taken from the component's environment
    (``POSTGRES_USER``, ``POSTGRES_PASSWORD``, ``POSTGRES_DB``, as the official image has them).
    """

    user: str | None = None
    password: str | None = None
    database: str | None = None

    def filled(self, environment: Mapping[str, str]) -> Credentials:
        """The same, completed from a component's environment."""
        user = self.user or environment.get("POSTGRES_USER") or "postgres"
        return Credentials(
            user=user,
            password=self.password or environment.get("POSTGRES_PASSWORD"),
            database=self.database or environment.get("POSTGRES_DB") or user,
        )


class Session:
    """One open connection; every statement commits by itself."""

    def __init__(self, connection: pg8000.native.Connection) -> None:
        self._connection = connection

    def rows(self, query: str, **parameters: object) -> list[list[Any]]:
        """What a query returns, row by row.

        Raises:
            Refused: the server or the connection failed.
        """
        try:
            return list(self._connection.run(query, **parameters) or ())
        except (Error, OSError) as error:
            raise _refused(error) from error

    def figure(self, query: str, **parameters: object) -> int:
        """The one whole number that a query returns.

        Raises:
            Refused: the server or the connection failed.
        """
        return int(self.rows(query, **parameters)[0][0])

    def close(self) -> None:
        """End it; a connection that the server has ended already is no error."""
        with contextlib.suppress(Error, OSError):
            self._connection.close()


def connect(
    runtime: Runtime, component: str, credentials: Credentials, application: str, timeout: float = 5.0
) -> Session:
    """Open a connection over the harness's own link.

    Args:
        runtime: where the component runs.
        component: the server.
        credentials: see :class:`Credentials`.
        application: the ``application_name`` by which ``pg_stat_activity`` shows it.
        timeout: seconds for connecting and for each statement.

    Raises:
        Refused: with the server's SQLSTATE, where it answered.
    """
    host, port = runtime.address(component, PORT)
    who = credentials.filled(runtime.environment(component))
    try:
        return Session(
            pg8000.native.Connection(
                who.user,
                host=host,
                port=port,
                password=who.password,
                database=who.database,
                timeout=timeout,
                application_name=application,
            )
        )
    except (Error, OSError) as error:
        raise _refused(error) from error


@contextlib.contextmanager
def session(
    runtime: Runtime, component: str, credentials: Credentials, application: str
) -> Iterator[Session]:
    """A connection for the length of a ``with`` block; see :func:`connect`."""
    opened = connect(runtime, component, credentials, application)
    try:
        yield opened
    finally:
        opened.close()


def _refused(error: Exception) -> Refused:
    answer: Any = error.args[0] if error.args else None
    if isinstance(answer, dict):
        return Refused(answer.get("C"), str(answer.get("M", "")).strip())
    lines = str(error).strip().splitlines()
    return Refused(None, lines[-1] if lines else type(error).__name__)
